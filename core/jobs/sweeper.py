"""The sweep: finds jobs that nobody was told of, frees those of dead workers, and starts what is due."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import and_, func, or_, select, update

from core.db.base import utc_now
from core.jobs.models import FOR_ATTEMPTS, FOR_PLUGIN, PARKED, QUEUED, RUNNING, Job
from core.jobs.outbox import relay
from core.jobs.queue import requeue, ring_after_commit
from core.jobs.runner import attempts_of, can_run
from core.jobs.schedules import queue_due, sync_schedules
from core.log import logger
from core.security.actors import Actor, system_actor

if TYPE_CHECKING:
    from core.app import Suite

SWEEP_SECONDS = 10.0
STATISTICS_SECONDS = 60.0
"""How often the database is asked whether tables grew enough to be counted again."""
RING_AGAIN = timedelta(seconds=30)
"""A job that waits so long after its last ring is rung for again."""
BATCH = 500


def sweep(suite: Suite) -> None:
    """Do one sweep; safe in any number of processes at once."""
    actor = system_actor("sweep the job table")
    _park_poison(suite, actor)
    _release(suite, actor)
    queue_due(suite)
    _ring(suite, actor)
    relay(suite)


class Sweeper(threading.Thread):
    """Sweeps at once and then every few seconds, until it is stopped."""

    def __init__(self, suite: Suite, watch: Callable[[], None] = lambda: None) -> None:
        super().__init__(name="sweeper", daemon=True)
        self._suite = suite
        self._watch = watch
        self._stopped = threading.Event()
        self._synced = False
        self._counted = float("-inf")

    def run(self) -> None:
        """Sweep until stopped; what fails is logged and tried again."""
        while not self._stopped.is_set():
            self._watch()
            try:
                self._once()
            except Exception:
                logger(__name__).exception("sweep_failed")
            self._stopped.wait(SWEEP_SECONDS)

    def stop(self) -> None:
        """Stop after the present sweep."""
        self._stopped.set()
        self.join()

    def _once(self) -> None:
        if not self._synced:
            sync_schedules(self._suite)
            self._synced = True
        sweep(self._suite)
        if time.monotonic() - self._counted > STATISTICS_SECONDS:
            self._counted = time.monotonic()
            self._suite.database.refresh_statistics()


def _ring(suite: Suite, actor: Actor) -> None:
    now = utc_now()
    ready = or_(
        and_(Job.state == QUEUED, Job.run_after <= now, func.coalesce(Job.rung_at, Job.created_at) <= now - RING_AGAIN),
        and_(Job.state == RUNNING, Job.lease_until < now, or_(Job.rung_at.is_(None), Job.rung_at <= now - RING_AGAIN)),
    )
    found = _ids(suite, actor, ready)
    if found:
        with suite.database.write(actor) as session:
            session.execute(update(Job).where(Job.id.in_(found)).values(rung_at=now))
            for job_id in found:
                ring_after_commit(session, job_id)


def _park_poison(suite: Suite, actor: Actor) -> None:
    """Park jobs whose worker died at every attempt."""
    now = utc_now()
    for job_id in _ids(suite, actor, and_(Job.state == RUNNING, Job.lease_until < now)):
        with suite.database.write(actor) as session:
            job = session.get_one(Job, job_id, with_for_update=True)
            dead = job.state == RUNNING and job.lease_until is not None and job.lease_until < now
            if dead and job.attempt >= attempts_of(suite, job.kind):
                job.state, job.parked_for, job.finished_at = PARKED, FOR_ATTEMPTS, now
                job.error = f"The worker died {job.attempt} times while running this job."
                job.lease_token, job.lease_until = "", None


def _release(suite: Suite, actor: Actor) -> None:
    """Queue jobs again whose plugin is back; those whose plugin stays away must not stand before them."""
    back = [name for name in ["core", *(each.id for each in suite.plugins.ready())] if _is_back(suite, name)]
    for job_id in _ids(suite, actor, and_(Job.state == PARKED, Job.parked_for == FOR_PLUGIN, Job.plugin.in_(back))):
        with suite.database.write(actor) as session:
            job = session.get_one(Job, job_id, with_for_update=True)
            if job.state == PARKED and can_run(suite, job.kind, job.plugin, job.branch_id):
                requeue(job, utc_now())
                ring_after_commit(session, job_id)


def _is_back(suite: Suite, plugin_id: str) -> bool:
    return suite.activation.is_active(plugin_id, None)


def _ids(suite: Suite, actor: Actor, condition: object) -> Sequence[int]:
    with suite.database.read(actor) as session:
        return session.scalars(select(Job.id).where(condition).order_by(Job.id).limit(BATCH)).all()  # type: ignore[arg-type]  # a condition
