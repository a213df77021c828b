"""What of a plugin a person of a branch reaches: asked of the very functions that screens, jobs and imports ask.

Every contribution of every plugin is one surface; a new kind of contribution needs a probe in `PROBES`, or a reason in
`OF_THE_INSTALLATION` why no branch decides on it (`tests/core/web/test_activation_audit.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette

from core.bulk.running import actions_of
from core.errors import BanyanError
from core.imports.library import GENERIC, ImportLibrary
from core.jobs.runner import can_run
from core.plugin.activation import ADMINISTER
from core.plugin.manager import CORE
from core.registry.definitions import definition_of, views_of
from core.security.actors import Actor
from core.security.permissions import all_permissions
from core.web.actions import shown_actions
from core.web.parts import is_offered
from core.web.routing import Endpoint

if TYPE_CHECKING:
    from core.app import Suite
    from core.registry.query import ListDefinition
    from core.web.templating import Templates

OF_THE_INSTALLATION = {
    "core_permissions": "a right shows nothing by itself",
    "core_roles": "a role shows nothing by itself",
    "core_slots": "a place for panels of others, on pages that are probed",
    "core_after_import": "runs within an import, whose profile is probed",
    "core_audit_actions": "names of entries that were written before",
    "core_settings": "config.toml holds for the installation",
    "core_health_checks": "`banyan doctor` looks at the installation",
}
"""Hooks whose contributions no branch decides on, and why."""
Probe = Callable[["Reach", str, Any, Actor], bool]


@dataclass(frozen=True)
class Surface:
    """One thing that a plugin shows or offers.

    Args:
        plugin: Whose.
        kind: The hook that declares it, or ``api``.
        name: For people.
        probe: Whether an actor reaches it now.
    """

    plugin: str
    kind: str
    name: str
    probe: Callable[[Actor], bool]


class Reach:
    """Knows every surface of every plugin.

    Args:
        application: The web application, whose own routes, menu and panels are asked.
    """

    def __init__(self, application: Starlette) -> None:
        self.application = application
        self.suite: Suite = application.state.suite
        self.library = ImportLibrary(self.suite)

    def surfaces(self) -> Iterator[Surface]:
        """Yield the surfaces of all loaded plugins, the core's left out."""
        for hook, (name, probe) in PROBES.items():
            for plugin, each in self._declared(hook):
                if plugin != CORE:
                    yield Surface(plugin, hook, name(each), partial(probe, self, plugin, each))

    def _declared(self, hook: str) -> Iterator[tuple[str, Any]]:
        if hook in DERIVED:
            yield from DERIVED[hook](self)
        else:
            yield from self.suite.plugins.collect(hook)


def staff_of(suite: Suite, branch_id: int) -> Actor:
    """Return somebody of a branch who holds every right but that of managing plugins, which also opens previews."""
    rights = frozenset(each.name for each in all_permissions(suite)) - {ADMINISTER}
    return Actor(None, "activation audit", rights, frozenset({branch_id}), home_branch_id=branch_id)


def _routes(reach: Reach) -> Iterator[tuple[str, Endpoint]]:
    """Yield the endpoints of declared and generated pages, as they are mounted."""
    for route in reach.application.router.routes:
        endpoint = getattr(route, "endpoint", None)
        if isinstance(endpoint, Endpoint):
            yield endpoint.plugin_id, endpoint


def _models(reach: Reach) -> Iterator[tuple[str, Any]]:
    return ((model.owner, model) for model in reach.suite.registry)


def _importable(reach: Reach) -> Iterator[tuple[str, Any]]:
    return ((owner, model) for owner, model in _models(reach) if model.id in reach.library.catalogue)


def _profiles(reach: Reach) -> Iterator[tuple[str, str]]:
    """Yield each shipped profile for every plugin that it writes to."""
    for name, (profile, _) in reach.library.profiles.items():
        for owner in dict.fromkeys(record.model.id.partition(".")[0] for record in profile.records):
            yield owner, name


def _route(_reach: Reach, _plugin: str, endpoint: Endpoint, actor: Actor) -> bool:
    return _passes(lambda: endpoint.admit(actor, writes="GET" not in endpoint.route.methods))


def _menu(reach: Reach, _plugin: str, item: Any, actor: Actor) -> bool:
    templates: Templates = reach.application.state.templates
    return item in templates.navigation.entries(actor)


def _panel(reach: Reach, _plugin: str, panel: Any, actor: Actor) -> bool:
    templates: Templates = reach.application.state.templates
    return panel in [each for _, each in templates.shown_panels(panel.slot, actor)]


