"""What a plugin shows and offers, as names: kept with the installed version, so that a plan can tell what changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from core.db.base import Base, owner_of
from core.security.permissions import CORE_ROLES, model_permissions

if TYPE_CHECKING:
    from core.app import Suite

NAMED: dict[str, tuple[str, Callable[[Any], str]]] = {
    "menu": ("core_menu_items", lambda each: f"{each.id} ({each.url})"),
    "routes": ("core_routes", lambda each: f"{'/'.join(each.methods)} {each.path}"),
    "permissions": ("core_permissions", lambda each: each.name),
    "roles": ("core_roles", lambda each: each.id),
    "panels": ("core_panels", lambda each: f"{each.id} in {each.slot}"),
    "columns": ("core_columns", lambda each: f"{each.model}: {each.id}"),
    "filters": ("core_filters", lambda each: f"{each.model}: {each.id}"),
    "jobs": ("core_jobs", lambda each: each.name),
    "schedules": ("core_schedules", lambda each: f"{each.job} at {each.cron}"),
    "search": ("core_search_sources", lambda each: each.id),
}
"""Kind of surface -> the hook that declares it, and how one is named."""


def surfaces_of(suite: Suite, plugin_id: str) -> dict[str, list[Any]]:
    """Return the names of all that a loaded plugin declares, by kind, sorted; and its tables."""
    found: dict[str, list[Any]] = {
        kind: sorted(name(each) for owner, each in suite.plugins.collect(hook) if owner == plugin_id)
        for kind, (hook, name) in NAMED.items()
    }
    own = [model for model in suite.registry if model.owner == plugin_id]
    derived = [each.name for each in model_permissions(suite.registry) if each.name.startswith(f"{plugin_id}.")]
    found["permissions"] = sorted({*found["permissions"], *derived})
    found["menu"] = sorted([*found["menu"], *(f"{each.id} ({each.url})" for each in own if each.declaration.menu)])
    found["roles"] = [name for name in found["roles"] if name not in {role.id for role in CORE_ROLES}]
    found["models"] = sorted(model.id for model in own)
    found["tables"] = sorted(table.name for table in Base.metadata.tables.values() if owner_of(table) == plugin_id)
    sources = [each for owner, each in suite.plugins.collect("core_search_sources") if owner == plugin_id]
    found["search_kinds"] = sorted({kind for source in sources for kind in source.kinds})
    return {kind: names for kind, names in found.items() if names}
