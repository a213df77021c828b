"""The rows of a plugin: chosen for an archive, taken away, put back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Select, Table, delete, exists, func, or_, select, text

from core.annotations.files import stored_at
from core.annotations.models import Attachment
from core.db.migrate import current, migration_connection
from core.lifecycle.archive import Head, check_archive, load_rows, put_files_back, rows_query, write_archive
from core.lifecycle.footprint import CORE_TABLES, branches_below, core_condition, reflected, table_names, version_table
from core.plugin.models import InstalledPlugin
from core.search import index

if TYPE_CHECKING:
    from core.app import Suite
    from core.lifecycle.requests import Request


def archive_rows(suite: Suite, plugin_id: str, file: Path, branch: str = "") -> Head:
    """Write the rows of a plugin into an archive file.

    Args:
        suite: The suite; the plugin need not be loaded.
        plugin_id: The plugin.
        file: The archive.
        branch: Code of a branch: only rows of it and those below; empty: all, with what the core keeps for the plugin.

    Returns:
        What the archive says of itself.
    """
    names = table_names(suite, plugin_id)
    with suite.database.reader.connect() as connection:
        stored = _stored(connection, plugin_id)
        revision = current(suite.database).get(plugin_id, "")
        head = Head(plugin_id, stored.version, revision, connection.dialect.name, branch)
        if branch:
            chosen: Iterable[Any] = (
                (table, rows_query(connection, table, condition), False)
                for table, condition in _of_branch(connection, names, branch)
            )
        else:
            own = [(table, rows_query(connection, table), False) for table in reflected(connection, names)]
            chosen = [*_core_rows(connection, plugin_id), *own]
        return write_archive(connection, file, head, chosen, [] if branch else _attached(suite, connection, plugin_id))


def remove_all(suite: Suite, plugin_id: str, *, drop: bool) -> None:
    """Remove the tables of a plugin, its version and its rows in the core, in one transaction.

    Args:
        suite: The suite.
        plugin_id: The plugin.
        drop: Remove its documents from the search index too; archived rows keep their numbers, and so theirs.
    """
    names = table_names(suite, plugin_id)
    with migration_connection(suite.database.owner_url) as connection, connection.begin():
        stored = _stored(connection, plugin_id)
        tables = [table.name for table in reversed(reflected(connection, names))]
        if connection.dialect.name == "sqlite":
            for name in tables:
                connection.exec_driver_sql(f'DROP TABLE "{name}"')
        elif tables:
            connection.exec_driver_sql("DROP TABLE " + ", ".join(f'"{name}"' for name in tables))
        connection.exec_driver_sql(f'DROP TABLE IF EXISTS "{version_table(plugin_id)}"')
        for table, condition in reversed(list(core_conditions(connection, plugin_id))):
            connection.execute(delete(table).where(condition))
        if drop:
            index.remove_kinds(connection, stored.surfaces.get("search_kinds", ()))


def remove_of_branch(suite: Suite, plugin_id: str, branch: str) -> None:
    """Delete the rows of a plugin that belong to a branch and those below it, in one transaction."""
    with suite.database.writer.begin() as connection:
        for table, condition in reversed(_of_branch(connection, table_names(suite, plugin_id), branch)):
            connection.execute(delete(table).where(condition))


def put_back(suite: Suite, file: Path) -> None:
    """Load an archive into the tables of its revision, in one transaction; what they hold of it already is replaced."""
    head = check_archive(file)
    put_files_back(file, partial(stored_at, suite.settings.data.folder))
    with migration_connection(suite.database.owner_url) as connection, connection.begin():
        names = [table.name for table in head.tables if not table.core]
        with _without_references(connection, names):
            if not head.branch:
                for table in reversed(reflected(connection, names)):
                    connection.execute(delete(table))
            for each in head.tables:
                load_rows(connection, file, each)
        if connection.dialect.name == "sqlite":
            _check_references(connection)


def rows_of_branch(connection: Connection, suite: Suite, request: Request) -> dict[str, int]:
    """Return how many rows of each table belong to the branch of a request."""
    names = table_names(suite, request.plugin)
    counted = {
        table.name: int(connection.scalar(select(func.count()).select_from(table).where(condition)) or 0)
        for table, condition in _of_branch(connection, names, request.branch)
    }
    return {name: count for name, count in counted.items() if count}


def _attached(suite: Suite, connection: Connection, plugin_id: str) -> list[Path]:
    """Return the stored files of a plugin's attachments; one that is gone is no reason to keep its rows."""
    table = Attachment.__table__
    own = table.c.model.startswith(f"{plugin_id}.", autoescape=True)
    names = connection.scalars(select(table.c.sha256).where(own).distinct().order_by(table.c.sha256))
    places = (stored_at(suite.settings.data.folder, name) for name in names)
    return [place for place in places if place.exists()]


