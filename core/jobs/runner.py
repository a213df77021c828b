"""Running one job: claim, look up its function, run it, write the outcome."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete

from core.db.base import utc_now
from core.errors import BanyanError, ConflictError, DatabaseStateError, TooManyRequestsError
from core.jobs.context import JobContext, JobInterruptedError, Pulse
from core.jobs.models import CANCELLED, DONE, FAILED, FOR_ATTEMPTS, FOR_PLUGIN, PARKED, QUEUED, Job
from core.jobs.queue import ATTEMPTS, Claim, claim, delay, ring_after_commit, settle
from core.log import bind, logger, unbind
from core.plugin.contributions import Job as JobDeclaration
from core.security.actors import Actor, system_actor

if TYPE_CHECKING:
    from core.app import Suite

PASSING = (ConflictError, DatabaseStateError, TooManyRequestsError)
"""Expected errors that another attempt may not meet; all other expected errors end the job at once."""
TRACE_LENGTH = 4000


def run_job(suite: Suite, job_id: int, stopping: Callable[[], bool] = lambda: False) -> str | None:
    """Run a job in this process, if it is due and no other worker has it.

    Args:
        suite: The suite.
        job_id: The job.
        stopping: Whether the worker is asked to stop.

    Returns:
        The job's state afterwards; ``None`` when it was not this worker's to run.
    """
    with suite.database.write(system_actor("claim a job")) as session:
        taken = claim(session, job_id)
    if taken is None:
        return None
    bind(job=job_id, plugin=taken.plugin)
    try:
        outcome = _attempt(suite, taken, stopping)
        with suite.database.write(system_actor("outcome of a job")) as session:
            ours = settle(session, taken, **outcome)
            if ours and outcome["state"] == DONE and declared_jobs(suite)[taken.kind].quiet:
                session.execute(delete(Job).where(Job.id == job_id))
            if ours and outcome["state"] == QUEUED and outcome["run_after"] <= utc_now():
                ring_after_commit(session, job_id)
        logger(__name__).info("job_ended", kind=taken.kind, state=outcome["state"], attempt=taken.attempt, ours=ours)
        return str(outcome["state"]) if ours else None
    finally:
        unbind()


def declared_jobs(suite: Suite) -> dict[str, JobDeclaration]:
    """Return the job functions of all loaded plugins by name."""
    return {job.name: job for _, job in suite.plugins.collect("core_jobs")}


def attempts_of(suite: Suite, kind: str) -> int:
    """Return after how many attempts a job of this kind is parked."""
    declaration = declared_jobs(suite).get(kind)
    return declaration.attempts if declaration else ATTEMPTS


def can_run(suite: Suite, kind: str, plugin: str, branch_id: int | None) -> bool:
    """Whether the job's function is there and its plugin active in the branch."""
    return kind in declared_jobs(suite) and suite.activation.is_active(plugin, branch_id)


def _attempt(suite: Suite, taken: Claim, stopping: Callable[[], bool]) -> dict[str, Any]:
    if not can_run(suite, taken.kind, taken.plugin, taken.branch_id):
        note = f"The plugin {taken.plugin} is not active, or has no job {taken.kind}."
        return {"state": PARKED, "parked_for": FOR_PLUGIN, "error": note, "attempt": taken.attempt - 1}
    declaration = declared_jobs(suite)[taken.kind]
    if taken.attempt > declaration.attempts:
        note = f"The worker died {declaration.attempts} times while running this job."
        return {**_parked(note), "attempt": declaration.attempts}
    pulse = Pulse(suite, taken)
    pulse.start()
    try:
        outcome = _call(suite, taken, declaration, pulse, stopping)
    finally:
        pulse.end()
    return {**pulse.progress, **outcome}


def _call(
    suite: Suite, taken: Claim, declaration: JobDeclaration, pulse: Pulse, stopping: Callable[[], bool]
) -> dict[str, Any]:
    try:
        actor = _actor(suite, taken)
        context = JobContext(suite, taken.job_id, actor, taken.payload, taken.attempt, pulse, stopping)
        result = declaration.run(context)
    except JobInterruptedError:
        return _interrupted(pulse, taken)
    except PASSING as error:
        return _again(taken, declaration, str(error))
    except BanyanError as error:
        return {"state": FAILED, "error": str(error), "finished_at": utc_now()}
    except Exception as error:
        logger(__name__).exception("job_failed", kind=taken.kind, attempt=taken.attempt)
        return _again(taken, declaration, "".join(traceback.format_exception(error))[-TRACE_LENGTH:])
    if context.interrupted:
        return _interrupted(pulse, taken)
    return {"state": DONE, "result": result, "error": "", "finished_at": utc_now()}


def _interrupted(pulse: Pulse, taken: Claim) -> dict[str, Any]:
    if pulse.cancel_requested:
        return {"state": CANCELLED, "finished_at": utc_now()}
    return {"state": QUEUED, "run_after": utc_now(), "rung_at": None, "attempt": taken.attempt - 1}


def _again(taken: Claim, declaration: JobDeclaration, error: str) -> dict[str, Any]:
    if taken.attempt >= declaration.attempts:
        return _parked(error)
    return {"state": QUEUED, "error": error, "run_after": utc_now() + delay(taken.attempt), "rung_at": None}


def _parked(error: str) -> dict[str, Any]:
    return {"state": PARKED, "parked_for": FOR_ATTEMPTS, "error": error, "finished_at": utc_now()}


def _actor(suite: Suite, taken: Claim) -> Actor:
    from core.security.models import User
    from core.security.permissions import actor_of

    system = system_actor(f"job {taken.kind}")
    if taken.actor_id is None:
        return system
    with suite.database.read(system) as session:
        return actor_of(session, session.get_one(User, taken.actor_id))
