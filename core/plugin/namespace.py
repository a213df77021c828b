"""The package ``plugins``: opened for folders that hold further plugins."""

from __future__ import annotations

from collections.abc import Iterable

import plugins


def plugin_places() -> list[str]:
    """Return the folders whose subfolders are packages ``plugins.<folder>``."""
    return list(plugins.__path__)


def open_places(places: Iterable[str]) -> None:
    """Let the packages of further folders be imported as ``plugins.<folder>``."""
    known = plugin_places()
    for place in places:
        if place not in known:
            plugins.__path__.append(place)