def _action(reach: Reach, _plugin: str, action: Any, actor: Actor) -> bool:
    return action in shown_actions(reach.suite, action.model, actor)


def _column(reach: Reach, _plugin: str, column: Any, actor: Actor) -> bool:
    lists = _lists(reach, column.model, actor)
    return any(each.contributed is column for definition in lists for each in definition.columns.values())


def _filter(reach: Reach, _plugin: str, given: Any, actor: Actor) -> bool:
    lists = _lists(reach, given.model, actor)
    return any(term.filter is given for definition in lists for term in definition.filters.terms.values())


def _lists(reach: Reach, model_id: str, actor: Actor) -> Iterator[ListDefinition]:
    """Yield the list as an actor has it, and without the rights of single fields, for which other columns stand in."""
    model = reach.suite.registry.get(model_id)
    yield definition_of(reach.suite, model, actor)
    rights = {field.permission for field in model.fields.values()}
    yield definition_of(reach.suite, model, replace(actor, permissions=actor.permissions - rights))


def _view(reach: Reach, _plugin: str, view: Any, actor: Actor) -> bool:
    definition = definition_of(reach.suite, reach.suite.registry.get(view.model), actor)
    return view in views_of(reach.suite, definition, actor)


def _bulk(reach: Reach, _plugin: str, action: Any, actor: Actor) -> bool:
    models = [model for model in reach.suite.registry if (action.model or model.id) == model.id]
    return any(action in actions_of(reach.suite, model, actor) for model in models)


def _contributed(reach: Reach, plugin: str, each: Any, actor: Actor) -> bool:
    """Cards and search sources: both pages ask this function."""
    return is_offered(reach.suite, plugin, each, actor)


def _job(reach: Reach, plugin: str, job: Any, actor: Actor) -> bool:
    return can_run(reach.suite, job.name, plugin, actor.home_branch_id)


def _schedule(reach: Reach, plugin: str, schedule: Any, actor: Actor) -> bool:
    return can_run(reach.suite, schedule.job, plugin, actor.home_branch_id)


def _target(reach: Reach, _plugin: str, model: Any, actor: Actor) -> bool:
    def ask() -> None:
        profile, _ = reach.library.find(f"{GENERIC}{model.id}")
        reach.library.require_active(profile, actor.home_branch_id)

    return _passes(ask)


def _profile(reach: Reach, _plugin: str, name: str, actor: Actor) -> bool:
    return name in reach.library.offered(actor.home_branch_id)


def _api(reach: Reach, _plugin: str, model: Any, actor: Actor) -> bool:
    from core.web.api import admit

    return _passes(lambda: admit(reach.suite, model, "view", actor, writes=False))


def _passes(ask: Callable[[], object]) -> bool:
    try:
        ask()
    except BanyanError:
        return False
    return True


PROBES: Mapping[str, tuple[Callable[[Any], str], Probe]] = {
    "core_routes": (lambda each: f"{'/'.join(each.route.methods)} /{each.plugin_id}{each.route.path}", _route),
    "core_menu_items": (lambda each: f"{each.id} ({each.url})", _menu),
    "core_panels": (lambda each: f"{each.id} in {each.slot}", _panel),
    "core_actions": (lambda each: each.id, _action),
    "core_columns": (lambda each: f"{each.model}: {each.id}", _column),
    "core_filters": (lambda each: f"{each.model}: {each.id}", _filter),
    "core_list_views": (lambda each: f"{each.model}: {each.id}", _view),
    "core_bulk_actions": (lambda each: each.id, _bulk),
    "core_home_cards": (lambda each: each.id, _contributed),
    "core_search_sources": (lambda each: each.id, _contributed),
    "core_jobs": (lambda each: each.name, _job),
    "core_schedules": (lambda each: f"{each.job} at {each.cron}", _schedule),
    "core_import_targets": (lambda each: each.id, _target),
    "core_import_profiles": (str, _profile),
    "api": (lambda each: f"/api/v1{each.url}", _api),
}
"""Hook -> how a contribution is named, and whether an actor reaches it."""
DERIVED: Mapping[str, Callable[[Reach], Iterable[tuple[str, Any]]]] = {
    "core_menu_items": lambda reach: reach.application.state.templates.navigation.items,
    "core_routes": _routes,
    "core_import_targets": _importable,
    "core_import_profiles": _profiles,
    "api": _models,
}
"""Where what is served is more than, or something else than, what is declared."""
