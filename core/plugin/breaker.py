"""The circuit breaker: a part of a plugin that fails again and again is left out for a while, for this process.

A part is one contribution, such as ``core_panels crm_notes.side``, or a called hook, such as ``core_user_left``. It is
closed (called), open (left out), or on trial: after `REST_SECONDS` one call decides whether it closes again.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar

from core.db.base import utc_now
from core.errors import BanyanError, DatabaseStateError

FAILURES = 5
"""Failures within `WINDOW_SECONDS` after which a part is left out."""
WINDOW_SECONDS = 60.0
REST_SECONDS = 60.0
"""How long it is left out before one call tries it."""
BUDGET_SECONDS = 2.0
"""How long a panel may keep its page waiting."""
SLOW_CALLS = 3
"""Calls over the budget within the window after which a panel is loaded behind its page; so many quick ones end it."""
FAILING, OPEN, BEHIND = "failing", "open", "behind"
Part = tuple[str, str]
"""Plugin and part."""
Answer = TypeVar("Answer")


class LeftOutError(DatabaseStateError):
    """A part of a plugin is not called for now, since it failed again and again."""

    def __init__(self, plugin: str, part: str) -> None:
        super().__init__(
            "part_left_out", "{part} of {plugin} failed several times and is left out for a while.",
            "It is tried again within a minute.", plugin=plugin, part=part,
        )  # fmt: skip


@dataclass(frozen=True)
class Fault:
    """What is known of one part that does not work as it should.

    Args:
        state: ``failing``: still called; ``open``: left out; ``behind``: too slow for its page, loaded after it.
        failures: Failures since it last worked.
        error: The last one, without personal data: its kind and place.
        until: When an open one is tried again.
    """

    state: str
    failures: int = 0
    error: str = ""
    until: datetime | None = None


@dataclass
class _Circuit:
    failed: list[float] = field(default_factory=list)
    failures: int = 0
    error: str = ""
    open_until: float | None = None
    until: datetime | None = None
    on_trial: bool = False
    slow: list[float] = field(default_factory=list)
    quick: int = 0
    behind: bool = False


class Breaker:
    """The circuits of one process; a part that works costs one look into a dictionary.

    Args:
        clock: Monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._circuits: dict[Part, _Circuit] = {}
        self._lock = threading.Lock()

    def run(self, plugin: str, part: str, work: Callable[[], Answer], *, opens: bool = True) -> Answer:
        """Call a part.

        Args:
            plugin: Its plugin.
            part: Hook, and the contribution's id where there is one.
            work: The call. An expected error (`BanyanError`) is an answer, no failure.
            opens: Whether it may be left out; not where leaving it out would be no safe answer: there every error
                reaches the caller, who refuses.

        Raises:
            LeftOutError: It failed again and again; ``work`` was not called.
        """
        key = (plugin, part)
        if opens and key in self._circuits:
            self._enter(key)
        began = self._clock()
        try:
            answer = work()
        except BanyanError:
            self._worked(key, 0.0)
            raise
        except BaseException as error:
            self._failed(key, error, opens=opens)
            raise
        self._worked(key, self._clock() - began)
        return answer

    def is_behind(self, plugin: str, part: str) -> bool:
        """Whether a panel is too slow for its page."""
        circuit = self._circuits.get((plugin, part))
        return circuit is not None and circuit.behind

    def faults(self) -> dict[Part, Fault]:
        """Return what does not work as it should; what has worked for a while is forgotten."""
        with self._lock:
            now = self._clock()
            for key in [key for key, circuit in self._circuits.items() if _is_sound(circuit, now)]:
                del self._circuits[key]
            return {
                key: _fault(circuit)
                for key, circuit in self._circuits.items()
                if circuit.failed or circuit.behind or circuit.open_until is not None
            }

    def reset(self, key: Part) -> None:
        """Forget all failures of a part."""
        with self._lock:
            self._circuits.pop(key, None)

    def _enter(self, key: Part) -> None:
        with self._lock:
            circuit = self._circuits.get(key)
            if circuit is None or circuit.open_until is None:
                return
            if circuit.on_trial or self._clock() < circuit.open_until:
                raise LeftOutError(*key)
            circuit.on_trial = True

    def _failed(self, key: Part, error: BaseException, *, opens: bool) -> None:
        with self._lock:
            circuit, now = self._circuits.setdefault(key, _Circuit()), self._clock()
            circuit.failed = [*_recent(circuit.failed, now), now]
            circuit.failures += 1
            circuit.error = _told(error)
            if opens and (circuit.on_trial or len(circuit.failed) >= FAILURES):
                circuit.open_until, circuit.on_trial = now + REST_SECONDS, False
                circuit.until = utc_now().replace(microsecond=0) + timedelta(seconds=REST_SECONDS)

    def _worked(self, key: Part, seconds: float) -> None:
        if seconds <= BUDGET_SECONDS and key not in self._circuits:
            return
        with self._lock:
            circuit, now = self._circuits.setdefault(key, _Circuit()), self._clock()
            if circuit.on_trial:
                circuit.open_until, circuit.on_trial, circuit.failed, circuit.failures = None, False, [], 0
            if seconds > BUDGET_SECONDS:
                circuit.slow, circuit.quick = [*_recent(circuit.slow, now), now], 0
                circuit.behind = circuit.behind or len(circuit.slow) >= SLOW_CALLS
            else:
                circuit.quick += 1
                circuit.behind = circuit.behind and circuit.quick < SLOW_CALLS


def _recent(moments: list[float], now: float) -> list[float]:
    return [each for each in moments if each > now - WINDOW_SECONDS]


def _is_sound(circuit: _Circuit, now: float) -> bool:
    waits = circuit.open_until is not None or circuit.behind
    return not waits and not _recent(circuit.failed, now) and not _recent(circuit.slow, now)


def _fault(circuit: _Circuit) -> Fault:
    if circuit.open_until is not None:
        return Fault(OPEN, circuit.failures, circuit.error, circuit.until)
    return Fault(BEHIND if circuit.behind else FAILING, circuit.failures, circuit.error)


def _told(error: BaseException) -> str:
    """Return kind and place of an error: its text may hold personal data, which the log keeps out too."""
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    if place is None:
        return type(error).__name__
    code = place.tb_frame.f_code
    return f"{type(error).__name__}: {code.co_filename.rpartition('/')[2]}, line {place.tb_lineno}, {code.co_name}"
