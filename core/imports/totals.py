"""Compare the total rows of a sheet with what its data rows add up to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from core.errors import InvalidValueError
from core.imports.caches import Lookup
from core.imports.page_rows import is_subtotal

MAX_TOTALS = 200
"""Total rows kept in the summary; a page total on every page of a long report would fill it."""


class Totals:
    """Running sums of the amount columns, in cents.

    Args:
        names: Header per column.
        amounts: Column -> reader of cents.
    """

    def __init__(self, names: Sequence[str], amounts: Mapping[int, Lookup]) -> None:
        self._names = names
        self._columns = tuple(amounts.items())
        self._all = [0] * len(self._columns)
        self._since = [0] * len(self._columns)
        self.found: list[dict[str, Any]] = []

    def add(self, row: Sequence[Any]) -> None:
        """Add the amounts of one data row; unreadable ones count as nothing (their row is rejected)."""
        sums = self._all
        for at, (index, cache) in enumerate(self._columns):
            try:
                cents = cache[row[index]]
            except InvalidValueError:
                continue
            if cents is not None:
                sums[at] += cents

    def compare(self, line: int, row: Sequence[Any]) -> None:
        """Keep a total row: per stated amount the sum found and whether they agree."""
        partial = is_subtotal(row)
        for at, (index, cache) in enumerate(self._columns):
            try:
                stated = cache[row[index]] if index < len(row) else None
            except InvalidValueError:
                continue
            if stated is None or len(self.found) >= MAX_TOTALS:
                continue
            found = self._all[at] - (self._since[at] if partial else 0)
            self.found.append({
                "line": line, "column": self._names[index], "kind": "subtotal" if partial else "total",
                "stated": stated, "found": found, "agrees": stated == found,
            })  # fmt: skip
        if partial:
            self._since = list(self._all)
