"""All plugins side by side: found, installed, loaded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from core.errors import NotFoundError
from core.i18n import localised, terminal_locale
from core.lifecycle.registry import rows
from core.plugin.discovery import discover
from core.plugin.models import AWAY, PluginStep
from core.security.actors import system_actor

if TYPE_CHECKING:
    from core.app import Suite
    from core.plugin.manager import PluginState
    from core.plugin.manifest import Manifest
    from core.plugin.models import InstalledPlugin

ACTOR = system_actor("overview of plugins")


@dataclass(frozen=True)
class PluginRow:
    """One plugin.

    Args:
        id: Its id.
        version: Of its code; ``None`` when that is gone or unreadable.
        installed_version: As installed, empty when it is not.
        title: Name by language.
        state: As the registry has it, or ``available``.
        status: As this process has it: ready, failed, blocked, missing, excluded; empty when it is not to be loaded.
        phase: When it failed.
        problem: What is wrong and the cure; empty when nothing is.
        trace: Traceback of the failure.
        requires: Other plugins it needs, with ranges of versions.
        revision: Revision of its tables.
        since: Moment of the last change of the state, ISO.
        by: Who made it.
        archive: Name of the archive file with its data.
    """

    id: str
    version: str | None
    installed_version: str
    title: dict[str, str] | None
    state: str
    status: str
    phase: str
    problem: str
    trace: str
    requires: dict[str, str]
    revision: str = ""
    since: str = ""
    by: str = ""
    archive: str = ""


def overview(suite: Suite, locale: str = "") -> list[PluginRow]:
    """Return every plugin that is found, installed or asked for, by id."""
    installed = rows(suite) if _has_registry(suite) else {}
    manifests = discover(suite.settings.plugins.paths).manifests
    names = sorted({*installed, *manifests, *suite.plugins.states})
    return [_row(suite, name, installed.get(name), manifests.get(name), locale or terminal_locale()) for name in names]


def one(suite: Suite, plugin_id: str, locale: str = "") -> PluginRow:
    """Return one plugin.

    Raises:
        NotFoundError: There is none of that id.
    """
    for row in overview(suite, locale):
        if row.id == plugin_id:
            return row
    raise NotFoundError("unknown_plugin", "There is no plugin {plugin}.", plugin=plugin_id)


def journal_of(suite: Suite, plugin_id: str) -> Sequence[PluginStep]:
    """Return the journal of a plugin, oldest first."""
    with suite.database.read(ACTOR) as session:
        return session.scalars(select(PluginStep).where(PluginStep.plugin == plugin_id).order_by(PluginStep.id)).all()


def _row(suite: Suite, name: str, row: InstalledPlugin | None, found: Manifest | None, locale: str) -> PluginRow:
    state = suite.plugins.states.get(name)
    # New code lies there before a running process takes it: the page must offer the upgrade.
    manifest = found or (state.manifest if state else None)
    away = row is not None and row.state in AWAY
    return PluginRow(
        id=name,
        version=str(manifest.version) if manifest else None,
        installed_version=row.version if row and not away else "",
        title={"en": manifest.title.en, "zh": manifest.title.zh} if manifest else None,
        state=row.state if row else ("enabled" if state else "available"),
        status=state.status if state else "",
        phase=state.phase if state else "",
        problem=_problem(row, state, locale),
        trace=(state.trace if state else "") or (row.trace if row else ""),
        requires={key: str(versions) for key, versions in manifest.requires.items()} if manifest else {},
        revision=row.revision if row else "",
        since=row.since.isoformat(timespec="seconds") if row else "",
        by=row.by if row else "",
        archive=row.archive if row else "",
    )


def _problem(row: InstalledPlugin | None, state: PluginState | None, locale: str) -> str:
    if state is not None and state.error is not None:
        return " ".join(filter(None, localised(state.error, locale)))
    return row.problem if row else ""


def _has_registry(suite: Suite) -> bool:
    from core.plugin.installed import read_installed

    return bool(read_installed(suite.database).plugins)
