"""A hook with an argument that its specification does not have."""

from core.plugin.hookspecs import hookimpl


@hookimpl
def core_menu_items(colour: str) -> list[str]:
    """Take an argument nobody gives."""
    return [colour]
