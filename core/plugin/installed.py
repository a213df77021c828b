"""What is installed, as the database has it: read at each start before any plugin is loaded."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import make_url, select
from sqlalchemy.exc import DatabaseError

from core.db.session import Database
from core.plugin.models import AWAY, RESTART, Epoch, InstalledPlugin


@dataclass(frozen=True)
class Installation:
    """One plugin's row in the registry of installed plugins."""

    plugin: str
    version: str
    revision: str
    state: str
    problem: str = ""
    trace: str = ""


@dataclass(frozen=True)
class InstalledSet:
    """The registry of installed plugins at one moment.

    Args:
        plugins: Rows by plugin id.
        epoch: Grows with each change for which processes must start anew.
    """

    plugins: dict[str, Installation] = field(default_factory=dict)
    epoch: int = 0

    def wanted(self, enabled: tuple[str, ...]) -> list[str]:
        """Return the plugins to load: enabled by the configuration or installed, less those uninstalled."""
        known = [name for name, row in self.plugins.items() if row.state not in AWAY]
        gone = {name for name, row in self.plugins.items() if row.state in AWAY}
        return [name for name in dict.fromkeys([*enabled, *known]) if name not in gone]


def read_installed(database: Database) -> InstalledSet:
    """Read the registry; empty where the database is not there, not reachable or has no tables yet."""
    if database.is_sqlite and not Path(make_url(database.url).database or "").exists():
        return InstalledSet()
    row = InstalledPlugin
    query = select(row.plugin, row.version, row.revision, row.state, row.problem, row.trace).order_by(row.id)
    try:
        with database.reader.connect() as connection:
            found = {each.plugin: Installation(*each) for each in connection.execute(query)}
            epoch = connection.scalar(select(Epoch.value).where(Epoch.name == RESTART))
    except DatabaseError:  # `banyan doctor` and the start itself say what is wrong with the database
        return InstalledSet()
    return InstalledSet(found, epoch or 0)
