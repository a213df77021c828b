"""The state of a list in its address: one URL is one state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import urlencode

from core.registry.views import DENSITIES

PAGE_ROWS = 50


@dataclass(frozen=True)
class ListState:
    """What the query string of a list says.

    Args:
        q: Filter text.
        sort: Field names, ``-`` for descending.
        columns: Column names; empty means the person's choice or the default.
        density: ``compact`` or ``comfortable``; empty means the person's choice.
        view: Tab this state came from: the number of a saved view or the id of a declared one, empty for none.
        after: Id of the row before the page.
        before: Id of the row behind the page.
        first: Number of the first row shown, counted from 1.
    """

    q: str = ""
    sort: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    density: str = ""
    view: str = ""
    after: int | None = None
    before: int | None = None
    first: int = 1

    @classmethod
    def read(cls, parameters: Mapping[str, str]) -> ListState:
        """Read a query string; what is no number counts as absent."""
        return cls(
            q=parameters.get("q", "").strip(),
            sort=_names(parameters.get("sort", "")),
            columns=_names(parameters.get("columns", "")),
            density=parameters.get("density", "") if parameters.get("density") in DENSITIES else "",
            view=parameters.get("view", "")[:80],
            after=_number(parameters.get("after")),
            before=_number(parameters.get("before")),
            first=max(1, _number(parameters.get("first")) or 1),
        )

    @cached_property
    def _kept(self) -> dict[str, str]:
        found = {
            "q": self.q,
            "sort": ",".join(self.sort),
            "columns": ",".join(self.columns),
            "density": self.density,
            "view": self.view,
        }
        return {name: value for name, value in found.items() if value}

    def pairs(self) -> list[tuple[str, str]]:
        """Return the parameters that differ from the default, without the place in the list."""
        return list(self._kept.items())

    def url(self, base: str, **changes: str | int | None) -> str:
        """Return the address of a changed state; it leads to the first page unless the changes say otherwise."""
        text = urlencode({name: value for name, value in {**self._kept, **changes}.items() if value})
        return f"{base}?{text}" if text else base

    def toggled(self, name: str) -> str:
        """Return the order after a click on a column's head: ascending, then descending."""
        return f"-{name}" if self.sort[:1] == (name,) else name


def _names(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(part for part in text.split(",")[:60] if part))


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 19 else None
