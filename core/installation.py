"""Setting an installation up: folders, keys, tables, roles; each step only if it is still to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.app import Suite, build_suite
from core.config import Settings
from core.crypto import create_keys
from core.db.migrate import current, upgrade
from core.errors import ConfigError
from core.security.actors import system_actor

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
    done = _make_folders(settings.data.folder)
    suite = build_suite(settings)
    done += _make_keys(suite)
    for applied in upgrade(suite.database, suite.plugins):
        before = f"from {applied.before} " if applied.before else ""
        done.append(f"tables of {applied.owner}: {before}to {applied.after}")
    seed(suite)
    return suite, done


def _make_folders(folder: Path) -> list[str]:
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


def seed(suite: Suite) -> None:
    """Store what every installation starts with: suggested roles and seeded rows; those that are there stay."""
    from core.security.permissions import CORE_ROLES, sync_roles

    suggested = [role for _, role in suite.plugins.collect("core_roles")]
    known = {role.id for role in suggested}
    with suite.database.write(system_actor("seed")) as session:
        sync_roles(session, [*(role for role in CORE_ROLES if role.id not in known), *suggested])
        suite.plugins.gather("core_seed", session=session)
