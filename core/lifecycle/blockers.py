"""What stands against an action: found before anything is changed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from core.db.migrate import current
from core.errors import BanyanError, ConflictError, NotFoundError, PluginError
from core.lifecycle.footprint import branches_below, foreign_references, table_names
from core.lifecycle.registry import dependents, row_of
from core.lifecycle.requests import Request
from core.lifecycle.sequence import archive_to_restore
from core.lifecycle.switching import open_work
from core.lifecycle.work import source_of
from core.plugin.loader import missing
from core.plugin.models import AWAY, INSTALLED, InstalledPlugin

if TYPE_CHECKING:
    from core.app import Suite


def blockers(suite: Suite, request: Request) -> list[BanyanError]:
    """Return everything that stands against an action; an empty list means that it can begin."""
    row = row_of(suite, request.plugin)
    return [*_of_branch(suite, request), *CHECKS[request.action](suite, request, row)]


def _of_branch(suite: Suite, request: Request) -> Iterator[BanyanError]:
    if request.branch:
        with suite.database.reader.connect() as connection:
            if not branches_below(connection, request.branch):
                yield NotFoundError("unknown_branch", "There is no branch {branch}.", branch=request.branch, near="")


def _switch(suite: Suite, request: Request, row: InstalledPlugin | None) -> Iterator[BanyanError]:
    state = suite.plugins.states.get(request.plugin)
    if state is None:
        yield _unknown(request)
    elif state.manifest is not None and state.manifest.scope == "system":
        yield ConflictError(
            "plugin_of_system", "{plugin} serves the whole installation and is not switched by branch.",
            "Uninstall it, which keeps its data if you wish.", plugin=request.plugin,
        )  # fmt: skip
    elif request.action != "enable":
        yield from open_work(suite, request)


def _install(suite: Suite, request: Request, row: InstalledPlugin | None) -> Iterator[BanyanError]:
    if row is not None and row.state in AWAY - {"dropped"}:
        yield ConflictError(
            "plugin_away", "{plugin} was uninstalled and its data are kept ({state}).",
            "`banyan plugin restore {plugin}` brings it back with them.", plugin=request.plugin, state=row.state,
        )  # fmt: skip
    elif row is not None and row.state == INSTALLED:
        yield ConflictError("plugin_installed", "{plugin} is installed already.", plugin=request.plugin)
    yield from _sound_code(suite, request)


def _upgrade(suite: Suite, request: Request, row: InstalledPlugin | None) -> Iterator[BanyanError]:
    if row is None or row.state in AWAY:
        yield ConflictError("plugin_not_installed", "{plugin} is not installed.", plugin=request.plugin)
    yield from _sound_code(suite, request)
    source = source_of(suite, request.plugin)
    version = current(suite.database).get(request.plugin, "")
    if source and version and version not in source.revisions:
        yield ConflictError(
            "plugin_too_old", "The tables of {plugin} are at {version}, which this code does not know.",
            "Put the newer code back, or restore the copy made before the upgrade.", plugin=request.plugin,
            version=version,
        )  # fmt: skip
    elif row and source and row.state == INSTALLED and not source.remaining(version) and _same_version(suite, row):
        yield ConflictError("nothing_to_upgrade", "{plugin} is up to date.", plugin=request.plugin)


def _uninstall(suite: Suite, request: Request, row: InstalledPlugin | None) -> Iterator[BanyanError]:
    if row is None or (row.state in AWAY and not (row.state in {"dormant", "archived"} and request.mode != "keep")):
        yield ConflictError("plugin_not_installed", "{plugin} is not installed.", plugin=request.plugin)
        return
    yield from open_work(suite, request)
    needing = dependents(suite, request.plugin)
    if needing and not request.branch:
        yield ConflictError(
            "plugin_needed", "{plugin} is required by {others}.", "Uninstall these first.", plugin=request.plugin,
            others=", ".join(needing),
        )  # fmt: skip
    if request.mode != "keep" and not request.branch:
        with suite.database.reader.connect() as connection:
            found = foreign_references(connection, table_names(suite, request.plugin))
        for table, own in found.items():
            yield ConflictError(
                "table_needed", "Rows of {table}, a table of another plugin, point into {own}.",
                "Uninstall that plugin with its data first.", table=table, own=own,
            )  # fmt: skip


def _restore(suite: Suite, request: Request, row: InstalledPlugin | None) -> Iterator[BanyanError]:
    if row is None or (row.state not in {"dormant", "archived", "dropped"} and not request.branch):
        yield ConflictError("nothing_to_restore", "{plugin} was not uninstalled.", plugin=request.plugin)
        return
    yield from _sound_code(suite, request)
    if row.state == "dormant" and not request.branch:
        return
    from core.lifecycle.archive import read_head

    try:
        head = read_head(archive_to_restore(suite, request))
    except NotFoundError as error:
        yield error
        return
    source, kind = source_of(suite, request.plugin), suite.database.writer.dialect.name
    if head.database != kind:
        yield ConflictError("archive_of_other", "The archive is of {other}, this database is {kind}.", kind=kind,
                            other=head.database)  # fmt: skip
    if source and head.revision and head.revision not in source.revisions:
        yield ConflictError(
            "archive_too_new", "The archive is of revision {revision}, which this code does not know.",
            "Put code of version {version} or later back.", revision=head.revision, version=head.version,
        )  # fmt: skip
    if request.branch and current(suite.database).get(request.plugin, "") != head.revision:
        yield ConflictError("archive_of_revision", "The archive is of revision {revision}, the tables are not.",
                            "Restore it where the plugin has that revision.", revision=head.revision)  # fmt: skip


def _sound_code(suite: Suite, request: Request) -> Iterator[BanyanError]:
    """Refuse code that is not there or does not load: it was loaded for this action, in this process."""
    state = suite.plugins.states.get(request.plugin)
    if state is None:
        yield missing(request.plugin)
    elif state.status != "ready":
        yield state.error or PluginError(
            request.plugin, "manifest", "{plugin} is left out by safe mode or by the configuration.",
            "Start without safe mode, and remove it from [plugins] exclude.",
        )  # fmt: skip


def _same_version(suite: Suite, row: InstalledPlugin) -> bool:
    state = suite.plugins.states.get(row.plugin)
    return state is not None and state.manifest is not None and str(state.manifest.version) == row.version


def _unknown(request: Request) -> NotFoundError:
    return NotFoundError("unknown_plugin", "There is no plugin {plugin}.", plugin=request.plugin)


CHECKS = {
    "install": _install,
    "upgrade": _upgrade,
    "enable": _switch,
    "preview": _switch,
    "disable": _switch,
    "uninstall": _uninstall,
    "restore": _restore,
}
