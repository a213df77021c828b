"""A misspelt hook."""

from core.plugin.hookspecs import hookimpl


@hookimpl
def core_menu_itmes() -> list[str]:
    """Misspelt."""
    return []
