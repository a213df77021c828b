"""Counts over all customers of a reader: exact and new where they are quick, kept for a while where they are not."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.api import LOCAL_ZONE, utc_now

QUICK_SECONDS = 0.1
"""Counting a branch of 20,000 customers takes a tenth of it, so that its numbers always equal its lists."""
KEPT_TIMES = 100
"""A count is kept so many times as long as it took: at most one hundredth of the time goes into counting."""
MOST_SCOPES = 500


@dataclass(frozen=True)
class Counts:
    """Counted rows; ``as_of`` is local time where they were counted for an earlier request."""

    rows: Sequence[Any]
    as_of: datetime | None = None


class KeptCounts:
    """Counts by scope, of this process."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kept: dict[Hashable, tuple[float, Counts]] = {}

    def get(self, scope: Hashable, count: Callable[[], Sequence[Any]]) -> Counts:
        """Return the counts of a scope.

        Args:
            scope: Everything that the counts depend on.
            count: Counts now.
        """
        begun = self._clock()
        until, kept = self._kept.get(scope, (begun, None))
        if kept is not None and begun < until:
            return kept
        rows = count()
        done = self._clock()
        self._kept.pop(scope, None)
        if done - begun > QUICK_SECONDS:
            if len(self._kept) >= MOST_SCOPES:
                self._kept.clear()
            counts = Counts(rows, utc_now().astimezone(LOCAL_ZONE))
            self._kept[scope] = (done + (done - begun) * KEPT_TIMES, counts)
        return Counts(rows)
