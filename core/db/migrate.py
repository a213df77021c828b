"""Upgrading the database: one version table per owner, run in dependency order under a lock."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine, NullPool, create_engine, event, inspect

from core.db.base import Base, owner_of
from core.db.migration_lock import upgrade_lock
from core.db.row_security import protect
from core.db.session import Database
from core.errors import DatabaseStateError

if TYPE_CHECKING:
    from core.plugin.manager import PluginManager

CORE_FOLDER = Path(__file__).parents[2] / "migrations" / "versions"
REVISION = re.compile(r"\d{4}_[a-z0-9_]{1,27}")
"""Name of a revision and of its file: at most 32 characters, since Alembic's column is no longer."""
PREFIX = "alembic_version_"
ATTRIBUTE = r'^{name} = "([a-z0-9_.]+)"'
"""How a revision says something of itself; read from its text, since importing it would load Alembic."""
CONTRACT = "contract"
"""Phase of a revision that takes away what older code still needs."""


@dataclass(frozen=True)
class Source:
    """An owner of tables and the folder of its revisions."""

    owner: str
    folder: Path

    @property
    def revisions(self) -> list[str]:
        """Names of the revisions in order; read from the file names alone."""
        return sorted(file.stem for file in self.folder.glob("*.py") if REVISION.fullmatch(file.stem))

    def phase(self, revision: str) -> str:
        """Return ``expand``, unless the revision says ``phase = "contract"``: old code cannot run after it."""
        return self._said(revision, "phase") or "expand"

    def backfill(self, revision: str) -> str:
        """Return the job that fills what a revision added (``backfill = "plugin.job"``), empty for none."""
        return self._said(revision, "backfill")

    def remaining(self, version: str) -> list[str]:
        """Return the revisions after one, all of them for an empty database."""
        known = self.revisions
        return known[known.index(version) + 1 :] if version in known else known

    def serves(self, version: str) -> bool:
        """Whether this code can run on tables of a version: only contracting revisions are still to do."""
        return version in self.revisions and all(self.phase(each) == CONTRACT for each in self.remaining(version))

    def _said(self, revision: str, name: str) -> str:
        text = (self.folder / f"{revision}.py").read_text(encoding="utf-8")
        found = re.search(ATTRIBUTE.format(name=name), text, flags=re.MULTILINE)
        return found[1] if found else ""

    @property
    def version_table(self) -> str:
        """Name of the owner's version table."""
        return PREFIX + self.owner


@dataclass(frozen=True)
class Applied:
    """What an upgrade did for one owner; ``before`` is empty for a first installation."""

    owner: str
    before: str
    after: str


def sources(plugins: PluginManager) -> list[Source]:
    """Return the owners that have revisions, the core first, then plugins in dependency order."""
    return [source for source in owners(plugins) if source.revisions]


def owners(plugins: PluginManager) -> list[Source]:
    """Return all possible owners of tables in dependency order, whether or not they have revisions."""
    found = [Source(manifest.id, manifest.folder / "migrations") for manifest in plugins.ready()]
    return [Source("core", CORE_FOLDER), *found]


def current(database: Database) -> dict[str, str]:
    """Return the revision of every owner that the database knows, also of plugins that are gone."""
    with database.reader.connect() as connection:
        return _versions(connection)


def pending(database: Database, plugins: PluginManager) -> list[Source]:
    """Return the owners whose tables are behind the code; looks at file names and version tables only.

    Raises:
        DatabaseStateError: The database is newer than the code, or has tables without a version.
    """
    with database.reader.connect() as connection:
        versions = _versions(connection)
        behind = [source for source in sources(plugins) if versions.get(source.owner) != source.revisions[-1]]
        for source in behind:
            _check(connection, source, versions.get(source.owner, ""))
    return behind


def unserved(database: Database, plugins: PluginManager) -> list[Source]:
    """Return the owners whose code cannot run on their tables: behind by more than contracting revisions.

    Raises:
        DatabaseStateError: As for `pending`.
    """
    versions = current(database)
    return [each for each in pending(database, plugins) if not each.serves(versions.get(each.owner, ""))]


