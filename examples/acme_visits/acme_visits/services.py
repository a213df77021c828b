"""What can be asked of visits and done with them; statements are narrowed to the branches of the actor."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from core.api import ScopedSession
from sqlalchemy import delete, func, select

from acme_visits.data import VisitLine
from acme_visits.models import Visit


def open_visits_of(session: ScopedSession, customer_id: int) -> list[VisitLine]:
    """Return the open visits about a customer, the one due first in front."""
    asked = (
        select(Visit.id, Visit.text, Visit.due_on)
        .where(Visit.customer_id == customer_id, Visit.done.is_(False))
        .order_by(Visit.due_on.is_(None), Visit.due_on, Visit.id)
    )
    return [VisitLine(row.id, row.text, row.due_on) for row in session.execute(asked)]


def count_open(session: ScopedSession, customer_ids: Sequence[int]) -> dict[int, int]:
    """Return how many open visits there are about each of the customers that have any."""
    asked = (
        select(Visit.customer_id, func.count(Visit.id))
        .where(Visit.customer_id.in_(customer_ids), Visit.done.is_(False))
        .group_by(Visit.customer_id)
    )
    return {customer_id: number for customer_id, number in session.execute(asked)}


def count_due(session: ScopedSession, today: date) -> tuple[int, int]:
    """Return how many visits are open, and how many of them were due before today."""
    late = func.count().filter(Visit.due_on < today)
    found = session.execute(select(func.count(Visit.id), late).where(Visit.done.is_(False))).one()
    return found[0], found[1]


def forget_before(session: ScopedSession, day: date) -> int:
    """Delete the visits that were dealt with and due before a day; returns how many."""
    old = session.scalars(select(Visit.id).where(Visit.done.is_(True), Visit.due_on < day)).all()
    session.execute(delete(Visit).where(Visit.id.in_(old)))
    return len(old)
