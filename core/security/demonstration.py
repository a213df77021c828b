"""Whether the installation holds demonstration data, and of which day: its persons are made up, and screens say so."""

from __future__ import annotations

from datetime import date

from sqlalchemy import select

from core.db.session import ScopedSession
from core.security.models import Setting

SETTING = "core.demonstration"


def mark_demonstration(session: ScopedSession, as_of: date) -> date:
    """Mark the installation for good.

    Args:
        session: A unit of work.
        as_of: Day of the data.

    Returns:
        The day of the data: that of the first mark, so that a resumed load makes the same data again.
    """
    known = demonstration_day(session)
    if known is None:
        session.add(Setting(name=SETTING, branch_id=None, value={"as_of": as_of.isoformat()}))
    return known or as_of


def demonstration_day(session: ScopedSession) -> date | None:
    """Return the day of the demonstration data, or none where there is none."""
    value = session.scalar(select(Setting.value).where(Setting.name == SETTING, Setting.branch_id.is_(None)))
    return date.fromisoformat(value["as_of"]) if value else None
