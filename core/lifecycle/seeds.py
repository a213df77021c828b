"""What an installation starts with: suggested roles, seeded rows, shipped schedules; those that are there stay."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.jobs.schedules import sync_schedules
from core.plugin.manager import CORE
from core.security.actors import system_actor
from core.security.permissions import CORE_ROLES, sync_roles

if TYPE_CHECKING:
    from core.app import Suite


def seed_core(suite: Suite) -> None:
    """Store what the core itself ships."""
    declared = [role for owner, role in suite.plugins.collect("core_roles") if owner == CORE]
    known = {role.id for role in declared}
    with suite.database.write(system_actor("seed")) as session:
        sync_roles(session, [*(role for role in CORE_ROLES if role.id not in known), *declared])
        _seed(suite, session, CORE)


def seed_plugin(suite: Suite, plugin_id: str) -> None:
    """Store what one plugin ships."""
    with suite.database.write(system_actor(f"seed {plugin_id}")) as session:
        sync_roles(session, [role for owner, role in suite.plugins.collect("core_roles") if owner == plugin_id])
        _seed(suite, session, plugin_id)
    sync_schedules(suite)


def _seed(suite: Suite, session: object, owner: str) -> None:
    for plugin_id, call in suite.plugins.calls("core_seed", session=session):
        if plugin_id == owner:
            call()
