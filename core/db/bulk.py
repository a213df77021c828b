"""Writing many rows at once: COPY on PostgreSQL, executemany on SQLite, identities taken in blocks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, Table, text

Row = Sequence[Any]
"""Values in canonical staged form: ISO texts for days and instants, whole cents for money, JSON texts for JSON."""

COPY_FROM = 200
"""From so many rows on, PostgreSQL gets updates by COPY; below, the temporary table costs more than it saves."""


def take_ids(connection: Connection, table: Table, count: int) -> Sequence[int]:
    """Reserve identities of a table; they are never given twice.

    Args:
        connection: A connection inside a write transaction.
        table: A table with an ``id`` column.
        count: How many.

    Returns:
        Ascending identities, without holes on SQLite.
    """
    if connection.dialect.name != "sqlite":
        # The inner SELECT looks the sequence up once; without it, that takes 11 µs for each identity. One array reaches
        # Python ten times as fast as rows.
        statement = (
            "SELECT array_agg(nextval((SELECT pg_get_serial_sequence(:table, 'id')::regclass))) "
            "FROM generate_series(1, :count)"
        )
        taken = connection.execute(text(statement), {"table": table.name, "count": count}).scalar_one()
        return sorted(taken or ())
    last = connection.exec_driver_sql("SELECT seq FROM sqlite_sequence WHERE name = ?", (table.name,)).scalar()
    first = int(last or 0) + 1
    statement = "UPDATE sqlite_sequence SET seq = ? WHERE name = ?"
    if last is None:
        statement = "INSERT INTO sqlite_sequence (seq, name) VALUES (?, ?)"
    connection.exec_driver_sql(statement, (first + count - 1, table.name))
    return range(first, first + count)


def insert_rows(connection: Connection, table: Table, columns: Sequence[str], rows: Iterable[Row]) -> None:
    """Insert rows given in canonical staged form.

    Args:
        connection: A connection inside a write transaction.
        table: The target table.
        columns: Column names in the order of the values.
        rows: The values; a generator is consumed once.
    """
    names = ", ".join(f'"{name}"' for name in columns)
    cursor: Any = connection.connection.cursor()
    try:
        if connection.dialect.name == "sqlite":
            marks = ", ".join("?" * len(columns))
            cursor.executemany(f'INSERT INTO "{table.name}" ({names}) VALUES ({marks})', rows)  # noqa: S608 -- names come from the table object
            return
        with cursor.copy(f'COPY "{table.name}" ({names}) FROM STDIN') as copy:
            for row in rows:
                copy.write_row(row)
    finally:
        cursor.close()


def update_rows(connection: Connection, table: Table, columns: Sequence[str], rows: Iterable[Row]) -> None:
    """Update rows by identity; each row is the values of ``columns`` followed by the id.

    Many rows reach PostgreSQL by COPY and one UPDATE, which is several times faster than a statement a row.

    Args:
        connection: A connection inside a write transaction.
        table: The table.
        columns: Names of the columns to set, in the order of the values.
        rows: The values, the id last.
    """
    given = list(rows)
    sqlite = connection.dialect.name == "sqlite"
    cursor = connection.connection.cursor()
    try:
        if not sqlite and len(given) >= COPY_FROM:
            _update_by_copy(cursor, table.name, columns, given)
            return
        mark = "?" if sqlite else "%s"
        changes = ", ".join(f'"{name}" = {mark}' for name in columns)
        cursor.executemany(f'UPDATE "{table.name}" SET {changes} WHERE id = {mark}', given)  # noqa: S608 -- names come from the table object
    finally:
        cursor.close()


def _update_by_copy(cursor: Any, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
    names = ", ".join(f'"{name}"' for name in (*columns, "id"))
    changes = ", ".join(f'"{name}" = given."{name}"' for name in columns)
    cursor.execute(f'CREATE TEMPORARY TABLE given_rows ON COMMIT DROP AS SELECT {names} FROM "{table}" WITH NO DATA')  # noqa: S608 -- names come from the table object
    with cursor.copy(f"COPY given_rows ({names}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)
    cursor.execute(f'UPDATE "{table}" AS target SET {changes} FROM given_rows AS given WHERE target.id = given.id')  # noqa: S608 -- as above
    cursor.execute("DROP TABLE given_rows")


def delete_rows(connection: Connection, table: Table, ids: Iterable[int]) -> None:
    """Delete rows by identity.

    Args:
        connection: A connection inside a write transaction.
        table: The table.
        ids: Identities; unknown ones do not matter.
    """
    mark = "?" if connection.dialect.name == "sqlite" else "%s"
    cursor = connection.connection.cursor()
    try:
        cursor.executemany(f'DELETE FROM "{table.name}" WHERE id = {mark}', [(row_id,) for row_id in ids])  # noqa: S608 -- the name comes from the table object
    finally:
        cursor.close()


def fetch_in(connection: Connection, sql: str, values: Sequence[Any], *before: Any) -> list[Any]:
    """Run ``sql`` for many values and return all rows.

    Args:
        connection: Any connection.
        sql: A statement whose ``{values}`` stands where the list goes, after the marks for ``before`` written as ``?``.
        values: The values looked for, any number; they are sent in pieces.
        *before: Values of the marks in front of the list.
    """
    found: list[Any] = []
    cursor = connection.connection.cursor()
    try:
        if connection.dialect.name == "sqlite":
            for start in range(0, len(values), 5_000):
                piece = values[start : start + 5_000]
                cursor.execute(sql.format(values="(" + ",".join("?" * len(piece)) + ")"), (*before, *piece))
                found.extend(cursor.fetchall())
        elif len(values) == 1:  # for a list PostgreSQL expects ten rows, and plans each time anew
            cursor.execute(sql.replace(" IN {values}", " = %s").replace("?", "%s"), (*before, values[0]))
            found.extend(cursor.fetchall())
        elif values:
            cursor.execute(sql.replace(" IN {values}", " = ANY(%s)").replace("?", "%s"), (*before, list(values)))
            found.extend(cursor.fetchall())
    finally:
        cursor.close()
    return found
