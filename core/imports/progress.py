"""Telling how far an import is."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str, int, int], None]
"""Told (phase, rows done, rows in all); the phase is ``read`` or ``merge``, the total 0 while it is unknown."""


class Teller:
    """Passes progress on, with the total once it is known."""

    def __init__(self, tell: Progress | None) -> None:
        self.tell = tell or (lambda phase, done, total: None)
        self.total = 0

    def read(self, rows: int) -> None:
        """Rows read so far."""
        self.tell("read", rows, 0)

    def merge(self, rows: int) -> None:
        """Rows merged so far."""
        self.tell("merge", rows, self.total)