def _stored(connection: Connection, plugin_id: str) -> Any:
    table = InstalledPlugin.__table__
    return connection.execute(select(table).where(table.c.plugin == plugin_id)).one()


def core_conditions(connection: Connection, plugin_id: str) -> Iterator[tuple[Table, Any]]:
    """Yield (table, condition) of the rows that the core keeps for a plugin, parents first."""
    codes = _stored(connection, plugin_id).surfaces.get("roles", [])
    tables = {table.name: table for table in reflected(connection, list(CORE_TABLES))}
    role = tables["core_role"]
    numbers = list(connection.scalars(select(role.c.id).where(role.c.code.in_(codes))))
    for name in CORE_TABLES:
        yield tables[name], core_condition(tables[name], plugin_id, numbers, codes)


def _core_rows(connection: Connection, plugin_id: str) -> Iterator[tuple[Table, Select[Any], bool]]:
    for table, condition in core_conditions(connection, plugin_id):
        yield table, rows_query(connection, table, condition), True


def _of_branch(connection: Connection, names: Sequence[str], branch: str) -> list[tuple[Table, Any]]:
    """Return (table, condition) of the rows of branches, parents first: own ones, and those that hang on them."""
    branches = branches_below(connection, branch)
    conditions: dict[str, Any] = {}
    chosen = []
    for table in reflected(connection, names):
        own = "branch_id" in table.c
        condition = table.c.branch_id.in_(branches) if own else _hanging_on(table, conditions)
        if condition is not None:
            conditions[table.name] = (table, condition)
            chosen.append((table, condition))
    return chosen


def _hanging_on(table: Table, conditions: dict[str, Any]) -> Any:
    """Return the condition of rows whose obligatory parent is chosen; ``None`` where there is no such parent."""
    found = []
    for column in table.columns:
        for key in column.foreign_keys:
            parent, _, target = key.target_fullname.rpartition(".")
            if parent in conditions and not column.nullable:
                above, condition = conditions[parent]
                found.append(exists(select(1).where(condition, above.c[target] == column)))
    return or_(*found) if found else None


@contextmanager
def _without_references(connection: Connection, names: Sequence[str]) -> Iterator[None]:
    """Take the foreign keys of tables away and put them back: rows may point to rows that come later.

    On SQLite the connection does not enforce them anyway.
    """
    keys = []
    if connection.dialect.name != "sqlite":
        query = text(
            "SELECT conrelid::regclass::text AS place, conname, pg_get_constraintdef(oid) AS definition "
            "FROM pg_constraint WHERE contype = 'f' AND conrelid::regclass::text = ANY(:names)"
        )
        keys = list(connection.execute(query, {"names": list(names)}))
    for key in keys:
        connection.exec_driver_sql(f'ALTER TABLE {key.place} DROP CONSTRAINT "{key.conname}"')
    yield
    for key in keys:
        connection.exec_driver_sql(f'ALTER TABLE {key.place} ADD CONSTRAINT "{key.conname}" {key.definition}')


def _check_references(connection: Connection) -> None:
    from core.errors import DatabaseStateError

    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
    if broken is not None:
        raise DatabaseStateError(
            "broken_references", "Rows of {table} would point to missing rows of {parent}.", "Correct the revision.",
            table=broken[0], parent=broken[2],
        )  # fmt: skip
