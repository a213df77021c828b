"""What revisions would do, found out on an empty scratch database: their statements, locks, tables and columns."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import StringIO
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, event, inspect

from core.db.migrate import Source, migration_connection, sources

if TYPE_CHECKING:
    from core.app import Suite

CHANGES = re.compile(r"\s*(CREATE|ALTER|DROP|INSERT|UPDATE|DELETE|COMMENT)\b", re.IGNORECASE)
ON_TABLE = re.compile(
    r"\s*(ALTER TABLE|DROP TABLE|UPDATE|DELETE FROM|INSERT INTO)\s+(?:ONLY\s+)?\"?(\w+)", re.IGNORECASE
)
ON_INDEX = re.compile(r"^\s*CREATE (?:UNIQUE )?INDEX (CONCURRENTLY )?.*? ON \"?(\w+)", re.IGNORECASE | re.DOTALL)
REFERENCES = re.compile(r"REFERENCES \"?(\w+)", re.IGNORECASE)
LOCKS = {"ALTER TABLE": "ACCESS EXCLUSIVE", "DROP TABLE": "ACCESS EXCLUSIVE"}
"""Locks of PostgreSQL by statement (manual of PostgreSQL, 13.3.1); rows that are written lock ROW EXCLUSIVE."""

Columns = dict[str, dict[str, str]]


@dataclass(frozen=True)
class RevisionPreview:
    """One revision: what it runs, and what it locks while it runs."""

    name: str
    phase: str
    backfill: str
    sql: list[str]
    locks: list[str]


@dataclass(frozen=True)
class TableChange:
    """How a table changes; columns are ``name type``."""

    table: str
    change: str
    rows: int = 0
    columns_added: tuple[str, ...] = ()
    columns_removed: tuple[str, ...] = ()
    columns_changed: tuple[str, ...] = ()


def preview(suite: Suite, source: Source, version: str) -> tuple[list[RevisionPreview], list[TableChange]]:
    """Run the revisions after a version on a scratch database with the tables of all others.

    Args:
        suite: The suite.
        source: The owner.
        version: Where it stands; empty for a first installation.

    Returns:
        Each revision, and how the owner's tables differ afterwards.
    """
    from alembic import command

    from core.db.revisions import alembic_config

    others = [each for each in sources(suite.plugins) if each.owner != source.owner]
    offline = suite.database.writer.dialect.name != "sqlite"
    found = []
    with TemporaryDirectory() as folder, migration_connection(f"sqlite:///{folder}/scratch.db") as connection:
        for each in others:
            command.upgrade(alembic_config(each, connection), "head")
        if version:
            command.upgrade(alembic_config(source, connection), version)
        before = schema_of(connection)
        reached = version
        for name in source.remaining(version):
            with _statements(connection) as run:
                command.upgrade(alembic_config(source, connection), name)
            sql = (_offline(source, reached, name, suite) or run) if offline else run
            own = [each for each in sql if source.version_table not in each]
            locks = _locks(own) if offline else ["the whole database, for the time of this revision"]
            found.append(RevisionPreview(name, source.phase(name), source.backfill(name), own, locks))
            reached = name
        after = schema_of(connection)
    return found, schema_changes(before, after)


def schema_of(connection: Connection) -> Columns:
    """Return every table of a database with its columns: name -> type and whether it may be empty."""
    inspector = inspect(connection)
    inspector.clear_cache()
    found = {
        table: {
            column["name"]: f"{_type(column['type'])}{'' if column['nullable'] else ' not null'}"
            for column in inspector.get_columns(table)
        }
        for table in inspector.get_table_names()
        if not table.startswith(("alembic_version_", "core_search"))
    }
    connection.rollback()
    return found


def schema_changes(before: Columns, after: Columns) -> list[TableChange]:
    """Return how one state of the tables differs from another."""
    changes = []
    for table in sorted(before.keys() | after.keys()):
        old, new = before.get(table), after.get(table)
        if old is None or new is None:
            added = tuple(f"{name} {kind}" for name, kind in (new or {}).items())
            removed = tuple(f"{name} {kind}" for name, kind in (old or {}).items())
            changes.append(TableChange(table, "created" if new else "dropped", 0, added, removed))
        elif old != new:
            changes.append(
                TableChange(
                    table,
                    "altered",
                    0,
                    tuple(f"{name} {kind}" for name, kind in new.items() if name not in old),
                    tuple(f"{name} {kind}" for name, kind in old.items() if name not in new),
                    tuple(f"{name} {kind}" for name, kind in new.items() if name in old and old[name] != kind),
                )
            )
    return changes


def _type(kind: Any) -> str:
    """Return the type of a column so that both databases say the same of one revision."""
    text = str(kind).upper().split(" COLLATE")[0]
    same = {"BIGINT": "INTEGER", "TIMESTAMP": "DATETIME", "JSONB": "JSON", "BYTEA": "BLOB", "DOUBLE PRECISION": "FLOAT"}
    return same.get(text, text)


@contextmanager
def _statements(connection: Connection) -> Iterator[list[str]]:
    found: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        if CHANGES.match(statement):
            found.append(" ".join(statement.split()))

    event.listen(connection, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(connection, "before_cursor_execute", note)


def _offline(source: Source, start: str, end: str, suite: Suite) -> list[str]:
    """Return the statements for PostgreSQL, written without a database; empty where a revision reads rows."""
    from alembic import command

    from core.db.revisions import offline_config

    output = StringIO()
    try:
        command.upgrade(offline_config(source, suite.database.url, output), f"{start or 'base'}:{end}", sql=True)
    except Exception:
        return []
    bare = re.sub(r"^--.*$", "", output.getvalue(), flags=re.MULTILINE)
    statements = (" ".join(each.split()) for each in re.split(r";\s*\n", bare))
    return [each for each in statements if CHANGES.match(each)]


def _locks(sql: Sequence[str]) -> list[str]:
    found: dict[str, None] = {}
    made = {each.split()[2].strip('"') for each in sql if each.upper().startswith("CREATE TABLE")}
    for statement in sql:
        for table, lock in _locks_of(statement):
            if table not in made:
                found[f"{table}: {lock}"] = None
    return list(found)


def _locks_of(statement: str) -> Iterator[tuple[str, str]]:
    if match := ON_TABLE.match(statement):
        yield match[2], LOCKS.get(match[1].upper(), "ROW EXCLUSIVE")
    if match := ON_INDEX.match(statement):
        yield match[2], "SHARE UPDATE EXCLUSIVE" if match[1] else "SHARE"
    if statement.upper().startswith(("CREATE TABLE", "ALTER TABLE")):
        for match in REFERENCES.finditer(statement):
            yield match[1], "SHARE ROW EXCLUSIVE"
