"""Switched off means not reachable: every surface of every plugin, generated from what is registered."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from core.builtin.activation_audit import KINDS
from core.plugin.manager import DECLARED
from core.security.actors import system_actor
from core.web.reach import OF_THE_INSTALLATION, PROBES, Reach, staff_of

pytestmark = pytest.mark.feature("CO-09")
ROOT = Path(__file__).parents[3]
ACTOR = system_actor("test")


@pytest.fixture
def enabled_plugins():
    """Every plugin that the project ships, and samples that add to foreign pages."""
    own = sorted(file.parent.name for file in (ROOT / "plugins").glob("*/plugin.toml"))
    return (*own, "dummy_good", "dummy_side", "dummy_faulty")


@pytest.fixture
def plugin_paths():
    return (ROOT / "tests" / "dummy_plugins",)


@pytest.fixture(autouse=True)
def by_branch(suite, tmp_path, monkeypatch):
    """Each plugin is one that branches switch, whatever its manifest says: its surfaces must ask all the same."""
    (tmp_path / "mood").write_text("")
    monkeypatch.setenv("BANYAN_TEST_MOOD", str(tmp_path / "mood"))
    for state in suite.plugins.states.values():
        state.manifest = replace(state.manifest, scope="branch")


def reached(suite, application, branch):
    """Return (plugin, kind, name) of every surface with whether the staff of a branch reach it."""
    staff = staff_of(suite, branch)
    return {(each.plugin, each.kind, each.name): each.probe(staff) for each in Reach(application).surfaces()}


def switch(suite, branch, state):
    with suite.database.write(ACTOR) as session:
        for manifest in suite.plugins.ready():
            suite.activation.decide(session, manifest.id, branch, state)


def test_every_kind_of_contribution_is_probed_or_said_not_to_depend_on_branches():
    assert set(DECLARED) == (set(PROBES) | set(OF_THE_INSTALLATION)) - {"api"}
    assert set(KINDS) == set(PROBES)


@pytest.mark.parametrize("state", ["off", "preview"])
def test_where_a_plugin_is_off_nothing_of_it_is_reached_and_elsewhere_all(suite, application, people, state):
    switch(suite, people.branches["north"], state)
    off, on = (reached(suite, application, people.branches[name]) for name in ("north", "south"))

    assert [surface for surface, here in off.items() if here] == []
    assert [surface for surface, here in on.items() if not here] == []
    assert {plugin for plugin, _, _ in off} == {manifest.id for manifest in suite.plugins.ready()}
    assert {kind for _, kind, _ in off} >= set(PROBES) - {"core_actions", "core_bulk_actions"}


def test_every_page_answers_as_if_it_did_not_exist(suite, application, people, signed_in):
    switch(suite, people.branches["north"], "off")
    found = reached(suite, application, people.branches["north"])
    names = [name.removeprefix("GET ") for _, kind, name in found if kind == "core_routes" and name.startswith("GET ")]
    paths = [re.sub(r"\{\w+:int\}", "1", re.sub(r"\{\w+\}", "x", name)) for name in names]
    bo = signed_in("bo")

    assert len(paths) > 20
    assert {path: status for path in paths if (status := bo.get(path).status_code) != 404} == {}


def test_a_surface_that_forgets_to_ask_is_found(suite, application, people, signed_in, monkeypatch):
    switch(suite, people.branches["north"], "off")
    anna = signed_in("anna")
    sound = anna.get("/activation?plugin=dummy_faulty").text
    monkeypatch.setattr(suite.activation, "shows", lambda plugin, actor: True)
    leaking = anna.get("/activation?plugin=dummy_faulty").text

    assert "where the plugin is switched off, nothing of it is reached" in sound
    assert "reached though the plugin is switched off there" in leaking


def test_the_page_shows_each_branch_and_each_surface(people, signed_in):
    anna = signed_in("anna")
    page = anna.get("/activation?plugin=crm_customers").text

    for text in ("嘉兴", "南湖", "秀洲", "/crm_customers/customers", "Bulk actions", "Import profiles"):
        assert text in page
    assert anna.get("/activation?plugin=nowhere").status_code == 404
    assert 'href="/activation"' in page
