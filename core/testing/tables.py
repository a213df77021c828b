"""Tables of a database under test, made by the statements that made them in the test before."""

from __future__ import annotations

from typing import Any

from sqlalchemy import event, inspect

from core.db.base import Base
from core.db.session import Database

_ASKING = ("SELECT", "PRAGMA", "BEGIN")
_statements: dict[tuple[Any, ...], list[str]] = {}
"""What `create_all` says, by kind of database and tables: finding that out takes longer than making them."""


def make_tables(database: Database) -> None:
    """Make the tables of everything imported so far.

    Args:
        database: One that has no tables yet; those of another are completed.
    """
    if inspect(database.writer).get_table_names():
        Base.metadata.create_all(database.writer)
        return
    shapes = (
        (table, len(table.c), len(table.indexes), len(table.constraints)) for table in Base.metadata.tables.values()
    )
    key = (database.is_sqlite, *shapes)
    if key not in _statements:
        _statements[key] = _noted(database)
        return
    with database.writer.begin() as connection:
        cursor = connection.connection.cursor()
        for statement in _statements[key]:
            cursor.execute(statement, ())


def _noted(database: Database) -> list[str]:
    """Make the tables; returns the statements."""
    said: list[str] = []

    def note(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        said.append(statement)

    event.listen(database.writer, "before_cursor_execute", note)
    Base.metadata.create_all(database.writer)
    event.remove(database.writer, "before_cursor_execute", note)
    return [each for each in said if not each.lstrip().upper().startswith(_ASKING)]
