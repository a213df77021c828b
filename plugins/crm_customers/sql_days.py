"""Days in SQL: dates on PostgreSQL; on SQLite whole numbers, which it compares several times as fast as texts."""

from __future__ import annotations

from datetime import date

JULIAN = 1_721_424
"""Julian day number less ordinal, both at the noon before a day begins."""


class SqlDays:
    """How days are written in statements; days differ by whole numbers and may be raised by them on both databases.

    Args:
        dialect: ``sqlite`` or ``postgresql``.
    """

    def __init__(self, dialect: str) -> None:
        self.sqlite = dialect == "sqlite"
        self._least, self._greatest = ("MIN", "MAX") if self.sqlite else ("LEAST", "GREATEST")

    def read(self, column: str) -> str:
        """Return a column of days as days to count with."""
        return f"CAST(julianday({column}) AS INTEGER)" if self.sqlite else column

    def literal(self, ordinal: int) -> str:
        """Return the day of an ordinal."""
        return str(ordinal + JULIAN) if self.sqlite else f"DATE '{date.fromordinal(ordinal).isoformat()}'"

    def stored(self, day: str) -> str:
        """Return a day as columns hold it."""
        return f"date({day} + 0.5)" if self.sqlite else day

    def months_after(self, day: str, months: int) -> str:
        """Return the day so many months after ``day``; where the month is shorter, its last day."""
        if self.sqlite:
            return f"CAST(julianday({day} + 0.5, '+{months} months', 'floor') AS INTEGER)"
        return f"CAST({day} + INTERVAL '{months} months' AS DATE)"

    def earlier(self, one: str, other: str) -> str:
        """Return the earlier of two days that are both there."""
        return f"{self._least}({one}, {other})"

    def later(self, one: str, other: str) -> str:
        """Return the later of two days that are both there."""
        return f"{self._greatest}({one}, {other})"

    @property
    def apart(self) -> str:
        """What ends a subquery whose columns are to be computed once, not again wherever they are named."""
        return "LIMIT -1" if self.sqlite else "OFFSET 0"
