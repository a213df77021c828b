"""A part of a plugin that fails again and again is left out for a while; where that is no safe answer it is not."""

from pathlib import Path

import pytest

from core.jobs.faults import FaultBoard
from core.jobs.presence import process_name
from core.plugin import breaker as limits
from core.plugin.breaker import Breaker
from core.plugin.models import PluginFault
from core.security.actors import system_actor
from core.testing.statements import traced

pytestmark = pytest.mark.feature("CO-09")
ACTOR = system_actor("test")
PAGES = {
    "panel": ("/dummy_good/things/1", "the panel of 1"),
    "card": ("/", "the panel of Anna"),
    "column": ("/dummy_good/things", ">fine<"),
    "search": ("/search?q=pear", "echo pear"),
}


@pytest.fixture
def enabled_plugins():
    return ("dummy_good", "dummy_faulty")


@pytest.fixture
def plugin_paths():
    return (Path(__file__).parents[2] / "dummy_plugins",)


@pytest.fixture
def mood(tmp_path, monkeypatch):
    """Say which parts fail."""
    file = tmp_path / "mood"
    file.write_text("")
    monkeypatch.setenv("BANYAN_TEST_MOOD", str(file))
    monkeypatch.setattr(limits, "BUDGET_SECONDS", limits.BUDGET_SECONDS)
    return file.write_text


@pytest.fixture
def clock(suite):
    """The moment that the circuit breaker sees, in a list."""
    now = [1000.0]
    suite.plugins.breaker = Breaker(lambda: now[0])
    return now


@pytest.fixture
def anna(suite, mood, clock, signed_in):
    """An administrator, with one thing to look at."""
    from plugins.dummy_good.models import Thing

    with suite.database.write(ACTOR) as session:
        session.add(Thing(name="one"))
    return signed_in("anna")


@pytest.mark.parametrize("part", PAGES)
def test_a_failing_part_is_left_out_then_tried_once_and_back_when_it_works(anna, suite, mood, clock, part):
    path, sign = PAGES[part]
    works = anna.get(path)
    mood(part)
    answers = [anna.get(path) for _ in range(limits.FAILURES)]
    mood("")
    skipped = anna.get(path)
    clock[0] += limits.REST_SECONDS + 1
    mood(part)
    tried = anna.get(path)
    mood("")
    again = anna.get(path)
    clock[0] += limits.REST_SECONDS + 1
    back = anna.get(path)

    assert sign in works.text
    assert sign in back.text
    assert {answer.status_code for answer in (*answers, skipped, tried, again)} == {200}
    for answer in (*answers, skipped, tried, again):
        assert sign not in answer.text
    assert suite.plugins.breaker.faults() == {}


def test_what_a_broken_panel_and_column_say(anna, mood):
    mood("panel column")
    failed, empty = anna.get("/dummy_good/things/1"), anna.get("/dummy_good/things")
    for _ in range(limits.FAILURES):
        left_out = anna.get("/dummy_good/things/1")

    assert "This part of the page failed; the rest works." in failed.text
    assert "Faulty (not available)" in empty.text
    assert "failed several times and is left out for a minute" in left_out.text


def test_an_event_is_left_out_and_a_question_never(anna, suite, mood, clock):
    mood("event authorize")
    for number in range(limits.FAILURES + 1):
        suite.plugins.event("core_user_left", user_id=number)
    refusals = [
        anna.post("/dummy_good/things/1/edit", data={"name": "two"}).status_code for _ in range(limits.FAILURES + 2)
    ]
    found = {part: (fault.state, fault.failures) for (_, part), fault in suite.plugins.breaker.faults().items()}
    mood("")
    saved = anna.post("/dummy_good/things/1/edit", data={"name": "two"})

    assert found["core_user_left"] == ("open", limits.FAILURES)
    assert found["core_authorize"] == ("failing", limits.FAILURES + 2)
    assert set(refusals) == {500}
    assert saved.status_code == 303


def test_a_slow_panel_is_fetched_behind_its_page_until_it_is_quick_again(anna, mood):
    path = "/dummy_good/things/1"
    mood("slow")
    waited = [anna.get(path).text for _ in range(limits.SLOW_CALLS)]
    page = anna.get(path).text
    behind = {"HX-Request": "true", "HX-History-Restore-Request": "true", "Banyan-Part": "dummy_faulty.panel"}
    fetched = anna.get(path, headers=behind).text
    mood("")
    for _ in range(limits.SLOW_CALLS):
        anna.get(path, headers=behind)
    inside = anna.get(path).text

    assert all("the panel of 1" in text for text in waited)
    assert "the panel of 1" not in page
    assert 'hx-select="#part-dummy_faulty-panel"' in page
    assert '<section class="panel " id="part-dummy_faulty-panel"' in fetched
    assert "the panel of 1" in fetched
    assert "the panel of 1" in inside


def test_all_processes_see_the_faults_and_a_person_resets_them(anna, suite, mood, clock):
    from core.jobs.models import Heartbeat

    with suite.database.write(ACTOR) as session:
        session.add(Heartbeat(process=process_name(), kind="web"))
    board = FaultBoard(suite, process_name())
    mood("panel")
    for _ in range(limits.FAILURES):
        anna.get("/dummy_good/things/1")
    board.share()
    page = anna.get("/plugins/dummy_faulty").text
    mood("")
    still = anna.get("/dummy_good/things/1").text
    answer = anna.post("/plugins/dummy_faulty/reset")
    board.share()
    after, healthy = anna.get("/dummy_good/things/1").text, anna.get("/plugins/dummy_faulty").text

    assert "core_panels dummy_faulty.panel" in page
    assert "ZeroDivisionError: plugin.py" in page
    assert "on purpose" not in page
    assert "the panel of 1" not in still
    assert answer.status_code == 303
    assert "the panel of 1" in after
    assert "Faults while running" not in healthy


def test_a_process_whose_plugins_work_asks_the_database_nothing(anna, suite, mood):
    board = FaultBoard(suite, process_name())
    with traced(suite.database.reader) as reads:
        board.share()
    with suite.database.read(ACTOR) as session:
        assert session.query(PluginFault).count() == 0
    assert reads == []


def test_the_doctor_names_what_is_left_out(anna, suite, mood):
    from core.health import check_all
    from core.jobs.models import Heartbeat

    with suite.database.write(ACTOR) as session:
        session.add(Heartbeat(process=process_name(), kind="web"))
    mood("panel")
    for _ in range(limits.FAILURES):
        anna.get("/dummy_good/things/1")
    FaultBoard(suite, process_name()).share()
    found = {check.id: check for check in check_all(suite)}["plugin_faults"]

    assert not found.ok
    assert "dummy_faulty: core_panels dummy_faulty.panel open (5; ZeroDivisionError" in found.text
