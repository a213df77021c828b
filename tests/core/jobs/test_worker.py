"""Real worker processes, killed at any moment: no job is lost, no effect happens twice (T-13, T-14, T-16)."""

import os
import random
import signal
import time
from contextlib import contextmanager, suppress

import pytest
from sqlalchemy import func, select

from core.app import build_suite
from core.jobs.models import DONE, PARKED, Job
from core.jobs.queue import enqueue
from core.security.actors import system_actor
from core.testing.fixtures import make_settings, redis_database
from core.testing.tables import make_tables
from tests import forked
from tests.core.jobs.quick_worker import work

ACTOR = system_actor("test")
JOBS = 40
KILLS = 4
PATIENCE = 60.0


@pytest.fixture(params=["embedded", pytest.param("redis", marks=pytest.mark.services)])
def broker(request):
    if request.param == "embedded":
        yield ""
    else:
        yield from redis_database()


@pytest.fixture
def working(data_folder, enabled_plugins, plugin_paths, broker):
    """A suite and a function that starts a worker process for it."""
    settings = make_settings(data_folder, enabled_plugins, plugin_paths, broker=broker)
    suite = build_suite(settings)
    make_tables(suite.database)
    environment = {
        **os.environ,
        "BANYAN_DATA__FOLDER": str(data_folder),
        "BANYAN_BROKER__URL": broker,
        "BANYAN_PLUGINS__ENABLED": ",".join(enabled_plugins),
        "BANYAN_PLUGINS__PATHS": ",".join(map(str, plugin_paths)),
    }

    @contextmanager
    def worker():
        process = forked.start(work, environment, (os.devnull, os.devnull, str(data_folder / "worker.log")))
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.kill()
            process.join()

    yield suite, worker
    suite.close()


def queue_jobs(suite, kind, count):
    with suite.database.write(ACTOR) as session:
        return [
            enqueue(session, kind, {"name": f"thing {number}"}, key=None, actor=ACTOR, branch_id=None)
            for number in range(count)
        ]


def count_in(suite, *states):
    """Count the jobs of this test; a worker also runs those that fall due by a schedule."""
    counted = select(func.count()).select_from(Job).where(Job.plugin == "dummy_good", Job.state.in_(states))
    with suite.database.read(ACTOR) as session:
        return session.scalar(counted)


def wait_until(condition, process):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "not reached in time"
        process.join(0.02)


def test_no_job_is_lost_or_doubled_when_workers_are_killed(working):
    suite, worker = working
    queue_jobs(suite, "dummy_good.store", JOBS)
    moments = random.Random(7)

    for _ in range(KILLS):
        goal = min(count_in(suite, DONE) + moments.randint(1, 8), JOBS)
        with worker() as process:
            wait_until(lambda goal=goal: count_in(suite, DONE) >= goal, process)
    with worker() as process:
        wait_until(lambda: count_in(suite, DONE) == JOBS, process)

    from plugins.dummy_good.models import Thing

    with suite.database.read(ACTOR) as session:
        names = session.scalars(select(Thing.name)).all()
    assert sorted(names) == sorted(f"thing {number}" for number in range(JOBS))


def test_jobs_whose_bell_was_never_heard_are_found(working):
    suite, worker = working
    suite.database.bell = lambda job_id: None
    queue_jobs(suite, "dummy_good.store", 5)

    with worker() as process:
        wait_until(lambda: count_in(suite, DONE) == 5, process)

    assert count_in(suite, DONE) == 5


def test_a_poisonous_job_is_parked_and_the_others_get_through(working):
    suite, worker = working
    [poison] = queue_jobs(suite, "dummy_good.die", 1)
    with suite.database.write(ACTOR) as session:
        session.get_one(Job, poison).attempt = 3
    queue_jobs(suite, "dummy_good.store", 10)

    deadline = time.monotonic() + PATIENCE
    while count_in(suite, PARKED) == 0 and time.monotonic() < deadline:
        with worker() as process:
            wait_until(lambda process=process: count_in(suite, PARKED) == 1 or not process.is_alive(), process)
    with worker() as process:
        wait_until(lambda: count_in(suite, DONE) == 10, process)

    with suite.database.read(ACTOR) as session:
        job = session.get_one(Job, poison)
    assert (job.state, job.attempt) == (PARKED, 5)


def test_sigterm_ends_an_idle_worker_soon_and_cleanly(working):
    suite, worker = working
    queue_jobs(suite, "dummy_good.store", 1)

    with worker() as process:
        wait_until(lambda: count_in(suite, DONE) == 1, process)
        process.terminate()
        process.join(15)
        assert process.exitcode == 0
