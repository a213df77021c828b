"""Backfills: resumable jobs that fill what a revision added, before a later revision relies on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from core.db.base import utc_now
from core.errors import DatabaseStateError
from core.jobs.models import CANCELLED, DONE, FAILED, FOR_PLUGIN, PARKED, RUNNING, Job
from core.jobs.queue import requeue
from core.jobs.runner import run_job
from core.security.actors import system_actor

if TYPE_CHECKING:
    from core.app import Suite

ACTOR = system_actor("backfill of a plugin")


def run_backfill(suite: Suite, kind: str, key: str) -> bool:
    """Run a backfill in this process, or see how it is doing where another one has it.

    Args:
        suite: The suite with the plugin's new code.
        kind: Name of the job.
        key: Tells this run of it from others.

    Returns:
        Whether it is done; ``False`` while it goes on elsewhere or waits for its next attempt.

    Raises:
        DatabaseStateError: It failed, or a person stopped it.
    """
    job_id = _job(suite, kind, key)
    state = run_job(suite, job_id) or _state(suite, job_id)
    if state in {FAILED, CANCELLED, PARKED}:
        raise DatabaseStateError(
            "backfill_failed", "The job {job} ({kind}) did not finish.", "Correct the cause and upgrade again.",
            job=job_id, kind=kind,
        )  # fmt: skip
    return state == DONE


def _job(suite: Suite, kind: str, key: str) -> int:
    """Return the job, made if it is not there; without ringing, since this process runs it.

    A worker with the old code may have parked it: it is queued again.
    """
    with suite.database.write(ACTOR) as session:
        job = session.scalars(select(Job).where(Job.key == key)).first()
        if job is None:
            plugin = kind.partition(".")[0]
            job = Job(kind=kind, plugin=plugin, key=key, actor_name=ACTOR.name, payload={}, note="")
            session.add(job)
            session.flush()
        elif job.state == PARKED and job.parked_for == FOR_PLUGIN:
            requeue(job, utc_now())
        return job.id


def _state(suite: Suite, job_id: int) -> str:
    with suite.database.read(ACTOR) as session:
        return session.scalar(select(Job.state).where(Job.id == job_id)) or RUNNING
