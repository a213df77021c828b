"""Every shipped plugin passes the tests that plugins inherit."""

from pathlib import Path

from core.testing.conformance import PluginConformance

PLUGINS = Path(__file__).resolve().parents[2] / "plugins"


class TestCrmCustomers(PluginConformance):
    plugin_id = "crm_customers"


def test_every_shipped_plugin_is_tested_here():
    tested = {each.plugin_id for each in PluginConformance.__subclasses__()}

    assert {manifest.parent.name for manifest in PLUGINS.glob("*/plugin.toml")} <= tested
