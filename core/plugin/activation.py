"""Which plugin is active in which branch: the one answer for routes, menus, hooks, jobs, API, search and imports."""

from __future__ import annotations

import time
from collections.abc import Callable

from sqlalchemy import select, update

from core.db.base import utc_now
from core.db.session import Database, ScopedSession
from core.errors import DatabaseStateError, NotFoundError
from core.plugin.manager import CORE, PluginManager
from core.plugin.models import FAILED, OFF, ON, UPGRADING, BranchPlugin, Epoch, InstalledPlugin
from core.security.actors import system_actor

EPOCH = "activation"
FRESH_SECONDS = 1.0
"""How long another process may act on the old answer after a branch was switched."""


class Activation:
    """Answers whether a plugin is active in a branch.

    Args:
        database: Where the branches' decisions are stored.
        plugins: The loaded plugins; one that is not ready is active nowhere.
        clock: Monotonic seconds.
    """

    def __init__(self, database: Database, plugins: PluginManager, clock: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._plugins = plugins
        self._clock = clock
        self._checked = float("-inf")
        self._epoch = -1
        self._answers: dict[tuple[str, int], bool] = {}
        self._parents: dict[int, int | None] = {}
        self._decisions: dict[tuple[str, int], bool] = {}
        self._paused: frozenset[str] = frozenset()
        self._works_on: str | None = None

    def is_active(self, plugin_id: str, branch_id: int | None) -> bool:
        """Whether a plugin is active.

        Args:
            plugin_id: The plugin; ``core`` is active everywhere.
            branch_id: The branch; ``None`` asks for the installation, where every loaded plugin is active.

        Returns:
            The nearest decision up the tree of branches, ``True`` when there is none; ``False`` when the plugin or
            one that it requires is not loaded, not active there, or paused by an action on it.
        """
        if plugin_id == CORE:
            return True
        if not self._plugins.is_ready(plugin_id):
            return False
        self._refresh()
        if plugin_id in self._paused:
            return False
        manifest = self._plugins.states[plugin_id].manifest
        if branch_id is None or manifest is None or manifest.scope == "system":
            return True
        key = (plugin_id, branch_id)
        if key not in self._answers:
            required = all(self.is_active(name, branch_id) for name in (*manifest.requires, *manifest.when_active))
            self._answers[key] = required and self._decided(plugin_id, branch_id)
        return self._answers[key]

    def require(self, plugin_id: str, branch_id: int | None) -> None:
        """Refuse unless a plugin is active in a branch.

        Raises:
            NotFoundError: It is switched off there, which looks as if it did not exist.
            DatabaseStateError: It should be there, and is not: under work, failed, or its code is gone.
        """
        if self.is_active(plugin_id, branch_id):
            return
        state = self._plugins.states.get(plugin_id)
        if plugin_id in self._paused or (state is not None and state.is_faulty):
            raise DatabaseStateError(
                "plugin_unavailable",
                "This part is not available now: it is being upgraded or repaired. Everything else works.",
                "Try again in a few minutes.",
            )
        raise NotFoundError("no_such_page", "There is no such page.")

    def decision(self, plugin_id: str, branch_id: int) -> bool | None:
        """Return what a branch itself decided; ``None`` where it follows the one above."""
        self._refresh()
        return self._decisions.get((plugin_id, branch_id))

    def switch(self, session: ScopedSession, plugin_id: str, branch_id: int, *, on: bool) -> None:
        """Switch a plugin on or off for a branch and those below it; its data stay.

        Args:
            session: A unit of work; its actor is recorded.
            plugin_id: A loaded plugin.
            branch_id: The branch.
            on: The new state.

        Raises:
            NotFoundError: There is no such plugin.
        """
        if plugin_id not in self._plugins.states:
            raise NotFoundError("unknown_plugin", "There is no plugin {plugin}.", plugin=plugin_id)
        row = session.scalars(select(BranchPlugin).filter_by(branch_id=branch_id, plugin=plugin_id)).first()
        if row is None:
            row = BranchPlugin(branch_id=branch_id, plugin=plugin_id)
            session.add(row)
        row.state = ON if on else OFF
        row.since = utc_now()
        row.by = session.actor.name if session.actor else ""
        bump_epoch(session, EPOCH)
        session.after_commit.append(self.forget)

    def works_on(self, plugin_id: str | None) -> None:
        """Let a plugin run in this process, which works on it; ``None`` ends that."""
        self._works_on = plugin_id
        self.forget()

    def forget(self) -> None:
        """Read the decisions again at the next question."""
        self._epoch = -1
        self._checked = float("-inf")

    def _decided(self, plugin_id: str, branch_id: int) -> bool:
        seen: set[int] = set()
        branch: int | None = branch_id
        while branch is not None and branch not in seen:
            decision = self._decisions.get((plugin_id, branch))
            if decision is not None:
                return decision
            seen.add(branch)
            branch = self._parents.get(branch)
        return True

    def _refresh(self) -> None:
        now = self._clock()
        if now - self._checked < FRESH_SECONDS:
            return
        with self._database.read(system_actor("read which plugins are active")) as session:
            epoch = session.scalar(select(Epoch.value).where(Epoch.name == EPOCH)) or 0
            if epoch != self._epoch:
                self._read(session)
        self._epoch, self._checked = epoch, now

    def _read(self, session: ScopedSession) -> None:
        from core.security.models import Branch

        rows = session.execute(select(BranchPlugin.plugin, BranchPlugin.branch_id, BranchPlugin.state))
        self._decisions = {(plugin, branch): state == ON for plugin, branch, state in rows}
        stopped = select(InstalledPlugin.plugin).where(InstalledPlugin.state.in_((UPGRADING, FAILED)))
        self._paused = self._with_dependents(set(session.scalars(stopped)) - {self._works_on})
        self._parents = {row.id: row.parent_id for row in session.execute(select(Branch.id, Branch.parent_id))}
        self._answers = {}

    def _with_dependents(self, stopped: set[str]) -> frozenset[str]:
        """Return plugins and all that require them; manifests come in dependency order."""
        for manifest in self._plugins.ready():
            if stopped.intersection(manifest.requires):
                stopped.add(manifest.id)
        return frozenset(stopped)


def bump_epoch(session: ScopedSession, name: str) -> None:
    """Tell all processes that what they cached under a name is old; call it too when a branch is moved."""
    grown = session.execute(update(Epoch).where(Epoch.name == name).values(value=Epoch.value + 1))
    if grown.rowcount == 0:  # type: ignore[attr-defined]  # an UPDATE gives a cursor result
        session.add(Epoch(name=name, value=1))
        session.flush()
