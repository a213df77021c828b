"""Single records: load through the row rule, authorise, write, prove that the actor still sees it, audit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from core.db.session import ScopedSession
from core.errors import ConflictError, NotFoundError, PermissionDeniedError
from core.registry.formats import json_format
from core.registry.input import read_fields
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
    values = read_fields(session, suite.registry, model, sent, partial=False)
    made = model.entity(**values, **({} if host_id is None else {"id": host_id}))
    _authorise(suite, session, actor, model, made)
    session.add(made)
    _finish(session, model, made, "created", {"fields": sorted(values)})
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
    values = read_fields(session, suite.registry, model, fields, partial=True)
    _authorise(suite, session, _actor(session), model, found)
    changes = {name: (getattr(found, name), value) for name, value in values.items() if getattr(found, name) != value}
    if not changes:
        return []
    for name, (_old, new) in changes.items():
        setattr(found, name, new)
    if is_versioned(model):
        found.version += 1
    _finish(session, model, found, "changed", {"fields": _told(model, changes)})
    return list(changes)


def is_versioned(model: RegisteredModel) -> bool:
    """Whether the model counts its changes in a column ``version``."""
    return "version" in model.table.columns


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
