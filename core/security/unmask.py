"""Showing one masked value in clear: by permission, for a reason, limited and audited."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import select

from core.db.session import ScopedSession
from core.errors import BanyanError, InvalidInputError, InvalidValueError, NotFoundError, PermissionDeniedError
from core.registry.added_fields import load_values
from core.registry.fields import Field
from core.registry.models import RegisteredModel
from core.registry.records import added_fields
from core.security import audit
from core.security.actors import Actor
from core.security.limits import count_attempt

if TYPE_CHECKING:
    from core.app import Suite

PER_HOUR = 50
"""Values one person may see in an hour: more is copying, not work (OWASP ASVS 5.0 2.4.1)."""
HOUR = timedelta(hours=1)
SHORTEST_REASON, LONGEST_REASON = 2, 200


def reveal(suite: Suite, session: ScopedSession, model: RegisteredModel, row_id: int, name: str, reason: str) -> str:
    """Return the clear text of a masked field.

    Args:
        suite: For the hook ``core_reveal``, which opens what is stored sealed.
        session: A write session of the person.
        model: The record's model.
        row_id: The record.
        name: A field with a mask.
        reason: Why it is needed; goes to the audit trail.

    Raises:
        PermissionDeniedError: ``<model>.unmask`` is missing.
        NotFoundError: There is no such record in the person's scope, no such masked field, or no value.
        InvalidInputError: The reason is missing or too long.
        TooManyRequestsError: 50 values were shown within the hour.
    """
    actor = session.actor
    if actor is None or actor.user_id is None:
        raise PermissionDeniedError("person_needed", "Only a person can see clear values.")
    actor.require(f"{model.id}.unmask")
    field = field_of(suite, model, name, actor)
    if field is None or not field.mask or (field.permission and not actor.may(field.permission)):
        raise NotFoundError("unknown_field", "{model} has no field {field}.", model=model.id, field=name)
    reason = _checked(reason)
    row = session.scalar(select(model.entity).where(model.entity.id == row_id))
    if row is None:
        raise NotFoundError("no_such_record", "There is no such record.")
    number = count_attempt(session, f"unmask:{actor.user_id}", PER_HOUR, HOUR)
    clear = suite.plugins.hook.core_reveal(session=session, model_id=model.id, row_id=row_id, field=name)
    if clear is None and name not in model.fields:
        added = [each for each in added_fields(suite, model, actor) if each.field.name == name]
        clear = load_values(session, model, added, [row_id])[row_id].get(name)
    elif clear is None:
        clear = getattr(row, name)
    if clear is None:
        raise NotFoundError("no_value", "There is no value to show.")
    detail = {"field": name, "why": reason, "within_hour": number}
    audit.record(session, "value.unmask", model.id, row_id, detail, getattr(row, "branch_id", None))
    return str(clear)


def field_of(suite: Suite, model: RegisteredModel, name: str, actor: Actor) -> Field | None:
    """Return a field of a model, or one that administrators added and that exists for the actor."""
    added = {each.field.name: each.field for each in added_fields(suite, model, actor)}
    return model.fields.get(name) or added.get(name)


def _checked(reason: str) -> str:
    reason = reason.strip()
    if not SHORTEST_REASON <= len(reason) <= LONGEST_REASON:
        problem: BanyanError = InvalidValueError("reason_missing", "Say in a few words why you need it.")
        raise InvalidInputError({"reason": problem})
    return reason
