"""What requests cost, counted by route: cheap to note, turned into metrics only when somebody asks for them."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from threading import Lock
from typing import NamedTuple

from starlette.types import Scope

SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper limits of the classes of duration; one more class holds what took longer."""
OTHER = "other"
"""Stands for all addresses that are no route of ours, which anybody can invent without end."""


class RequestKind(NamedTuple):
    """What requests are counted by."""

    method: str
    route: str
    status: int


@dataclass
class Durations:
    """How long the requests of one kind took."""

    total: float = 0.0
    counts: list[int] = field(default_factory=lambda: [0] * (len(SECONDS) + 1))


class RequestFigures:
    """Counts the requests of this process."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._kinds: dict[RequestKind, Durations] = {}

    def note(self, scope: Scope, status: int, seconds: float) -> None:
        """Count one answered request.

        Args:
            scope: The request after its route was found.
            status: Of the answer.
            seconds: From its head to the end of the answer.
        """
        kind = RequestKind(scope["method"], _route(scope), status)
        with self._lock:
            durations = self._kinds.setdefault(kind, Durations())
            durations.total += seconds
            durations.counts[bisect_left(SECONDS, seconds)] += 1

    def __iter__(self) -> Iterator[tuple[RequestKind, Durations]]:
        with self._lock:
            copied = [(kind, Durations(each.total, list(each.counts))) for kind, each in self._kinds.items()]
        return iter(copied)


def _route(scope: Scope) -> str:
    """Return the pattern that matched, never the address itself, which may name a person's number."""
    path = getattr(scope.get("route"), "path", None)
    return OTHER if path is None else f"{scope.get('root_path', '')}{path}"
