"""Setting an installation up: folders, keys, tables, roles; each step only if it is still to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.app import Suite, build_suite
from core.config import Settings
from core.crypto import create_keys
from core.db.base import utc_now
from core.db.migrate import current, pending, renew_policies, unserved, upgrade_to
from core.db.migration_lock import upgrade_lock
from core.errors import BanyanError, ConfigError, DatabaseStateError, PluginError
from core.lifecycle.actions import perform, resume
from core.lifecycle.registry import adopt, row_of
from core.lifecycle.requests import Request
from core.lifecycle.seeds import seed_core, seed_plugin
from core.plugin.installed import read_installed
from core.plugin.manager import CORE

if TYPE_CHECKING:
    from pathlib import Path

FOLDERS = ("files", "keys", "backups", "logs")


def initialise(settings: Settings) -> tuple[Suite, list[str]]:
    """Make an installation ready to serve; doing it again changes nothing.

    Returns:
        The suite, and what was done, one line each.

    Raises:
        ConfigError: The folder cannot be made, or the database has data but the keys are gone.
        DatabaseStateError: The tables cannot be upgraded.
    """
    done = make_folders(settings.data.folder)
    suite = build_suite(settings, taking=None)
    done += _make_keys(suite)
    done += upgrade_all(suite)
    suite.installed = read_installed(suite.database)
    return suite, done


def upgrade_all(suite: Suite) -> list[str]:
    """Bring the core up to its code, then install and upgrade every plugin; one that fails does not stop the others.

    Args:
        suite: A suite built with ``taking=None``.

    Returns:
        What was done, one line each.

    Raises:
        DatabaseStateError: The core's own tables cannot be upgraded.
    """
    done = []
    with upgrade_lock(suite.database):
        renew_policies(suite.database)
        for source in [each for each in pending(suite.database, suite.plugins) if each.owner == CORE]:
            _back_up(suite)
            applied = upgrade_to(suite.database, source)
            done.append(f"{CORE}: {applied.before or 'new'} -> {applied.after}")
    seed_core(suite)
    resume(suite)
    for manifest in suite.plugins.ready():
        done += _bring_up(suite, manifest.id)
    return done


def _back_up(suite: Suite) -> None:
    """Write a backup of an SQLite database that has data, into ``backups/``."""
    if suite.database.is_sqlite and current(suite.database):
        from core.backup.writing import backup_name, write_backup

        folder = suite.settings.data.folder / "backups"
        write_backup(suite, folder / backup_name(utc_now(), "before-upgrade"), files=False)


def _bring_up(suite: Suite, plugin_id: str) -> list[str]:
    """Install or upgrade one plugin where there is something to do; a failure is logged and shown on its page."""
    row = row_of(suite, plugin_id)
    action = "install" if row is None else "upgrade"
    before = current(suite.database).get(plugin_id, "")
    try:
        perform(suite, Request(action, plugin_id, by="system"))
    except BanyanError as error:
        return [] if error.code in {"nothing_to_upgrade", "action_open"} else [f"{plugin_id}: {error}"]
    after = current(suite.database).get(plugin_id, "")
    return [f"{plugin_id}: {before or 'new'} -> {after or 'installed'}"]


def prepare(suite: Suite) -> None:
    """Make a suite fit to serve: adopt what the registry does not know, withdraw plugins whose tables are behind.

    Raises:
        DatabaseStateError: The core's own tables are not those of its code.
    """
    behind = unserved(suite.database, suite.plugins)
    if any(source.owner == CORE for source in behind):
        raise DatabaseStateError(
            "upgrade_needed",
            "The tables of {owners} are not yet those of this code.",
            "Run `banyan db upgrade`.",
            owners=", ".join(source.owner for source in behind),
        )
    adopt(suite)
    for source in behind:
        suite.plugins.fail(source.owner, "upgrade", tables_behind(source.owner))


def make_folders(folder: Path) -> list[str]:
    """Make the data folder with its folders; returns what was done.

    Raises:
        ConfigError: It cannot be made.
    """
    if all((folder / name).is_dir() for name in FOLDERS):
        return []
    try:
        for name in FOLDERS:
            (folder / name).mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise ConfigError(
            "data_folder_unusable",
            "The data folder {folder} cannot be made: {problem}.",
            "Choose another one by --data or [data] folder.",
            folder=str(folder),
            problem=error.strerror or type(error).__name__,
        ) from error
    return [f"data folder {folder}"]


def _make_keys(suite: Suite) -> list[str]:
    file = suite.vault.file
    if file.exists():
        suite.vault.check()
        return []
    if current(suite.database):
        raise ConfigError(
            "keys_lost",
            "The database has data, but its key file {file} is missing.",
            "Restore the key file from its backup: without it encrypted values cannot be read.",
            file=str(file),
        )
    create_keys(file)
    return [f"keys in {file}: keep a copy apart from the database"]


def tables_behind(plugin_id: str) -> PluginError:
    """Return the error of a plugin whose tables are not those of its code."""
    return PluginError(
        plugin_id,
        "upgrade",
        "The tables of {plugin} are not yet those of its code.",
        "`banyan plugin upgrade {plugin}` brings them up.",
    )


def seed(suite: Suite) -> None:
    """Store what the core and all loaded plugins start with: suggested roles, seeded rows, schedules."""
    seed_core(suite)
    for manifest in suite.plugins.ready():
        seed_plugin(suite, manifest.id)
