"""Jobs by the clock: what plugins ship is stored, due rows are claimed by compare-and-set and queued."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError
from sqlalchemy import select, update

from core.db.base import utc_now
from core.errors import InvalidValueError
from core.jobs.models import Schedule
from core.jobs.queue import enqueue
from core.security.actors import system_actor

if TYPE_CHECKING:
    from core.app import Suite

ZONE = ZoneInfo("Asia/Shanghai")
"""Cron expressions are read in China's one time zone."""


def next_time(cron: str, after: datetime) -> datetime:
    """Return the next instant of a cron expression.

    Args:
        cron: Five fields, in the time of the installation.
        after: Instant in UTC.

    Raises:
        InvalidValueError: The expression is wrong.
    """
    try:
        return next(CronSim(cron, after.astimezone(ZONE))).astimezone(after.tzinfo)
    except (CronSimError, StopIteration):
        raise InvalidValueError(
            "wrong_cron",
            "{cron} is not a time rule.",
            "Write five fields, for example `30 2 * * *` for each night at 02:30.",
            cron=cron,
        ) from None


def sync_schedules(suite: Suite) -> None:
    """Store the schedules that plugins ship; what an administrator set stays."""
    now = utc_now()
    with suite.database.write(system_actor("store the shipped schedules")) as session:
        known = {row.job: row for row in session.scalars(select(Schedule))}
        for plugin_id, shipped in suite.plugins.collect("core_schedules"):
            row = known.get(shipped.job)
            if row is None:
                row = Schedule(job=shipped.job, plugin=plugin_id, next_at=next_time(shipped.cron, now))
                session.add(row)
            elif row.cron != shipped.cron and row.cron_override is None:
                row.next_at = next_time(shipped.cron, now)
            row.cron, row.on = shipped.cron, shipped.on


def queue_due(suite: Suite) -> int:
    """Queue the jobs whose time has come; two processes cannot queue one twice. Returns how many.

    Runs that were missed while nothing ran are made up by one, not by all of them.
    """
    now = utc_now()
    with suite.database.read(system_actor("look for due schedules")) as session:
        due = [row for row in session.scalars(select(Schedule).where(Schedule.next_at <= now)) if row.is_effective]
    return sum(_queue(suite, row, now) for row in due if suite.plugins.is_ready(row.plugin))


def _queue(suite: Suite, row: Schedule, now: datetime) -> bool:
    actor = system_actor(f"schedule of {row.job}")
    upcoming = next_time(row.effective_cron, now)
    with suite.database.write(actor) as session:
        mine = update(Schedule).where(Schedule.id == row.id, Schedule.next_at == row.next_at)
        claimed = session.execute(mine.values(next_at=upcoming, last_at=now))
        if claimed.rowcount != 1:  # type: ignore[attr-defined]  # an UPDATE gives a cursor result
            return False
        key = f"schedule:{row.job}:{row.next_at.isoformat()}"
        enqueue(session, row.job, {"due": row.next_at.isoformat()}, key=key, actor=actor, branch_id=None)
    return True
