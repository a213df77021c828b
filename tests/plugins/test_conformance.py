"""Every shipped plugin passes the tests that plugins inherit; the tests are able to fail."""

from pathlib import Path
from typing import ClassVar

from core.testing.conformance import PluginConformance, imports_of_plugins, translated_texts

PLUGINS = Path(__file__).resolve().parents[2] / "plugins"


class TestCrmCustomers(PluginConformance):
    plugin_id = "crm_customers"
    unscoped: ClassVar = {
        "crm_customers_customer_mark": "read only by the ids of customers that the actor sees",
        "crm_customers_customer_source": "read only by the ids of customers that the actor sees",
        "crm_customers_duplicate_candidate": "pairs of customers, shown only when the actor sees both",
    }


def test_every_shipped_plugin_is_tested_here():
    tested = {each.plugin_id for each in PluginConformance.__subclasses__()}

    assert {manifest.parent.name for manifest in PLUGINS.glob("*/plugin.toml")} <= tested


def test_imports_of_other_plugins_are_found_in_every_form():
    text = "import plugins.crm_a.models\nfrom plugins.crm_b.api import find\nfrom plugins.crm_c import data\n"

    assert list(imports_of_plugins(text)) == [("crm_a", "models"), ("crm_b", "api"), ("crm_c", "data")]


def test_a_text_without_translation_is_not_taken_for_translated(tmp_path):
    file = tmp_path / "zh_CN" / "LC_MESSAGES" / "messages.po"
    file.parent.mkdir(parents=True)
    file.write_text('msgid ""\nmsgstr ""\n\nmsgid "Save"\nmsgstr "保存"\n\nmsgid "Open"\nmsgstr ""\n', "utf-8")

    assert translated_texts(tmp_path) == {"Save"}
