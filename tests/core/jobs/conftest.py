"""A suite with the sound dummy plugin, whose jobs leave traces."""

from pathlib import Path

import pytest
from sqlalchemy.orm import undefer

from core.jobs.models import Job
from core.jobs.queue import enqueue
from core.security.actors import system_actor

ACTOR = system_actor("test")


@pytest.fixture
def enabled_plugins():
    return ("dummy_good",)


@pytest.fixture
def plugin_paths():
    return (Path(__file__).parents[2] / "dummy_plugins",)


@pytest.fixture
def queue_job(any_suite):
    """Queue a job; returns its id."""

    def queue_job(name, key=None, **payload):
        with any_suite.database.write(ACTOR) as session:
            return enqueue(session, f"dummy_good.{name}", payload, key=key, actor=ACTOR, branch_id=None)

    return queue_job


@pytest.fixture
def job_row(any_suite):
    """Read a job's row, with its result."""

    def job_row(job_id):
        with any_suite.database.read(ACTOR) as session:
            return session.get_one(Job, job_id, options=[undefer(Job.result)])

    return job_row


@pytest.fixture
def change_row(any_suite):
    """Change a job's row, as time or a crash would."""

    def change_row(job_id, **values):
        with any_suite.database.write(ACTOR) as session:
            job = session.get_one(Job, job_id)
            for name, value in values.items():
                setattr(job, name, value)

    return change_row


@pytest.fixture
def rung(any_suite):
    """Job ids that the bell was rung for; the broker is not touched."""
    rung = []
    any_suite.database.bell = rung.append
    return rung
