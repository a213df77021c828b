"""Marks that people or sources set on a customer: intention, credit, importance, blacklist."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import or_, select

from core.api import (
    BanyanError,
    ConflictError,
    InvalidInputError,
    InvalidValueError,
    NotFoundError,
    ScopedSession,
    record_audit,
)
from plugins.crm_customers.classify import classify_customers
from plugins.crm_customers.models.classes import CustomerMark
from plugins.crm_customers.models.customers import Customer

VALUES: dict[str, tuple[str, ...]] = {
    "intention": ("yes",),
    "credit": ("good", "bad"),
    "importance": ("yes",),
    "blacklist": ("yes",),
}
"""Kinds of marks and the values they may have."""
APPROVED_KINDS = frozenset({"importance", "blacklist"})
"""Kinds that need a reason and a second person when set by hand (CL-13; domain facts 6)."""
MANUAL = "manual"
"""Source of marks set by hand; every other source counts as approved by itself."""


@dataclass(frozen=True)
class Mark:
    """A mark to set.

    Args:
        kind: Key of ``VALUES``.
        since: First day it counts.
        value: One of the kind's values.
        until: Last day it counts; ``None`` for no end.
        source: ``manual``, or the source that delivered it.
        reason: Why.
        approved_by: Name of the second person.
    """

    kind: str
    since: date
    value: str = "yes"
    until: date | None = None
    source: str = MANUAL
    reason: str | None = None
    approved_by: str | None = None


def set_mark(session: ScopedSession, customer_id: int, mark: Mark, today: date) -> CustomerMark:
    """Set a mark, end an earlier one of its kind, and classify the customer again.

    Args:
        session: A write session; its actor is the one who sets the mark.
        customer_id: The customer.
        mark: What to set.
        today: The day to classify for.

    Raises:
        NotFoundError: ``unknown_customer``: there is none, or not for this actor.
        InvalidInputError: A value, reason or approver is wrong; the fields say which.
    """
    customer = _customer(session, customer_id)
    set_by = session.actor.name if session.actor else ""
    _check(mark, set_by)
    for earlier in marks_of(session, customer_id, mark.since, mark.kind):
        earlier.until = mark.since - timedelta(days=1)
    row = CustomerMark(
        customer_id=customer_id,
        kind=mark.kind,
        value=mark.value,
        since=mark.since,
        until=mark.until,
        source=mark.source,
        reason=mark.reason,
        set_by=set_by,
        approved_by=mark.approved_by,
    )
    session.add(row)
    if mark.kind == "intention":
        customer.intention_on = mark.since
    _finish(session, customer_id, "customer.mark", mark.kind, today)
    return row


def end_mark(session: ScopedSession, customer_id: int, kind: str, today: date, reason: str = "") -> None:
    """End the marks of a kind that count today: the day before is their last; then classify again.

    Raises:
        NotFoundError: ``unknown_customer``.
        ConflictError: ``no_mark``: no such mark counts today.
    """
    customer = _customer(session, customer_id)
    marks = marks_of(session, customer_id, today, kind)
    if not marks and not (kind == "intention" and customer.intention_on):
        raise ConflictError("no_mark", "The customer has no such mark today.", "Reload the page.")
    for mark in marks:
        mark.until = today - timedelta(days=1)
        mark.reason = "; ".join(part for part in (mark.reason, reason) if part)[:200] or None
    if kind == "intention":
        customer.intention_on = None
    _finish(session, customer_id, "customer.unmark", kind, today)


def marks_of(session: ScopedSession, customer_id: int, on: date, kind: str | None = None) -> Sequence[CustomerMark]:
    """Return the marks that count on a day, oldest first.

    Args:
        session: Any session; the caller has checked that the actor may see the customer.
        customer_id: The customer.
        on: The day.
        kind: Only this kind.
    """
    query = select(CustomerMark).where(
        CustomerMark.customer_id == customer_id,
        CustomerMark.since <= on,
        or_(CustomerMark.until.is_(None), CustomerMark.until >= on),
    )
    if kind is not None:
        query = query.where(CustomerMark.kind == kind)
    return session.scalars(query.order_by(CustomerMark.since, CustomerMark.id)).all()


def _customer(session: ScopedSession, customer_id: int) -> Customer:
    # a select, not session.get, so that the actor's row rule applies even to a loaded customer
    customer = session.scalars(select(Customer).where(Customer.id == customer_id)).first()
    if customer is None:
        raise NotFoundError("unknown_customer", "There is no customer {id}.", id=customer_id)
    return customer


def _finish(session: ScopedSession, customer_id: int, action: str, kind: str, today: date) -> None:
    record_audit(session, action, "crm_customers.customer", customer_id, {"kind": kind})
    classify_customers(session, [customer_id], today)


def _check(mark: Mark, set_by: str) -> None:
    fields: dict[str, BanyanError] = {}
    if mark.kind not in VALUES:
        fields["kind"] = InvalidValueError("mark_kind", "There is no mark {kind}.", kind=mark.kind)
    elif mark.value not in VALUES[mark.kind]:
        fields["value"] = InvalidValueError("mark_value", "{value} is no value of this mark.", value=mark.value)
    if mark.until is not None and mark.until < mark.since:
        fields["until"] = InvalidValueError("mark_until", "The end lies before the start.")
    if mark.source == MANUAL and mark.kind in APPROVED_KINDS:
        if not (mark.reason or "").strip():
            fields["reason"] = InvalidValueError("mark_reason", "This mark needs a reason.")
        if not mark.approved_by or mark.approved_by == set_by:
            fields["approved_by"] = InvalidValueError("mark_approver", "A second person must approve this mark.")
    if fields:
        raise InvalidInputError(fields)
