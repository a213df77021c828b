"""A worker whose leases and sweeps are seconds instead of tens of seconds; the leader of a group of processes."""

import os
import sys
from datetime import timedelta

from core.app import build_suite
from core.config import load_settings
from core.jobs import queue, sweeper
from core.jobs.worker import run_worker


def work() -> None:
    """Run jobs until stopped."""
    os.setsid()
    queue.LEASE = timedelta(seconds=1.5)
    sweeper.SWEEP_SECONDS = 0.5
    sweeper.RING_AGAIN = timedelta(seconds=1)
    sys.exit(run_worker(build_suite(load_settings())))
