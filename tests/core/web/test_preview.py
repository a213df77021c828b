"""A plugin on preview in a branch: administrators see it with real data and change nothing, nobody else notices it."""

from pathlib import Path

import pytest

from core.jobs.runner import can_run
from core.plugin.models import PREVIEW
from core.security.actors import system_actor

pytestmark = pytest.mark.feature("CO-09")
ACTOR = system_actor("test")
SEEN = {
    "/dummy_good/things": "/dummy_good/things/1",
    "/dummy_good/things/1": "the panel of 1",
    "/": "the panel of Anna",
    "/search?q=pear": "echo pear",
    "/jobs": 'href="/dummy_good/things"',
}
BANNER = "Preview for administrators, with real data, read-only: dummy_good, Faulty"


@pytest.fixture
def enabled_plugins():
    return ("dummy_good", "dummy_faulty")


@pytest.fixture
def plugin_paths():
    return (Path(__file__).parents[2] / "dummy_plugins",)


@pytest.fixture
def people(suite, people, tmp_path, monkeypatch):
    """The people, with one thing to look at."""
    from plugins.dummy_good.models import Thing

    (tmp_path / "mood").write_text("")
    monkeypatch.setenv("BANYAN_TEST_MOOD", str(tmp_path / "mood"))
    with suite.database.write(ACTOR) as session:
        session.add(Thing(name="one"))
    return people


@pytest.fixture
def previewed(suite, people):
    """Both plugins are on preview in all branches."""
    with suite.database.write(ACTOR) as session:
        for plugin in ("dummy_good", "dummy_faulty"):
            suite.activation.decide(session, plugin, people.branches["head"], PREVIEW)


def things(suite):
    from plugins.dummy_good.models import Thing

    with suite.database.read(ACTOR) as session:
        return [thing.name for thing in session.query(Thing).all()]


def test_an_administrator_sees_everything_with_a_banner_and_others_nothing(signed_in, previewed):
    anna, mi = signed_in("anna"), signed_in("mi")

    for path, sign in SEEN.items():
        page = anna.get(path)
        assert sign in page.text, path
        assert BANNER in page.text, path
        unseen = mi.get(path).text
        assert sign.replace("Anna", "Mi") not in unseen, path
        assert BANNER not in unseen, path
    assert mi.get("/dummy_good/things/1").status_code == 404
    assert mi.get("/api/v1/dummy_good/things").status_code == 404
    assert anna.get("/api/v1/dummy_good/things").status_code == 200


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("/dummy_good/things/new", {"name": "two"}),
        ("/dummy_good/things/1/edit", {"name": "two"}),
        ("/api/v1/dummy_good/things", {"name": "two"}),
    ],
)
def test_every_write_is_refused_with_its_reason(signed_in, previewed, suite, path, form):
    answer = signed_in("anna").post(path, **({"json": form} if path.startswith("/api") else {"data": form}))

    assert answer.status_code == 403
    assert "is on preview in this branch" in answer.text
    assert things(suite) == ["one"]


def test_neither_jobs_nor_events_nor_bulk_actions_nor_imports_reach_it(signed_in, previewed, suite, people):
    from core.imports.library import ImportLibrary

    head = people.branches["head"]
    anna = signed_in("anna")
    notes = anna.post("/records/dummy_good.thing/1/notes", data={"text": "hello"})

    assert not can_run(suite, "dummy_good.append", "dummy_good", head)
    assert not suite.activation.is_active("dummy_good", head)
    offered = ImportLibrary(suite).offered(head).values()
    assert not [each for each, _ in offered if any(r.model.id.startswith("dummy_good.") for r in each.records)]
    assert 'name="action" value="core.' not in anna.get("/dummy_good/things").text
    assert notes.status_code == 403
    assert "is on preview" in notes.text


def test_a_branch_is_put_on_preview_and_switched_on_from_the_page(signed_in, people, suite):
    anna, mi = signed_in("anna"), signed_in("mi")
    plan = anna.get("/plugins/dummy_good/plan/preview?branch=330402").text
    answer = anna.post("/plugins/dummy_good/branch", data={"branch": "330402", "action": "preview"})
    page = anna.get("/plugins/dummy_good").text
    hidden = mi.get("/dummy_good/things").status_code
    anna.post("/plugins/dummy_good/branch", data={"branch": "330402", "action": "enable"})

    assert "Plan: preview" in plan
    assert answer.status_code == 303
    assert ">preview<" in page
    assert hidden == 404
    assert mi.get("/dummy_good/things").status_code == 200
