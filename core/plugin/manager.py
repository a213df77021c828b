"""The loaded plugins: their states, what they declare, and calling their hooks one by one."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import pluggy

from core.errors import BanyanError, PluginError
from core.log import logger
from core.plugin.breaker import Breaker, LeftOutError
from core.plugin.contributions import (
    Action,
    AuditAction,
    BulkAction,
    Column,
    Filter,
    HealthCheck,
    HomeCard,
    Job,
    ListView,
    MenuItem,
    Panel,
    Permission,
    Role,
    Route,
    Schedule,
    SearchSource,
    Setting,
    Slot,
)
from core.plugin.hookspecs import CoreHooks
from core.plugin.import_contributions import AfterImport
from core.plugin.manifest import Manifest

CORE = "core"
Status = Literal["ready", "failed", "blocked", "missing", "excluded", "waiting"]
IsActive = Callable[[str, "int | None"], bool]

DECLARED: dict[str, type[Any]] = {
    "core_permissions": Permission,
    "core_roles": Role,
    "core_routes": Route,
    "core_menu_items": MenuItem,
    "core_slots": Slot,
    "core_panels": Panel,
    "core_actions": Action,
    "core_columns": Column,
    "core_filters": Filter,
    "core_list_views": ListView,
    "core_bulk_actions": BulkAction,
    "core_home_cards": HomeCard,
    "core_search_sources": SearchSource,
    "core_jobs": Job,
    "core_schedules": Schedule,
    "core_import_targets": type,
    "core_import_profiles": Path,
    "core_after_import": AfterImport,
    "core_audit_actions": AuditAction,
    "core_settings": Setting,
    "core_health_checks": HealthCheck,
}
"""The declare hooks of the core without arguments, and what each contribution must be."""


@dataclass
class PluginState:
    """How one plugin is doing.

    Args:
        id: Plugin id.
        status: ``ready``; ``failed`` by itself; ``blocked`` since something it requires failed; ``missing``: installed,
            but its code is gone; ``excluded`` by safe mode or by ``[plugins] exclude``;
            ``waiting`` for the plugins between which it is a bridge.
        manifest: ``None`` when the manifest cannot be read.
        error: Why it is not ready; names the phase.
        trace: Python traceback of the failure, for administrators.
    """

    id: str
    status: Status
    manifest: Manifest | None = None
    error: BanyanError | None = None
    trace: str = ""

    @property
    def phase(self) -> str:
        """When it failed: manifest, requires, upgrade, import, models, register or hooks; empty when ready."""
        return self.error.phase if isinstance(self.error, PluginError) else ("manifest" if self.error else "")

    @property
    def is_faulty(self) -> bool:
        """Whether it should run and does not; one left out on purpose, or a bridge, is not at fault."""
        return self.status not in {"ready", "excluded", "waiting"}


class PluginManager:
    """All plugins of the installation, in dependency order; the core's own features come first as ``core``."""

    def __init__(self) -> None:
        self.states: dict[str, PluginState] = {}
        self.breaker = Breaker()
        self.is_active: IsActive = lambda plugin_id, branch_id: self.is_ready(plugin_id)
        self._pluggy = pluggy.PluginManager("banyan")
        self._pluggy.add_hookspecs(CoreHooks)
        self._pluggy.hook.core_addhooks.call_historic(kwargs={"manager": self._pluggy})
        self._order: dict[str, int] = {}
        self._declared: dict[str, list[tuple[str, Any]]] = {}

    @property
    def hook(self) -> pluggy.HookRelay:
        """Pluggy's own calls: gather hooks, where errors must reach the caller, and first-wins hooks."""
        return self._pluggy.hook

    def register(self, plugin_id: str, implementation: object, name: str = "") -> None:
        """Add hook implementations of a plugin.

        Args:
            plugin_id: Owner of the implementations.
            implementation: A module or object with ``hookimpl`` functions.
            name: Tells several parts of one owner apart, such as the features of the core.

        Raises:
            pluggy.PluginValidationError: A signature is wrong or a hook does not exist; nothing stays registered.
        """
        full = f"{plugin_id}:{name}" if name else plugin_id
        try:
            self._pluggy.register(implementation, full)
            self._pluggy.check_pending()
        except BaseException:
            if self._pluggy.has_plugin(full):
                self._pluggy.unregister(name=full)
            raise
        self._order[full] = len(self._order)
        self._declared.clear()

    def is_ready(self, plugin_id: str) -> bool:
        """Whether a plugin is loaded and sound; the core always is."""
        state = self.states.get(plugin_id)
        return plugin_id == CORE or (state is not None and state.status == "ready")

    def ready(self) -> list[Manifest]:
        """Return the manifests of the plugins in use, in dependency order."""
        return [state.manifest for state in self.states.values() if state.status == "ready" and state.manifest]

    def collect(self, hook_name: str, **arguments: Any) -> list[tuple[str, Any]]:
        """Ask a declare hook.

        Args:
            hook_name: For example ``core_routes``.
            **arguments: Arguments of the hook, if it has any.

        Returns:
            (plugin id, contribution) in dependency order, sequences flattened. A plugin that fails here, or returns
            something else than the hook states, is withdrawn as failed; its other contributions vanish with it.
        """
        if arguments:
            return self._ask(hook_name, arguments)
        if hook_name not in self._declared:
            self._declared[hook_name] = self._ask(hook_name, {})
        return self._declared[hook_name]

    def check(self) -> None:
        """Ask every declare hook now, so that all failures show before anything is served."""
        for hook_name in DECLARED:
            self.collect(hook_name)
        for hook_name in DECLARED:
            self.collect(hook_name)

    def event(self, hook_name: str, *, in_branch: int | None = None, **arguments: Any) -> None:
        """Tell all plugins that something happened; one that fails is logged and does not disturb the others.

        One that fails again and again is not told for a while (`core.plugin.breaker`).

        Args:
            hook_name: The event's hook.
            in_branch: Only plugins active in this branch are told; ``None``: the whole installation.
            **arguments: Arguments of the hook. With a ``session``, each plugin gets its own savepoint.
        """
        for plugin_id, call in self._calls(hook_name, arguments):
            if not self.is_active(plugin_id, in_branch):
                continue
            told = partial(_with_savepoint, arguments.get("session"), call)
            try:
                self.breaker.run(plugin_id, hook_name, told)
            except LeftOutError:
                logger(__name__).warning("event_left_out", plugin=plugin_id, hook=hook_name)
            except Exception:
                logger(__name__).exception("event_failed", plugin=plugin_id, hook=hook_name)

    def gather(self, hook_name: str, *, in_branch: int | None = None, **arguments: Any) -> list[tuple[str, Any]]:
        """Ask the plugins active in a branch; answers of ``None`` are left out.

        Errors reach the caller, however often: without its answer nobody knows whether a plugin would have refused.
        """
        answers = []
        for plugin_id, call in self._calls(hook_name, arguments):
            if self.is_active(plugin_id, in_branch):
                answer = self.breaker.run(plugin_id, hook_name, call, opens=False)
                if answer is not None:
                    answers.append((plugin_id, answer))
        return answers

    def calls(self, hook_name: str, **arguments: Any) -> list[tuple[str, Callable[[], Any]]]:
        """Return (plugin id, call) of every implementation in dependency order, for callers with their own care.

        Arguments that an implementation does not name are not passed to it.
        """
        return list(self._calls(hook_name, arguments))

    def fail(self, plugin_id: str, phase: str, error: BaseException) -> None:
        """Withdraw a plugin and everything that requires it.

        Raises:
            PluginError: The core itself failed, without which nothing runs.
        """
        problem = error if isinstance(error, PluginError) else _explain(plugin_id, phase, error)
        if plugin_id == CORE:
            raise problem from error
        trace = "".join(traceback.format_exception(error))
        logger(__name__).error("plugin_failed", plugin=plugin_id, phase=phase, problem=str(problem))
        self._withdraw(plugin_id, "failed", problem, trace)

    def _withdraw(self, plugin_id: str, status: Status, problem: PluginError, trace: str) -> None:
        from core.plugin.resolver import blocked, waiting

        state = self.states[plugin_id]
        state.status, state.error, state.trace = status, problem, trace
        if self._pluggy.has_plugin(plugin_id):
            self._pluggy.unregister(name=plugin_id)
        self._declared.clear()
        for other in list(self.states.values()):
            if other.status != "ready" or other.manifest is None:
                continue
            if plugin_id in other.manifest.requires:
                self._withdraw(other.id, "blocked", blocked(other.id, [plugin_id]), "")
            elif plugin_id in other.manifest.when_active:
                self._withdraw(other.id, "waiting", waiting(other.id, [plugin_id]), "")

    def _ask(self, hook_name: str, arguments: dict[str, Any]) -> list[tuple[str, Any]]:
        answers: list[tuple[str, Any]] = []
        for plugin_id, call in list(self._calls(hook_name, arguments)):
            try:
                found = list(_flat(call()))
                _check_kinds(plugin_id, hook_name, found)
            except Exception as error:
                self.fail(plugin_id, "hooks", error)
            else:
                answers.extend((plugin_id, contribution) for contribution in found)
        return [answer for answer in answers if self.is_ready(answer[0])]

    def _calls(self, hook_name: str, arguments: dict[str, Any]) -> Iterator[tuple[str, Callable[[], Any]]]:
        caller = getattr(self._pluggy.hook, hook_name)
        for found in sorted(caller.get_hookimpls(), key=lambda each: self._order[each.plugin_name]):
            chosen = {name: arguments[name] for name in found.argnames if name in arguments}
            yield found.plugin_name.partition(":")[0], _bound(found.function, chosen)


def _bound(function: Callable[..., Any], arguments: dict[str, Any]) -> Callable[[], Any]:
    return lambda: function(**arguments)


def _with_savepoint(session: Any, call: Callable[[], Any]) -> None:
    if session is None:
        call()
        return
    with session.begin_nested():
        call()


def _flat(answer: Any) -> Iterable[Any]:
    if answer is None:
        return ()
    return answer if isinstance(answer, Sequence) and not isinstance(answer, str) else (answer,)


def _check_kinds(plugin_id: str, hook_name: str, found: list[Any]) -> None:
    expected = DECLARED.get(hook_name)
    for contribution in found:
        if expected is not None and not isinstance(contribution, expected):
            raise PluginError(
                plugin_id,
                "hooks",
                "{hook} of {plugin} returned {found}, not {expected}.",
                "Return what the hook's documentation states.",
                hook=hook_name,
                found=repr(contribution)[:80],
                expected=expected.__name__,
            )


def _explain(plugin_id: str, phase: str, error: BaseException) -> PluginError:
    return PluginError(
        plugin_id,
        phase,
        "{plugin} failed while loading ({phase}): {problem}.",
        "`banyan plugin show {plugin}` shows the traceback.",
        problem=f"{type(error).__name__}: {error}".rstrip("."),
    )
