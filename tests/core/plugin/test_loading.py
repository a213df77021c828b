"""Loading plugins: each kind of failure stays with its plugin and says what to do."""

from pathlib import Path

import pytest
from sqlalchemy.orm import configure_mappers

from core.app import build_suite
from core.db.base import Base
from core.errors import ConfigError, PluginError
from core.testing.fixtures import make_settings

DUMMIES = Path(__file__).parents[2] / "dummy_plugins"


@pytest.fixture
def load(data_folder):
    suites = []

    def load(*enabled):
        suite = build_suite(make_settings(data_folder, enabled, (DUMMIES,)))
        suites.append(suite)
        return suite

    yield load
    for suite in suites:
        suite.close()


def test_a_sound_plugin_is_ready_with_models_hooks_and_owned_tables(load):
    suite = load("dummy_good")

    assert suite.plugins.states["dummy_good"].status == "ready"
    assert suite.registry.get("dummy_good.thing").owner == "dummy_good"
    assert Base.metadata.tables["dummy_good_thing"].info["owner"] == "dummy_good"
    assert Base.metadata.tables["core_branch"].info["owner"] == "core"
    assert ("dummy_good", "dummy_good.things") in [
        (plugin, item.id) for plugin, item in suite.plugins.collect("core_menu_items")
    ]


def test_dependents_come_after_what_they_require_whatever_the_settings_say(load):
    suite = load("dummy_dependent", "dummy_good")

    assert [manifest.id for manifest in suite.plugins.ready()] == ["dummy_good", "dummy_dependent"]
    own = [plugin for plugin, _ in suite.plugins.collect("core_menu_items") if plugin.startswith("dummy")]
    assert own == ["dummy_good", "dummy_dependent"]


@pytest.mark.parametrize(
    ("plugin", "phase", "text"),
    [
        ("dummy_broken_import", "import", "broken on purpose"),
        ("dummy_bad_manifest", "manifest", "version must be a version"),
        ("dummy_wrong_signature", "register", "colour"),
        ("dummy_unknown_hook", "register", "core_menu_itmes"),
        ("dummy_needs_missing", "requires", "dummy_nowhere"),
        ("dummy_future", "manifest", ">=7.0"),
        ("dummy_model_clash", "models", "core_branch"),
        ("dummy_foreign_table", "models", "stray_thing"),
        ("dummy_bad_relation", "models", "Nowhere"),
    ],
)
def test_a_failure_names_plugin_phase_and_problem_and_everything_else_works(load, plugin, phase, text):
    suite = load(plugin, "dummy_good")

    state = suite.plugins.states[plugin]
    assert state.status in {"failed", "blocked"}
    assert isinstance(state.error, PluginError)
    assert (state.error.plugin, state.error.phase) == (plugin, phase)
    assert text in str(state.error)
    assert suite.plugins.is_ready("dummy_good")
    assert not suite.plugins.is_ready(plugin)
    assert not suite.activation.is_active(plugin, None)
    configure_mappers()


def test_a_failed_plugin_leaves_no_table_and_no_model_behind(load):
    load("dummy_model_clash", "dummy_bad_relation", "dummy_foreign_table")

    left = [name for name in Base.metadata.tables if "clash" in name or "relation_lost" in name or "stray" in name]
    assert left == []
    assert not [mapper for mapper in Base.registry.mappers if mapper.class_.__name__ in {"Own", "Lost", "Stray"}]


def test_the_traceback_of_a_failed_import_is_kept(load):
    suite = load("dummy_broken_import")

    assert "raise RuntimeError" in suite.plugins.states["dummy_broken_import"].trace


def test_dependents_of_a_failed_plugin_are_blocked_and_named(load):
    suite = load("dummy_blocked", "dummy_broken_import")

    state = suite.plugins.states["dummy_blocked"]
    assert state.status == "blocked"
    assert "dummy_broken_import" in str(state.error)


def test_a_wrong_contribution_withdraws_the_plugin_with_all_it_declared(load):
    suite = load("dummy_bad_contribution", "dummy_good")

    suite.plugins.check()

    assert suite.plugins.states["dummy_bad_contribution"].phase == "hooks"
    assert "dummy_bad_contribution" not in [plugin for plugin, _ in suite.plugins.collect("core_menu_items")]
    assert "dummy_good" in [plugin for plugin, _ in suite.plugins.collect("core_menu_items")]


def test_an_unknown_enabled_plugin_is_named_with_the_nearest(load):
    suite = load("dummy_god", "dummy_good")

    error = suite.plugins.states["dummy_god"].error
    assert isinstance(error, ConfigError)
    assert "Did you mean dummy_good?" in str(error)
    assert suite.plugins.is_ready("dummy_good")


def test_two_plugins_of_one_id_are_both_refused_naming_both_places(data_folder, tmp_path):
    for folder in ("first", "second"):
        place = tmp_path / "more" / folder
        place.mkdir(parents=True)
        (place / "plugin.toml").write_text(
            'id = "twin"\nversion = "1"\ntitle = { en = "t", zh = "t" }\napi = "*"\npackage = "plugins.first"\n'
        )

    suite = build_suite(make_settings(data_folder, ("twin",), (tmp_path / "more",)))

    assert "more/first" in str(suite.plugins.states["twin"].error)
    assert "more/second" in str(suite.plugins.states["twin"].error)
    suite.close()


def test_only_enabled_plugins_are_imported(load):
    suite = load()

    assert suite.plugins.states == {}
    assert "dummy_good.thing" not in suite.registry


def test_a_circle_of_requirements_is_named(data_folder, tmp_path):
    for own, other in (("ring_one", "ring_two"), ("ring_two", "ring_one")):
        place = tmp_path / "rings" / own
        place.mkdir(parents=True)
        (place / "plugin.toml").write_text(
            f'id = "{own}"\nversion = "1"\ntitle = {{ en = "t", zh = "t" }}\napi = "*"\n'
            f'package = "plugins.{own}"\n[requires]\n{other} = "*"\n'
        )

    suite = build_suite(make_settings(data_folder, ("ring_one", "ring_two"), (tmp_path / "rings",)))

    assert "circle" in str(suite.plugins.states["ring_one"].error)
    suite.close()


def test_an_event_reaches_the_others_when_one_plugin_fails(load):
    suite = load("dummy_good", "dummy_dependent")
    Base.metadata.create_all(suite.database.writer)
    from plugins.dummy_dependent import plugin as dependent

    dependent.left.clear()
    suite.plugins.event("core_user_left", user_id=-1)

    assert dependent.left == [-1]
