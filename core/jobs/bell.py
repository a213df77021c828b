"""The doorbell: tells a worker through the broker that a job is ready; a missed ring is made up by the sweeper."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from core.config import Settings
from core.log import logger

PAUSE_SECONDS = 10.0
"""After a failed ring the broker is left alone for so long, so that requests do not wait for it one after another."""


class Bell:
    """Rings for jobs; never raises, since the job row is already safe.

    Args:
        settings: Where the broker is.
        clock: Monotonic seconds.
    """

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._clock = clock
        self._silent_until = float("-inf")
        self._application: Any = None
        self._lock = threading.Lock()

    def __call__(self, job_id: int) -> None:
        """Tell a worker that a job is ready; Celery is imported at the first ring only."""
        if self._clock() < self._silent_until:
            return
        try:
            self._ring(job_id)
        except Exception as error:  # brokers raise many kinds; the sweeper rings again
            self._silent_until = self._clock() + PAUSE_SECONDS
            logger(__name__).warning("bell_failed", job=job_id, problem=f"{type(error).__name__}: {error}")

    def _ring(self, job_id: int) -> None:
        from core.jobs.celery_app import TASK, create_celery

        with self._lock:
            if self._application is None:
                self._application = create_celery(self._settings)
        self._application.send_task(TASK, args=[job_id], retry=False, ignore_result=True)
