"""Age of a person: a column and a filter of the list of customers, computed from the day of birth (CU-10)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import Integer, Select, cast, extract, select

from core.api import Asked, ScopedSession, today_here
from plugins.crm_customers.models import Customer


def age_on(day: date, birth_on: date | None) -> int | None:
    """Return the completed years of life on a day; ``None`` where the birthday is not known."""
    if birth_on is None:
        return None
    return day.year - birth_on.year - ((day.month, day.day) < (birth_on.month, birth_on.day))


def by_age(asked: Asked) -> Select[Any]:
    """Customers of an age, as ``age:>60`` or ``age:18..25``."""
    born, today = Customer.birth_on, today_here()
    written = extract("year", born) * 10_000 + extract("month", born) * 100 + extract("day", born)
    age = (today.year * 10_000 + today.month * 100 + today.day - cast(written, Integer)) // 10_000
    return select(Customer.id).where(asked.test(age))


def load_ages(session: ScopedSession, ids: Sequence[int]) -> Mapping[int, Any]:
    """Return the ages of the customers of one page."""
    today = today_here()
    rows = session.execute(select(Customer.id, Customer.birth_on).where(Customer.id.in_(ids)))
    return {number: age_on(today, birth_on) for number, birth_on in rows}
