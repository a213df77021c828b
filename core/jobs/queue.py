"""The job table as a queue: put in, claim, give back, finish, cancel, retry."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, or_, select, update
from sqlalchemy.exc import IntegrityError

from core.db.base import utc_now
from core.db.session import ScopedSession
from core.errors import ConflictError, NotFoundError
from core.jobs.models import CANCELLED, FAILED, PARKED, QUEUED, RUNNING, Job
from core.security.actors import Actor

LEASE = timedelta(seconds=30)
"""How long a silent worker keeps a job; a living one renews it."""
FIRST_DELAY = timedelta(seconds=5)
"""Pause before the second attempt; it doubles with each further one."""
LONGEST_DELAY = timedelta(minutes=10)
ATTEMPTS = 5
"""Attempts before a job is parked for a person (unless the job declares another number)."""
RELAY = 0
"""Rung instead of a job's id: there are events in the outbox."""


@dataclass(frozen=True)
class Claim:
    """A job that this worker may run; ``token`` proves that the lease is still its own."""

    job_id: int
    token: str
    kind: str
    plugin: str
    attempt: int
    actor_id: int | None
    branch_id: int | None
    payload: dict[str, Any]


def enqueue(
    session: ScopedSession,
    job_name: str,
    payload: dict[str, Any],
    *,
    key: str | None,
    actor: Actor,
    branch_id: int | None,
) -> int:
    """Put a job into the queue, in the transaction of its cause; the bell rings after the commit.

    Args:
        session: The unit of work.
        job_name: Name of a declared job, ``<plugin>.<name>``.
        payload: JSON values for the job.
        key: A second job with the same key is not made; ``None`` always makes one.
        actor: On whose behalf it runs; a person's rights are read again when it starts.
        branch_id: Branch for which it runs; parked while the plugin is off there.

    Returns:
        Id of the job, new or the one that has the key.
    """
    if key is not None:
        existing = session.scalar(select(Job.id).where(Job.key == key))
        if existing is not None:
            return existing
    job = Job(
        kind=job_name,
        plugin=job_name.partition(".")[0],
        key=key,
        actor_id=actor.user_id,
        actor_name=actor.name,
        branch_id=branch_id,
        payload=payload,
        note="",
    )
    try:
        with session.begin_nested():
            session.add(job)
    except IntegrityError:
        existing = session.scalar(select(Job.id).where(Job.key == key))
        if existing is None:
            raise
        return existing
    ring_after_commit(session, job.id)
    return job.id


def ring_after_commit(session: ScopedSession, job_id: int) -> None:
    """Ring the bell for a job once the unit of work is committed."""
    database = session.info["database"]
    session.after_commit.append(lambda: database.bell(job_id))


def claim(session: ScopedSession, job_id: int) -> Claim | None:
    """Take a job that is due, or whose worker fell silent; ``None`` when another has it or there is nothing to do."""
    now = utc_now()
    due = or_(and_(Job.state == QUEUED, Job.run_after <= now), and_(Job.state == RUNNING, Job.lease_until < now))
    job = session.scalars(select(Job).where(Job.id == job_id, due).with_for_update(skip_locked=True)).first()
    if job is None:
        return None
    job.state = RUNNING
    job.attempt += 1
    job.lease_until = now + LEASE
    job.lease_token = secrets.token_hex(16)
    job.started_at = job.started_at or now
    return Claim(
        job.id, job.lease_token, job.kind, job.plugin, job.attempt, job.actor_id, job.branch_id, dict(job.payload)
    )


def settle(session: ScopedSession, taken: Claim, **values: Any) -> bool:
    """Write the outcome of an attempt; ``False`` when the lease went to another worker meanwhile."""
    values = {"lease_until": None, "lease_token": "", **values}
    ours = update(Job).where(Job.id == taken.job_id, Job.lease_token == taken.token).values(values)
    return session.execute(ours).rowcount == 1  # type: ignore[attr-defined,no-any-return]  # an UPDATE gives a cursor result


def delay(attempt: int) -> timedelta:
    """Return the pause after an attempt: 5 s, 10 s, 20 s, … at most 10 minutes."""
    doublings = min(attempt - 1, 10)
    return min(FIRST_DELAY * (1 << doublings), LONGEST_DELAY)


def cancel(session: ScopedSession, job_id: int) -> None:
    """Cancel a job: at once when it waits; a running one stops at its next safe point.

    Raises:
        NotFoundError: There is no such job.
        ConflictError: The job has ended already.
    """
    job = _job(session, job_id)
    if job.state in {QUEUED, PARKED}:
        job.state, job.finished_at = CANCELLED, utc_now()
    elif job.state == RUNNING:
        job.cancel_requested = True
    else:
        raise ConflictError("job_ended", "The job has ended already ({state}).", state=job.state)


def retry(session: ScopedSession, job_id: int) -> None:
    """Queue a failed, parked or cancelled job again, with all its attempts; it resumes where its own state says.

    Raises:
        NotFoundError: There is no such job.
        ConflictError: The job waits, runs or is done.
    """
    job = _job(session, job_id)
    if job.state not in {FAILED, PARKED, CANCELLED}:
        raise ConflictError("job_not_retryable", "The job cannot be repeated ({state}).", state=job.state)
    requeue(job, utc_now())
    job.attempt = 0
    ring_after_commit(session, job.id)


def requeue(job: Job, when: datetime) -> None:
    """Set a job back to waiting."""
    job.state, job.run_after, job.parked_for = QUEUED, when, ""
    job.cancel_requested, job.finished_at, job.error, job.rung_at = False, None, "", None


def _job(session: ScopedSession, job_id: int) -> Job:
    job = session.get(Job, job_id)
    if job is None:
        raise NotFoundError("unknown_job", "There is no job {job}.", job=job_id)
    return job
