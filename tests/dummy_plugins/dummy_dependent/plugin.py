"""Wiring by module-level implementations."""

from core.plugin.contributions import MenuItem
from core.plugin.hookspecs import hookimpl
from core.registry.fields import Label

left: list[int] = []


@hookimpl
def core_menu_items() -> list[MenuItem]:
    """Declare a menu entry."""
    return [MenuItem("dummy_dependent.x", Label("X", "X"), "/dummy_dependent", "dummy_dependent.view")]


@hookimpl
def core_user_left(user_id: int) -> None:
    """Remember who left."""
    left.append(user_id)
