"""A hook with a wrong result."""

from core.plugin.contributions import MenuItem
from core.plugin.hookspecs import hookimpl
from core.registry.fields import Label


@hookimpl
def core_menu_items() -> list[MenuItem]:
    """Declare a menu entry that must vanish with the plugin."""
    return [MenuItem("dummy_bad_contribution.x", Label("X", "X"), "/x", "dummy_bad_contribution.view")]


@hookimpl
def core_routes() -> list[str]:
    """Return texts instead of routes."""
    return ["/not/a/route"]
