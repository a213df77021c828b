"""Extending what another plugin owns: side tables on its lists, pages, forms; buttons; bridges between plugins."""

from pathlib import Path

import pytest

from core.app import build_suite
from core.errors import PluginError
from core.security.actors import system_actor
from core.testing.fixtures import make_settings

pytest_plugins = ["core.testing.people"]
DUMMIES = Path(__file__).parents[2] / "dummy_plugins"
SIDE = "dummy_side.thing_place"


@pytest.fixture
def enabled_plugins():
    return ("dummy_good", "dummy_side", "dummy_bridge")


@pytest.fixture
def plugin_paths():
    return (DUMMIES,)


@pytest.fixture
def thing(make_record, branch_tree):
    return make_record("dummy_good.thing", name="vase")


@pytest.fixture
def client(client_as):
    return client_as("admin", "")


def fill(client, thing, **values):
    sent = {"name": "vase", **{f"{SIDE}:{name}": value for name, value in values.items()}}
    return client.post(f"/dummy_good/things/{thing}/edit", data=sent)


def test_the_form_of_the_host_has_a_section_that_is_saved_with_it(client, thing):
    answer = fill(client, thing, shelf="Pine7", colour="b", weight="3", checked_on="2026-11-20", fragile="yes")

    assert answer.status_code == 303, answer.text
    form = client.get(f"/dummy_good/things/{thing}/edit").text
    assert f'name="{SIDE}:shelf"' in form
    assert 'value="Pine7"' in form
    assert "Place" in form


def test_a_new_record_is_made_with_its_section(client, branch_tree):
    answer = client.post("/dummy_good/things/new", data={"name": "lamp", f"{SIDE}:shelf": "B2"})

    assert answer.status_code == 303, answer.text
    assert "B2" in client.get(answer.headers["location"]).text


def test_a_section_left_empty_makes_no_row(client, thing, suite):
    assert fill(client, thing, shelf="").status_code == 303

    with suite.database.read(system_actor("test")) as session:
        assert session.get(suite.registry.get(SIDE).entity, thing) is None


def test_a_wrong_value_is_told_at_its_field_and_nothing_is_saved(client, thing):
    answer = fill(client, thing, shelf="Pine7", weight="much")

    assert answer.status_code == 422
    assert f'id="{SIDE}:weight-error"' in answer.text
    assert "Pine7" not in client.get(f"/dummy_good/things/{thing}").text


def test_the_page_of_the_host_shows_the_fields_and_the_button(client, thing):
    fill(client, thing, shelf="Pine7", colour="b")

    page = client.get(f"/dummy_good/things/{thing}").text

    assert "Pine7" in page
    assert "Blue" in page
    assert f'action="/move/{thing}"' in page


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("dummy_side_shelf:Pine7", True),
        ("dummy_side_shelf:Z", False),
        ("dummy_side_colour:b", True),
        ("dummy_side_colour:r", False),
        ("dummy_side_weight:>2", True),
        ("dummy_side_weight:>3", False),
        ("dummy_side_checked_on:2026-11-20", True),
        ("dummy_side_fragile:yes", False),
    ],
)
def test_the_list_of_the_host_has_columns_and_filters(client, thing, query, found):
    fill(client, thing, shelf="Pine7", colour="b", weight="3", checked_on="2026-11-20")

    page = client.get(f"/dummy_good/things?q={query}&columns=name,dummy_side_shelf,dummy_side_weight").text

    assert ("Pine7" in page.partition("<tbody")[2]) == found, page


def test_where_it_is_switched_off_nothing_of_it_is_left(client, client_as, thing, suite, branch_tree):
    fill(client, thing, shelf="Pine7")
    with suite.database.write(system_actor("test")) as session:
        suite.activation.switch(session, "dummy_side", branch_tree["head"], on=False)

    page = client.get(f"/dummy_good/things/{thing}").text

    assert "Pine7" not in page
    assert "/move/" not in page
    assert SIDE not in client.get(f"/dummy_good/things/{thing}/edit").text
    assert "Pine7" not in client.get("/dummy_good/things").text
    assert client.get("/dummy_good/things?q=dummy_side_shelf:Pine7").status_code == 422


def test_who_may_not_see_the_side_table_sees_the_host_without_it(client, client_as, thing, suite):
    from core.security.models import Role

    fill(client, thing, shelf="Pine7")
    with suite.database.write(system_actor("test")) as session:
        session.add(
            Role(code="thing_reader", label_en="Things", label_zh="东西", permissions=["dummy_good.thing.view"])
        )
    reader = client_as("thing_reader", "north")

    assert "vase" in reader.get(f"/dummy_good/things/{thing}").text
    assert "Pine7" not in reader.get(f"/dummy_good/things/{thing}").text
    assert reader.get("/dummy_good/things?q=dummy_side_shelf:Pine7").status_code == 422


def test_a_side_table_has_no_screens_of_its_own(client):
    assert client.get("/dummy_side/thing_places").status_code == 404


def test_a_bridge_is_active_only_where_both_sides_are(suite, branch_tree):
    north, south = branch_tree["north"], branch_tree["south"]
    with suite.database.write(system_actor("test")) as session:
        suite.activation.switch(session, "dummy_side", north, on=False)

    assert not suite.activation.is_active("dummy_bridge", north)
    assert suite.activation.is_active("dummy_bridge", south)


def test_a_bridge_waits_where_one_side_is_not_installed(data_folder):
    suite = build_suite(make_settings(data_folder, ("dummy_good", "dummy_bridge"), (DUMMIES,)))
    state = suite.plugins.states["dummy_bridge"]
    suite.close()

    assert state.status == "waiting"
    assert isinstance(state.error, PluginError)
    assert "dummy_side" in str(state.error)
    assert "dummy_bridge" not in [plugin for plugin, _ in suite.plugins.collect("core_menu_items")]
