"""The worker process: Celery with one task, and the sweeper beside it."""

from __future__ import annotations

import os
import signal
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from core.jobs.celery_app import TASK, create_celery
from core.jobs.outbox import relay
from core.jobs.presence import Presence, restart
from core.jobs.queue import RELAY
from core.jobs.runner import run_job
from core.jobs.sweeper import Sweeper
from core.log import logger

if TYPE_CHECKING:
    from core.app import Suite


def run_worker(
    suite: Suite, pool: str = "", concurrency: int = 0, parent: int = 0, resume: Callable[[], None] = lambda: None
) -> int:
    """Run jobs until SIGTERM; a running job is given time to reach a safe point. Starts anew when plugins change.

    Args:
        suite: The suite.
        pool: Celery pool: ``solo``, ``threads`` or ``prefork``; default solo with the embedded broker, else threads.
        concurrency: Jobs at a time; default 1 for solo, else 4.
        parent: Process that started this worker; when it is gone the worker stops. 0: none.
        resume: Called at each sweep, to go on with actions on plugins that were cut off.

    Returns:
        Exit status.
    """
    from celery.platforms import SecurityWarning
    from celery.signals import worker_process_init
    from celery.worker import state

    # Celery warns root about pickled messages; this application accepts JSON only.
    warnings.filterwarnings("ignore", category=SecurityWarning)
    application = create_celery(suite.settings)
    pool = pool or ("threads" if suite.settings.broker.url else "solo")

    @application.task(name=TASK, ignore_result=True)  # type: ignore[untyped-decorator]  # Celery ships no types
    def run(job_id: int) -> None:
        if job_id == RELAY:
            relay(suite)
        else:
            run_job(suite, job_id, stopping=lambda: state.should_stop is not None)

    @worker_process_init.connect(weak=False)  # type: ignore[untyped-decorator]  # Celery ships no types
    def _forked(**_facts: object) -> None:
        # A forked child must not share its parent's connections.
        suite.database.reader.dispose(close=False)
        suite.database.writer.dispose(close=False)

    sweeper = Sweeper(suite, watch=lambda: _watch(parent, resume))
    presence = Presence(suite, "worker", on_change=_stop)
    sweeper.start()
    presence.start()
    logger(__name__).info("worker_started", pool=pool, pid=os.getpid())
    worker = _consumer(suite, application, pool, concurrency)
    try:
        worker.start()
    finally:
        sweeper.stop()
        presence.end()
    if presence.outdated:
        restart()
    return int(worker.exitcode or 0)


def _consumer(suite: Suite, application: Any, pool: str, concurrency: int) -> Any:
    return application.Worker(
        pool=pool,
        concurrency=concurrency or (1 if pool == "solo" else 4),
        loglevel="WARNING",
        quiet=True,
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=not suite.settings.broker.url.startswith("amqp"),
        task_events=False,
    )


def _watch(parent: int, resume: Callable[[], None]) -> None:
    if parent and os.getppid() != parent:
        logger(__name__).warning("parent_gone", parent=parent)
        _stop()
    resume()


def _stop() -> None:
    os.kill(os.getpid(), signal.SIGTERM)