def upgrade(database: Database, plugins: PluginManager) -> list[Applied]:
    """Bring all tables up to the code, owner by owner, each revision in one transaction.

    A revision that fails leaves nothing behind; owners upgraded before it stay upgraded, and the next run goes on.

    Returns:
        What was done; empty when nothing was to do (a few milliseconds, Alembic is not loaded).

    Raises:
        DatabaseStateError: The database is newer than the code, has tables without a version, breaks references, or
            another upgrade runs.
    """
    if not pending(database, plugins):
        return []
    with upgrade_lock(database):
        # Before, so that the application's role may read what the owner's is about to make.
        renew_policies(database)
        return [upgrade_to(database, source) for source in pending(database, plugins)]


def renew_policies(database: Database) -> None:
    """Give every table with a branch its policy, those of plugins that came later too; nothing to do on SQLite."""
    if not database.is_sqlite:
        with migration_connection(database.owner_url) as connection, connection.begin():
            protect(connection, database.shared_tables, database.url)


def _versions(connection: Connection) -> dict[str, str]:
    tables = [name for name in inspect(connection).get_table_names() if name.startswith(PREFIX)]
    found = {}
    for table in tables:
        quoted = connection.dialect.identifier_preparer.quote(table)
        version = connection.exec_driver_sql(f"SELECT version_num FROM {quoted}").scalar()  # noqa: S608 -- the name comes from the catalogue
        if version:
            found[table.removeprefix(PREFIX)] = str(version)
    return found


def _check(connection: Connection, source: Source, version: str) -> None:
    if version and version not in source.revisions:
        raise DatabaseStateError(
            "database_too_new",
            "The tables of {owner} are at {version}, which this code does not know (its newest is {newest}).",
            "Start the newer code again, or restore the backup made before the upgrade.",
            owner=source.owner,
            version=version,
            newest=source.revisions[-1],
        )
    if version:
        return
    own = {table.name for table in Base.metadata.tables.values() if owner_of(table) == source.owner}
    found = sorted(own.intersection(inspect(connection).get_table_names()))
    if found:
        raise DatabaseStateError(
            "tables_without_version",
            "The database has tables of {owner} ({tables}) but no record of their version.",
            "Restore a complete backup, or empty the database and start anew.",
            owner=source.owner,
            tables=", ".join(found[:3]),
        )


def upgrade_to(database: Database, source: Source, revision: str = "head") -> Applied:
    """Bring the tables of one owner to a revision, each step in one transaction; the caller holds the lock.

    Args:
        database: The database.
        source: The owner.
        revision: Name of the revision; one that was reached before changes nothing.

    Raises:
        DatabaseStateError: A step failed; nothing of it was kept.
    """
    from alembic import command

    from core.db.revisions import alembic_config

    before = current(database).get(source.owner, "")
    with migration_connection(database.owner_url) as connection:
        try:
            command.upgrade(alembic_config(source, connection), revision)
        except Exception as error:
            after = current(database).get(source.owner, "")
            raise DatabaseStateError(
                "upgrade_failed",
                "Upgrading the tables of {owner} failed after {after}: {problem}.",
                "Nothing of the failed step was kept. Correct the cause and upgrade again.",
                owner=source.owner,
                after=after or "the start",
                problem=(str(error).splitlines() or [type(error).__name__])[0].rstrip("."),
            ) from error
    renew_policies(database)
    return Applied(source.owner, before, source.revisions[-1] if revision == "head" else revision)


@contextmanager
def migration_connection(url: str) -> Iterator[Connection]:
    """Give a connection on which a revision is one transaction, also on SQLite.

    SQLite: references are not enforced while tables are rebuilt (a rebuild would delete the children), the
    transaction starts as a writer, and references are checked before each commit (by `core.db.revisions`).
    """
    engine = _migration_engine(url)
    try:
        with engine.connect() as connection:
            if connection.dialect.name == "postgresql":
                connection.exec_driver_sql("SET lock_timeout = '5s'")
                connection.commit()
            yield connection
    finally:
        engine.dispose()


def _migration_engine(url: str) -> Engine:
    if not url.startswith("sqlite"):
        return create_engine(url, poolclass=NullPool)
    from core.db.sqlite import dbapi2

    engine = create_engine(url, module=dbapi2, poolclass=NullPool)

    @event.listens_for(engine, "connect")
    def _configure(connection: object, _record: object) -> None:
        connection.isolation_level = None  # type: ignore[attr-defined]  # the driver's connection
        for pragma in ("busy_timeout=15000", "journal_mode=WAL", "synchronous=FULL", "foreign_keys=OFF"):
            connection.execute(f"PRAGMA {pragma}")  # type: ignore[attr-defined]  # the driver's connection

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine
