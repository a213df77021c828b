"""Health of background work: whether jobs wait too long, whether some need a person."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import func, select

from core.db.base import utc_now
from core.jobs.models import PARKED, QUEUED, SILENCE, Heartbeat, Job
from core.security.actors import system_actor

LONGEST_WAIT = timedelta(seconds=120)


def check_lag(suite: Any) -> tuple[bool, str]:
    """Whether due jobs are taken up in time."""
    now = utc_now()
    with suite.database.read(system_actor("health check")) as session:
        due = select(func.min(Job.run_after)).where(Job.state == QUEUED, Job.run_after <= now)
        oldest = session.scalar(due)
        beat = session.scalar(select(func.max(Heartbeat.at)).where(Heartbeat.kind == "worker"))
    alive = beat is not None and now - beat < SILENCE
    worker = "a worker is running" if alive else "no worker is running"
    if oldest is None:
        return True, f"no job waits; {worker}"
    waited = now - oldest
    return waited < LONGEST_WAIT, f"the oldest job waits for {int(waited.total_seconds())} s; {worker}"


def check_parked(suite: Any) -> tuple[bool, str]:
    """Say how many jobs need a person; that is work to do, not a fault of the installation."""
    with suite.database.read(system_actor("health check")) as session:
        count = session.scalar(select(func.count()).select_from(Job).where(Job.state == PARKED))
    return True, f"{count} parked jobs; see `banyan job list --state parked`" if count else "no parked job"
