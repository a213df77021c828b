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


class Watch:
    """Reads something again whenever its epoch grew; asks for the epoch at most once in `FRESH_SECONDS`.

    Args:
        database: Where the epoch is.
        epoch: Name of the counter.
        read: Called with a system session when what is kept is old; keeps the new state itself.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        database: Database,
        epoch: str,
        read: Callable[[ScopedSession], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._name = epoch
        self._read = read
        self._clock = clock
        self._checked = float("-inf")
        self._seen = -1

    def refresh(self) -> None:
        """Make sure that what is kept is at most `FRESH_SECONDS` old."""
        now = self._clock()
        if now - self._checked < FRESH_SECONDS:
            return
        with self._database.read(system_actor(f"look whether {self._name} changed")) as session:
            epoch = session.scalar(select(Epoch.value).where(Epoch.name == self._name)) or 0
            if epoch != self._seen:
                self._read(session)
        self._seen, self._checked = epoch, now

    def forget(self) -> None:
        """Read again at the next question."""
        self._seen, self._checked = -1, float("-inf")


def bump_epoch(session: ScopedSession, name: str) -> None:
    """Tell all processes that what they cached under a name is old; call it too when a branch is moved."""
    grown = session.execute(update(Epoch).where(Epoch.name == name).values(value=Epoch.value + 1))
    if grown.rowcount == 0:  # type: ignore[attr-defined]  # an UPDATE gives a cursor result
        session.add(Epoch(name=name, value=1))
        session.flush()
