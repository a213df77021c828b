"""What a job function is given, and the pulse that keeps its lease alive while it runs."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import select, update

from core.db.base import utc_now
from core.jobs.models import Job
from core.jobs.queue import LEASE, Claim
from core.log import logger
from core.security.actors import Actor, system_actor

if TYPE_CHECKING:
    from core.app import Suite

BEAT_SECONDS = 1.0
"""How often progress is stored and the cancel flag read."""
RENEW_SECONDS = LEASE.total_seconds() / 3


class JobInterruptedError(Exception):
    """Raised by `JobContext.check`: the job was cancelled, or its worker is stopping."""


class Pulse(threading.Thread):
    """Stores progress, renews the lease and reads the cancel flag, beside the job's own units of work.

    It has its own thread since on SQLite a second unit of work inside the first would wait for itself.
    """

    def __init__(self, suite: Suite, taken: Claim) -> None:
        super().__init__(name=f"pulse-{taken.job_id}", daemon=True)
        self.progress: dict[str, Any] = {}
        self.cancel_requested = False
        self.lost = False
        self.paused = False
        self._suite = suite
        self._taken = taken
        self._stored: dict[str, Any] = {}
        self._renewed = time.monotonic()
        self._ended = threading.Event()

    def run(self) -> None:
        """Beat until the job ends; a beat that fails is made up by the next."""
        while not self._ended.wait(BEAT_SECONDS):
            try:
                self._beat()
            except Exception as error:  # the database may be busy or away; the lease lasts three beats longer
                logger(__name__).warning("pulse_failed", problem=f"{type(error).__name__}: {error}")

    def end(self) -> None:
        """Stop beating."""
        self._ended.set()
        self.join()

    def _beat(self) -> None:
        actor = system_actor("progress of a job")
        ours = (Job.id == self._taken.job_id, Job.lease_token == self._taken.token)
        with self._suite.database.read(actor) as session:
            flag = session.scalar(select(Job.cancel_requested).where(*ours))
        self.lost = flag is None
        self.cancel_requested = bool(flag)
        self.paused = not self._suite.activation.is_active(self._taken.plugin, self._taken.branch_id)
        progress = dict(self.progress)
        if self.lost or (progress == self._stored and time.monotonic() - self._renewed < RENEW_SECONDS):
            return
        with self._suite.database.write(actor) as session:
            session.execute(update(Job).where(*ours).values(lease_until=utc_now() + LEASE, **progress))
        self._stored, self._renewed = progress, time.monotonic()


@dataclass
class JobContext:
    """What a job function gets.

    Args:
        suite: The suite.
        job_id: The job.
        actor: On whose behalf it runs, with today's rights.
        payload: What `enqueue` was given.
        attempt: Number of this attempt, from 1.
        pulse: Keeps the lease.
        stopping: Whether the worker was asked to stop.
    """

    suite: Suite
    job_id: int
    actor: Actor
    payload: dict[str, Any]
    attempt: int
    pulse: Pulse
    stopping: Callable[[], bool]
    interrupted: bool = False

    def progress(self, done: int, total: int, note: str = "") -> None:
        """Say how far the job is; stored within a second, at no cost to the caller."""
        self.pulse.progress = {"progress_done": done, "total": total, "note": note}

    def cancelled(self) -> bool:
        """Whether the function should return at its next safe point: cancelled, lease lost, worker or plugin stopping.

        A function that returns after a ``True`` counts as interrupted: it is resumed unless a person cancelled it.
        """
        if self.pulse.cancel_requested or self.pulse.lost or self.pulse.paused or self.stopping():
            self.interrupted = True
        return self.interrupted

    def check(self) -> None:
        """Leave the function here if it should stop; call it between units of work.

        Raises:
            JobInterruptedError: The function should stop.
        """
        if self.cancelled():
            raise JobInterruptedError
