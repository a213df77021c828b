"""Which processes are alive and with which set of plugins; each looks whether it has become old, and says so."""

from __future__ import annotations

import os
import socket
import sys
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from sqlalchemy import delete, select, update

from core.db.base import utc_now
from core.jobs.faults import FaultBoard
from core.jobs.models import Heartbeat
from core.log import logger
from core.plugin.models import RESTART, Epoch
from core.security.actors import system_actor

if TYPE_CHECKING:
    from core.app import Suite

LOOK_SECONDS = 1.0
"""How often a process looks whether other plugins are installed now."""
BEAT_SECONDS = 10.0
ACTOR = system_actor("presence of a process")


def process_name() -> str:
    """Return the name of this process in the table of heartbeats."""
    return f"{socket.gethostname()}:{os.getpid()}"


def restart() -> None:
    """Become the same command anew, under the same process number, with the plugins installed now."""
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606 -- our own command


class Presence(threading.Thread):
    """Beats for this process, and calls once when the plugins installed are no longer those it has loaded.

    Args:
        suite: The suite of this process.
        kind: ``web`` or ``worker``.
        on_change: Called from this thread, once.
    """

    def __init__(self, suite: Suite, kind: str, on_change: Callable[[], None]) -> None:
        super().__init__(name="presence", daemon=True)
        self.outdated = False
        self._suite = suite
        self._kind = kind
        self._on_change = on_change
        self._stopped = threading.Event()
        self._beaten = float("-inf")
        self._board = FaultBoard(suite, process_name())

    def run(self) -> None:
        """Beat and look until stopped; what fails is logged and tried again."""
        while not self._stopped.is_set():
            try:
                self._once()
            except Exception as error:  # the database may be busy or away
                logger(__name__).warning("presence_failed", problem=f"{type(error).__name__}: {error}")
            self._stopped.wait(LOOK_SECONDS)

    def end(self) -> None:
        """Stop beating, and no longer count as alive."""
        self._stopped.set()
        if self.is_alive():
            self.join()
        try:
            self._board.clear()
            with self._suite.database.write(ACTOR) as session:
                session.execute(delete(Heartbeat).where(Heartbeat.process == process_name()))
        except Exception as error:  # it will fall silent instead
            logger(__name__).warning("presence_failed", problem=f"{type(error).__name__}: {error}")

    def _once(self) -> None:
        if time.monotonic() - self._beaten >= BEAT_SECONDS:
            self._beat()
            if self._beaten == float("-inf"):
                self._board.clear()
            self._beaten = time.monotonic()
        self._board.share()
        if self.outdated:
            return
        with self._suite.database.reader.connect() as connection:
            epoch = connection.scalar(select(Epoch.value).where(Epoch.name == RESTART)) or 0
        if epoch != self._suite.installed.epoch:
            self.outdated = True
            logger(__name__).info("plugins_changed", process_kind=self._kind)
            self._on_change()

    def _beat(self) -> None:
        values = {"kind": self._kind, "epoch": self._suite.installed.epoch, "at": utc_now()}
        with self._suite.database.write(ACTOR) as session:
            beaten = session.execute(update(Heartbeat).where(Heartbeat.process == process_name()).values(values))
            if beaten.rowcount == 0:  # type: ignore[attr-defined]  # an UPDATE gives a cursor result
                session.add(Heartbeat(process=process_name(), **values))
