"""Checksums of all tables, equal exactly where the rows are equal; the same before a backup and after its restoring."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from typing import Any

from sqlalchemy import Connection, inspect

Sums = dict[str, str]
"""SHA-256 per table, as hexadecimal digits, with the number of rows in front: ``3 9f86…``."""

POSTGRES_FORMS = (
    "SET LOCAL TimeZone = 'UTC'",
    "SET LOCAL DateStyle = 'ISO, YMD'",
    "SET LOCAL extra_float_digits = 1",
    "SET LOCAL bytea_output = 'hex'",
    "SET LOCAL IntervalStyle = 'iso_8601'",
)
"""Settings that decide how values are written; servers and users may differ in them."""


def sqlite_sums(database: Any) -> Sums:
    """Return the checksums of an SQLite file.

    Args:
        database: Connection of the driver; read only.
    """
    query = "SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%' ORDER BY name"
    names = [name for (name,) in database.execute(query)]
    return {name: _sqlite_sum(database, name) for name in names}


def postgres_sums(connection: Connection) -> Sums:
    """Return the checksums of the tables in the schema ``public``.

    Args:
        connection: Inside a transaction, whose snapshot counts.
    """
    for statement in POSTGRES_FORMS:
        connection.exec_driver_sql(statement)
    look = inspect(connection)
    return {name: _postgres_sum(connection, look, name) for name in sorted(look.get_table_names(schema="public"))}


def _sqlite_sum(database: Any, name: str) -> str:
    places = database.execute(f'PRAGMA table_info("{name}")').fetchall()
    keys = [str(place) for place, *_, key in places if key] or [str(place) for place, *_ in places]
    order = ", ".join(str(int(place) + 1) for place in keys)
    rows = database.execute(f'SELECT * FROM "{name}" ORDER BY {order}')  # noqa: S608 -- names of the catalogue
    return _digest(repr(row).encode() for row in rows)


def _postgres_sum(connection: Connection, look: Any, name: str) -> str:
    quote: Callable[[str], str] = connection.dialect.identifier_preparer.quote
    keys = look.get_pk_constraint(name, schema="public")["constrained_columns"]
    keys = keys or [column["name"] for column in look.get_columns(name, schema="public")]
    order = ", ".join(map(quote, keys))
    query = f"COPY (SELECT * FROM public.{quote(name)} ORDER BY {order}) TO STDOUT"  # noqa: S608 -- names of the catalogue
    with connection.connection.cursor() as cursor, cursor.copy(query) as rows:  # type: ignore[attr-defined]  # psycopg's own
        return _digest(map(bytes, rows))


def _digest(rows: Iterable[bytes]) -> str:
    digest, number = hashlib.sha256(), 0
    for row in rows:
        digest.update(row)
        digest.update(b"\n")
        number += 1
    return f"{number} {digest.hexdigest()}"
