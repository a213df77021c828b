"""Looking at the registry of installed plugins: rows, dependents, adoption of an installation that has none yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from core.db.migrate import current, sources
from core.plugin.models import INSTALLED, InstalledPlugin
from core.security.actors import system_actor

if TYPE_CHECKING:
    from core.app import Suite

ACTOR = system_actor("registry of plugins")


def row_of(suite: Suite, plugin_id: str) -> InstalledPlugin | None:
    """Return the registry's row of a plugin."""
    return rows(suite).get(plugin_id)


def rows(suite: Suite) -> dict[str, InstalledPlugin]:
    """Return all rows of the registry by plugin."""
    with suite.database.read(ACTOR) as session:
        found = session.scalars(select(InstalledPlugin).order_by(InstalledPlugin.plugin)).all()
        return {row.plugin: row for row in found}


def dependents(suite: Suite, plugin_id: str) -> list[str]:
    """Return the loaded plugins that require a plugin, directly or through others, in dependency order."""
    found: list[str] = []
    for state in suite.plugins.states.values():
        requires = set(state.manifest.requires) if state.manifest else set()
        if requires & {plugin_id, *found} and state.status != "excluded":
            found.append(state.id)
    return found


def adopt(suite: Suite) -> list[str]:
    """Write loaded plugins into the registry that it does not know, of an installation that had none.

    Only those whose tables are those of their code; others are to be installed first.

    Returns:
        Ids of the plugins adopted.
    """
    from core.lifecycle.surfaces import surfaces_of

    known, versions = rows(suite), current(suite.database)
    newest = {source.owner: source.revisions[-1] for source in sources(suite.plugins)}
    adopted = []
    for manifest in suite.plugins.ready():
        if manifest.id in known or versions.get(manifest.id) != newest.get(manifest.id):
            continue
        row = InstalledPlugin(plugin=manifest.id, state=INSTALLED, version=str(manifest.version), by=ACTOR.name)
        row.revision, row.surfaces = newest.get(manifest.id, ""), surfaces_of(suite, manifest.id)
        with suite.database.write(ACTOR) as session:
            session.add(row)
        adopted.append(manifest.id)
    return adopted
