"""What stands against switching a plugin off in a branch: named with its cure in the plan, and nothing is changed."""

from datetime import timedelta
from pathlib import Path

import pytest

from core.db.base import utc_now
from core.imports.models import ImportBatch
from core.jobs.models import RUNNING, Job
from core.lifecycle.blockers import blockers
from core.lifecycle.plan import make_plan
from core.lifecycle.requests import Request
from core.security.actors import system_actor

pytestmark = pytest.mark.feature("CO-09")
ACTOR = system_actor("test")


@pytest.fixture
def enabled_plugins():
    return ("dummy_good", "dummy_faulty")


@pytest.fixture
def plugin_paths():
    return (Path(__file__).parents[2] / "dummy_plugins",)


@pytest.fixture
def mood(tmp_path, monkeypatch):
    file = tmp_path / "mood"
    file.write_text("")
    monkeypatch.setenv("BANYAN_TEST_MOOD", str(file))
    return file.write_text


@pytest.fixture
def at_work(suite, people):
    """A running job and an unfinished import in the northern branch."""
    north = people.branches["north"]
    with suite.database.write(ACTOR) as session:
        job = Job(kind="dummy_good.append", plugin="dummy_good", actor_name="x", branch_id=north, state=RUNNING)
        job.lease_until = utc_now() + timedelta(minutes=5)
        batch = ImportBatch(branch_id=north, profile_id="own", profile={"record": [{"model": "dummy_good.thing"}]})
        batch.source, batch.file_name, batch.sha256, batch.size, batch.state = "x", "things.csv", "0" * 64, 1, "running"
        session.add_all([job, batch])


WORK = [
    "The job 1 (dummy_good.append) of dummy_good runs in this branch. "
    "Wait for its end, or stop it on the page of jobs.",
    "The import 1 of things.csv into dummy_good is not finished. Wait for its end, or stop it on its page.",
]


@pytest.mark.parametrize("action", ["disable", "preview"])
def test_open_work_stands_against_it_in_its_branch_and_above_not_beside(suite, mood, at_work, action):
    found = {
        branch: make_plan(suite, Request(action, "dummy_good", branch=branch)).blockers
        for branch in ("330402", "3304", "330411")
    }

    assert found == {"330402": WORK, "3304": WORK, "330411": []}
    assert make_plan(suite, Request("enable", "dummy_good", branch="330402")).blockers == []


def test_an_open_import_stands_against_uninstalling(suite, mood, at_work):
    found = make_plan(suite, Request("uninstall", "dummy_faulty", "keep")).blockers

    assert found == ["dummy_faulty is not installed."]
    assert WORK[1] in [str(each) for each in blockers(suite, Request("disable", "dummy_good", branch="3304"))]


def test_a_plugin_names_what_is_open_and_one_that_cannot_answer_is_switched_off(suite, mood, people, signed_in):
    mood("documents")
    anna = signed_in("anna")
    page = anna.get("/plugins/dummy_good/plan/disable?branch=330402").text
    chinese = make_plan(suite, Request("disable", "dummy_good", branch="330402"), "zh_CN").blockers
    refused = anna.post("/plugins/dummy_good/branch", data={"branch": "330402", "action": "disable"})
    state = suite.activation.state("dummy_good", people.branches["north"])
    mood("blockers")
    plan = anna.get("/plugins/dummy_good/plan/disable?branch=330402").text
    done = anna.post("/plugins/dummy_good/branch", data={"branch": "330402", "action": "disable"})

    assert "Two documents are open here. Close them." in page
    assert "Do it" not in page
    assert chinese == ["有两份单据未完成。 请先完成。"]
    assert (refused.status_code, state) == (409, "on")
    assert "Two documents are open here." in refused.text
    assert "Do it" in plan
    assert (done.status_code, suite.activation.state("dummy_good", people.branches["north"])) == (303, "off")
