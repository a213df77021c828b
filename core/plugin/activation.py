"""Which plugin is active in which branch: the one answer for routes, menus, hooks, jobs, API, search and imports."""

from __future__ import annotations

from sqlalchemy import select

from core.db.base import utc_now
from core.db.session import ScopedSession
from core.errors import DatabaseStateError, NotFoundError, PermissionDeniedError
from core.plugin.epochs import Epochs, Watch, bump_epoch
from core.plugin.manager import CORE, PluginManager
from core.plugin.models import FAILED, OFF, ON, PREVIEW, UPGRADING, BranchPlugin, InstalledPlugin
from core.security.actors import Actor

EPOCH = "activation"
ADMINISTER = "core.plugin.edit"
"""Permission of those who manage plugins, and see one that is on preview."""


class Activation:
    """Answers whether a plugin is active in a branch.

    Args:
        epochs: Say when a branch's decision changed.
        plugins: The loaded plugins; one that is not ready is active nowhere.
    """

    def __init__(self, epochs: Epochs, plugins: PluginManager) -> None:
        self._plugins = plugins
        self._watch = Watch(epochs, EPOCH, self._read)
        self._answers: dict[tuple[str, int], bool] = {}
        self._parents: dict[int, int | None] = {}
        self._decisions: dict[tuple[str, int], str] = {}
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
        self._watch.refresh()
        if plugin_id in self._paused:
            return False
        manifest = self._plugins.states[plugin_id].manifest
        if branch_id is None or manifest is None or manifest.scope == "system":
            return True
        key = (plugin_id, branch_id)
        if key not in self._answers:
            required = all(self.is_active(name, branch_id) for name in (*manifest.requires, *manifest.when_active))
            self._answers[key] = required and self._decided(plugin_id, branch_id) == ON
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

    def require_for(self, plugin_id: str, actor: Actor | None, *, writes: bool) -> None:
        """Refuse unless a plugin is there for who asks: active in their branch, or on preview there for them to see.

        Raises:
            NotFoundError: It is switched off there.
            DatabaseStateError: It should be there, and is not.
            PermissionDeniedError: It is on preview, where nothing can be changed.
        """
        if actor is not None and self._is_previewed(plugin_id, actor):
            if writes:
                raise PermissionDeniedError(
                    "plugin_preview",
                    "{plugin} is on preview in this branch: you see it with real data, and can change nothing.",
                    "Switch it on for the branch under Administration, Plugins.",
                    plugin=plugin_id,
                )
            return
        self.require(plugin_id, actor.home_branch_id if actor else None)

    def shows(self, plugin_id: str, actor: Actor) -> bool:
        """Whether a plugin is active in the actor's branch, or on preview there and theirs to see: for reading only."""
        return self.is_active(plugin_id, actor.home_branch_id) or self._is_previewed(plugin_id, actor)

    def previews(self, actor: Actor) -> tuple[str, ...]:
        """Return the plugins that the actor sees on preview in their branch."""
        if PREVIEW not in self._decisions.values():
            return ()
        return tuple(each.id for each in self._plugins.ready() if self._is_previewed(each.id, actor))

    def _is_previewed(self, plugin_id: str, actor: Actor) -> bool:
        branch = actor.home_branch_id
        if branch is None or not actor.may(ADMINISTER) or self.is_active(plugin_id, branch):
            return False
        return self._is_open(plugin_id, branch)

    def _is_open(self, plugin_id: str, branch_id: int) -> bool:
        """Whether a plugin and all it requires are sound and on, or on preview."""
        if plugin_id == CORE or self.is_active(plugin_id, branch_id):
            return True
        manifest = self._plugins.states[plugin_id].manifest if self._plugins.is_ready(plugin_id) else None
        if manifest is None or plugin_id in self._paused or self._decided(plugin_id, branch_id) == OFF:
            return False
        return all(self._is_open(name, branch_id) for name in (*manifest.requires, *manifest.when_active))

    def decision(self, plugin_id: str, branch_id: int) -> str | None:
        """Return a branch's own decision, ``on``, ``off`` or ``preview``; ``None`` where it follows the one above."""
        self._watch.refresh()
        return self._decisions.get((plugin_id, branch_id))

    def state(self, plugin_id: str, branch_id: int) -> str:
        """Return what holds in a branch: ``on``, ``preview`` or ``off``."""
        if self.is_active(plugin_id, branch_id):
            return ON
        return PREVIEW if self._is_open(plugin_id, branch_id) else OFF

    def switch(self, session: ScopedSession, plugin_id: str, branch_id: int, *, on: bool) -> None:
        """Switch a plugin on or off for a branch and those below it; its data stay.

        Raises:
            NotFoundError: There is no such plugin.
        """
        self.decide(session, plugin_id, branch_id, ON if on else OFF)

    def decide(self, session: ScopedSession, plugin_id: str, branch_id: int, state: str) -> None:
        """Write down what a branch, and those below it, make of a plugin; its data stay.

        Args:
            session: A unit of work; its actor is recorded.
            plugin_id: A loaded plugin.
            branch_id: The branch.
            state: ``on``, ``off`` or ``preview``.

        Raises:
            NotFoundError: There is no such plugin.
        """
        if plugin_id not in self._plugins.states:
            raise NotFoundError("unknown_plugin", "There is no plugin {plugin}.", plugin=plugin_id)
        row = session.scalars(select(BranchPlugin).filter_by(branch_id=branch_id, plugin=plugin_id)).first()
        if row is None:
            row = BranchPlugin(branch_id=branch_id, plugin=plugin_id)
            session.add(row)
        row.state = state
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
        self._watch.forget()

    def _decided(self, plugin_id: str, branch_id: int) -> str:
        seen: set[int] = set()
        branch: int | None = branch_id
        while branch is not None and branch not in seen:
            decision = self._decisions.get((plugin_id, branch))
            if decision is not None:
                return decision
            seen.add(branch)
            branch = self._parents.get(branch)
        return ON

    def _read(self, session: ScopedSession) -> None:
        from core.security.models import Branch

        rows = session.execute(select(BranchPlugin.plugin, BranchPlugin.branch_id, BranchPlugin.state))
        self._decisions = {(plugin, branch): state for plugin, branch, state in rows}
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
