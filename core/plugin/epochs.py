"""What a process keeps of the database until a counter there says that it is old."""

from __future__ import annotations

import time
from collections.abc import Callable

from sqlalchemy import select, update

from core.db.session import Database, ScopedSession
from core.plugin.models import Epoch
from core.security.actors import system_actor

FRESH_SECONDS = 1.0
"""How long another process may act on the old answer after something was changed."""


class Epochs:
    """The counters, asked of the database at most once in `FRESH_SECONDS`, all with one statement.

    Args:
        database: Where they are.
        clock: Monotonic seconds.
    """

    def __init__(self, database: Database, clock: Callable[[], float] = time.monotonic) -> None:
        self.database = database
        self._clock = clock
        self._checked = float("-inf")
        self._values: dict[str, int] = {}

    def of(self, name: str) -> int:
        """Return a counter, at most `FRESH_SECONDS` old; 0 where nothing was ever changed."""
        now = self._clock()
        if now - self._checked >= FRESH_SECONDS:
            with self.database.read(system_actor("look what changed")) as session:
                self._values = {row.name: row.value for row in session.execute(select(Epoch.name, Epoch.value))}
            self._checked = now
        return self._values.get(name, 0)

    def forget(self) -> None:
        """Ask again at the next question."""
        self._checked = float("-inf")


class Watch:
    """Reads something again whenever its epoch grew.

    Args:
        epochs: The counters.
        name: Name of the counter.
        read: Called with a system session when what is kept is old; keeps the new state itself.
    """

    def __init__(self, epochs: Epochs, name: str, read: Callable[[ScopedSession], None]) -> None:
        self._epochs = epochs
        self._name = name
        self._read = read
        self._seen = -1

    def refresh(self) -> None:
        """Make sure that what is kept is at most `FRESH_SECONDS` old."""
        epoch = self._epochs.of(self._name)
        if epoch != self._seen:
            with self._epochs.database.read(system_actor(f"read what {self._name} counts")) as session:
                self._read(session)
            self._seen = epoch

    def forget(self) -> None:
        """Read again at the next question."""
        self._seen = -1
        self._epochs.forget()


def bump_epoch(session: ScopedSession, name: str) -> None:
    """Tell all processes that what they cached under a name is old; call it too when a branch is moved."""
    grown = session.execute(update(Epoch).where(Epoch.name == name).values(value=Epoch.value + 1))
    if grown.rowcount == 0:  # type: ignore[attr-defined]  # an UPDATE gives a cursor result
        session.add(Epoch(name=name, value=1))
        session.flush()
