"""What other plugins get from this one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class VisitLine:
    """An open visit; ``due_on`` is the day by which it should be dealt with."""

    id: int
    text: str
    due_on: date | None
