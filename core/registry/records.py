"""Single records: load through the row rule, authorise, write, prove that the actor still sees it, audit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from core.db.session import ScopedSession
from core.errors import BanyanError, ConflictError, InvalidInputError, NotFoundError, PermissionDeniedError
from core.registry.added_fields import Added, load_values, save_values
from core.registry.formats import json_format
from core.registry.input import read_added, read_fields
from core.registry.models import RegisteredModel
from core.security.actors import Actor
from core.security.audit import record as audit

if TYPE_CHECKING:
    from core.app import Suite


def load_record(session: ScopedSession, model: RegisteredModel, record_id: int) -> Any:
    """Return a record.

    Raises:
        NotFoundError: There is none, or not for this actor: both look the same.
    """
    found = session.scalar(select(model.entity).where(model.column("id") == record_id))
    if found is None:
        raise NotFoundError("unknown_record", "There is no such record.", "Go back to the list.", model=model.id)
    return found


def create_record(
    suite: Suite, session: ScopedSession, model: RegisteredModel, sent: Mapping[str, Any], host_id: int | None = None
) -> int:
    """Make a record from what was sent.

    Args:
        suite: Registry and hooks.
        session: A write session; the caller has checked ``<model>.edit``.
        model: The model.
        sent: Texts or JSON values by field name.
        host_id: Record that the new one adds to, for a side model, whose ids are those of its host.

    Returns:
        The new id.

    Raises:
        InvalidInputError: Values are wrong or names unknown.
        PermissionDeniedError: A plugin refuses, or the record would not be visible to its maker.
        ConflictError: A unique value is taken.
    """
    actor = _actor(session)
    if "branch_id" in model.fields and not sent.get("branch_id"):
        sent = {**sent, "branch_id": str(actor.home_branch_id)}
    values, added = _values(suite, session, model, sent, partial=False)
    made = model.entity(**values, **({} if host_id is None else {"id": host_id}))
    _authorise(suite, session, actor, model, made)
    session.add(made)
    told = sorted((*values, *(each.field.name for each, value in added if value is not None)))
    _finish(session, model, made, "created", {"fields": told})
    if added:
        save_values(session, model, made.id, added)
    return made.id


def change_record(
    suite: Suite,
    session: ScopedSession,
    model: RegisteredModel,
    record_id: int,
    sent: Mapping[str, Any],
) -> list[str]:
    """Change a record; fields that are not sent stay.

    Args:
        suite: Registry and hooks.
        session: A write session; the caller has checked ``<model>.edit``.
        model: The model.
        record_id: The record.
        sent: Texts or JSON values by field name, and the ``version`` that was read where the model has one.

    Returns:
        Names of the changed fields.

    Raises:
        NotFoundError: No such record for this actor.
        InvalidInputError: Values are wrong or names unknown.
        PermissionDeniedError: A plugin refuses, or the change would move the record out of sight.
        ConflictError: Somebody else changed it first, or a unique value is taken.
    """
    found = load_record(session, model, record_id)
    if is_versioned(model) and str(found.version) != str(sent.get("version")):
        raise ConflictError(
            "record_changed",
            "Somebody else changed this record meanwhile.",
            "Compare with the present values and save again.",
            version=found.version,
        )
    fields = {name: value for name, value in sent.items() if name != "version" or not is_versioned(model)}
    values, added = _values(suite, session, model, fields, partial=True)
    _authorise(suite, session, _actor(session), model, found)
    changes = {name: (getattr(found, name), value) for name, value in values.items() if getattr(found, name) != value}
    told, different = _added_changes(session, model, record_id, added)
    if not changes and not told:
        return []
    for name, (_old, new) in changes.items():
        setattr(found, name, new)
    if is_versioned(model):
        found.version += 1
    if different:
        save_values(session, model, record_id, different)
    _finish(session, model, found, "changed", {"fields": {**_told(model, changes), **told}})
    return [*changes, *told]


def added_fields(suite: Suite, model: RegisteredModel, actor: Actor | None) -> tuple[Added, ...]:
    """Return the fields that administrators added to a model and that exist for an actor."""
    if model.declaration.custom_values is None or actor is None:
        return ()
    return suite.custom_fields.of(model.id, actor.home_branch_id)


def is_versioned(model: RegisteredModel) -> bool:
    """Whether the model counts its changes in a column ``version``."""
    return "version" in model.table.columns


def _values(
    suite: Suite, session: ScopedSession, model: RegisteredModel, sent: Mapping[str, Any], *, partial: bool
) -> tuple[dict[str, Any], list[tuple[Added, Any]]]:
    """Read own and added fields; what is wrong in either is told at once."""
    known = {each.field.name: each for each in added_fields(suite, model, session.actor)}
    errors: dict[str, BanyanError] = {}
    values: dict[str, Any] = {}
    added: list[tuple[Added, Any]] = []
    try:
        own = {name: value for name, value in sent.items() if name not in known}
        values = read_fields(session, suite.registry, model, own, partial=partial)
    except InvalidInputError as error:
        errors |= error.fields
    try:
        added = read_added(known.values(), sent, partial=partial)
    except InvalidInputError as error:
        errors |= error.fields
    if errors:
        raise InvalidInputError(errors)
    return values, added


def _added_changes(
    session: ScopedSession, model: RegisteredModel, record_id: int, added: list[tuple[Added, Any]]
) -> tuple[dict[str, Any], list[tuple[Added, Any]]]:
    """Return what the audit trail tells of changed values, and those values."""
    old = load_values(session, model, [each for each, _ in added], [record_id])[record_id] if added else {}
    different = [(each, value) for each, value in added if old.get(each.field.name) != value]
    told: dict[str, Any] = {}
    for each, value in different:
        write = json_format(each.field.kind)
        pair = [write(old.get(each.field.name)), write(value)]
        told[each.field.name] = pair if each.field.data_class == "C1" else None
    return told, different


def _actor(session: ScopedSession) -> Actor:
    if session.actor is None:
        raise PermissionDeniedError("no_actor", "A change needs somebody who makes it.")
    return session.actor


def _authorise(suite: Suite, session: ScopedSession, actor: Actor, model: RegisteredModel, record: Any) -> None:
    answers = suite.plugins.gather(
        "core_authorize",
        in_branch=actor.home_branch_id,
        session=session,
        actor=actor,
        permission=f"{model.id}.edit",
        record=record,
    )
    for _plugin_id, reason in answers:
        raise PermissionDeniedError("refused", "This was refused: {why}.", "", why=reason)


def _finish(session: ScopedSession, model: RegisteredModel, made: Any, verb: str, detail: dict[str, Any]) -> None:
    """Write, then read again through the row rule (NetBox's order): out of sight means out of one's rights."""
    try:
        session.flush()
    except IntegrityError as error:
        raise ConflictError(
            "value_taken", "Another record has the same value.", "Change the values that must be unique."
        ) from error
    if session.scalar(select(model.column("id")).where(model.column("id") == made.id)) is None:
        raise PermissionDeniedError(
            "out_of_sight", "You would not see this record any more.", "Ask an administrator to make the change."
        )
    branch_id = getattr(made, "branch_id", None)
    audit(session, f"{model.noun}.{verb}", model.id, made.id, detail, branch_id)


def _told(model: RegisteredModel, changes: Mapping[str, tuple[Any, Any]]) -> dict[str, Any]:
    """Return old and new values for the audit trail; of personal data (C2, C3) only that they changed."""
    told: dict[str, Any] = {}
    for name, pair in changes.items():
        field = model.fields[name]
        write = json_format(field.kind)
        told[name] = [write(value) for value in pair] if field.data_class == "C1" else None
    return told
