"""A menu entry that needs both."""

from core.api import Label, MenuItem, hookimpl


@hookimpl
def core_menu_items():
    return [MenuItem("dummy_bridge.both", Label("Both", "两者"), "/dummy_good/things", "dummy_good.thing.view")]
