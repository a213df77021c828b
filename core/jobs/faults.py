"""Faults of plugins as all processes know them: each shares its own, a person resets them for all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sqlalchemy import delete, select

from core.db.base import utc_now
from core.jobs.models import SILENCE, Heartbeat
from core.plugin.breaker import Fault, Part
from core.plugin.models import PluginFault
from core.security.actors import system_actor

if TYPE_CHECKING:
    from core.app import Suite
    from core.db.session import ScopedSession

ACTOR = system_actor("faults of plugins")


class FaultBoard:
    """Writes the faults of one process where all can read them, and takes resets from there.

    Args:
        suite: The suite of the process.
        process: Its name among the heartbeats.
    """

    def __init__(self, suite: Suite, process: str) -> None:
        self._suite = suite
        self._process = process
        self._shared: dict[Part, Fault] = {}

    def share(self) -> None:
        """Bring the board to what this process knows; costs nothing while all works."""
        breaker = self._suite.plugins.breaker
        if not (self._shared or breaker.faults()):
            return
        with self._suite.database.read(ACTOR) as session:
            own = select(PluginFault.plugin, PluginFault.part).where(PluginFault.process == self._process)
            there = {(plugin, part) for plugin, part in session.execute(own)}
        for key in self._shared.keys() - there:
            breaker.reset(key)
        found = breaker.faults()
        if found != self._shared:
            self._write(found)
        self._shared = found

    def clear(self) -> None:
        """Take the faults of this process off the board, and those that an earlier one of its name left."""
        self._shared = {}
        with self._suite.database.write(ACTOR) as session:
            session.execute(delete(PluginFault).where(PluginFault.process == self._process))

    def _write(self, found: dict[Part, Fault]) -> None:
        with self._suite.database.write(ACTOR) as session:
            session.execute(delete(PluginFault).where(PluginFault.process == self._process))
            for (plugin, part), fault in found.items():
                row = PluginFault(process=self._process, plugin=plugin, part=part, state=fault.state)
                row.failures, row.error, row.until, row.at = fault.failures, fault.error[:200], fault.until, utc_now()
                session.add(row)


def faults(session: ScopedSession, plugin: str = "") -> Sequence[PluginFault]:
    """Return the faults on the board, of one plugin or of all; those of processes that are gone are left out."""
    alive = select(Heartbeat.process).where(Heartbeat.at > utc_now() - SILENCE)
    found = select(PluginFault).where(PluginFault.process.in_(alive)).order_by(PluginFault.plugin, PluginFault.part)
    return session.scalars(found.where(PluginFault.plugin == plugin) if plugin else found).all()


def reset(session: ScopedSession, plugin: str) -> None:
    """Let all processes call all parts of a plugin again, within about a second."""
    session.execute(delete(PluginFault).where(PluginFault.plugin == plugin))
