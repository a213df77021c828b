"""The page of background work: everybody's own jobs, those of all with the right, stop and try again."""

import re

import pytest

from core.app import Suite
from core.jobs.models import FAILED, QUEUED, Job
from core.security.actors import system_actor


@pytest.fixture
def jobs(suite: Suite, people) -> dict[str, int]:
    """A waiting job of Bo, and a failed one of the system."""
    with suite.database.write(system_actor("test data")) as session:
        made = {
            "own": Job(kind="core.demo", plugin="core", actor_id=people.users["bo"], actor_name="Bo", state=QUEUED),
            "other": Job(kind="gone.kind", plugin="gone", actor_name="system", state=FAILED, error="Boom\nOut of disk"),
        }
        session.add_all(made.values())
        session.flush()
        return {name: job.id for name, job in made.items()}


def test_a_clerk_sees_and_stops_the_own_job_only(signed_in, jobs):
    bo = signed_in("bo")
    page = bo.get("/jobs").text
    token = re.search(r'name="csrf-token" content="([^"]+)"', page)[1]

    foreign = bo.post(f"/jobs/{jobs['other']}/again", headers={"X-CSRF-Token": token})
    stopped = bo.post(f"/jobs/{jobs['own']}/stop", headers={"X-CSRF-Token": token})

    assert "Load demonstration data" in page
    assert "gone.kind" not in page
    assert (foreign.status_code, stopped.status_code) == (404, 303)
    assert "Cancelled" in bo.get("/jobs").text


def test_an_administrator_sees_why_a_job_failed_and_queues_it_again(signed_in, jobs):
    anna = signed_in("anna")
    page = anna.get("/jobs?view=attention").text
    token = re.search(r'name="csrf-token" content="([^"]+)"', page)[1]

    again = anna.post(f"/jobs/{jobs['other']}/again", headers={"X-CSRF-Token": token})

    assert "Out of disk" in page
    assert "Load demonstration data" not in page
    assert again.status_code == 303
    assert "gone.kind" in anna.get("/jobs?view=open").text
