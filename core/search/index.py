"""Store and find documents of the token index: FTS5 on SQLite, tsvector on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache

from sqlalchemy import Connection, TextClause, text

from core.values.tokens import query_tokens

KIND_SHIFT = 48
"""A document number is the kind of record above the record's id."""

TABLE = "core_search"

SQLITE_DDL = (
    f"CREATE VIRTUAL TABLE IF NOT EXISTS {TABLE} USING fts5(tokens, content='', contentless_delete=1, "
    'tokenize="unicode61 remove_diacritics 0", detail=none)',
)
POSTGRESQL_DDL = (
    f"CREATE TABLE IF NOT EXISTS {TABLE} (id bigint PRIMARY KEY, tokens tsvector NOT NULL)",
    f"CREATE INDEX IF NOT EXISTS ix_{TABLE}_tokens ON {TABLE} USING gin (tokens)",
)


def document(kind: int, row_id: int) -> int:
    """Return the document number of a record."""
    return (kind << KIND_SHIFT) | row_id


def create(connection: Connection) -> None:
    """Create the index where it does not exist."""
    for statement in SQLITE_DDL if connection.dialect.name == "sqlite" else POSTGRESQL_DDL:
        connection.execute(text(statement))


def add(connection: Connection, documents: Iterable[tuple[int, str]]) -> None:
    """Add documents.

    Args:
        connection: Inside a write transaction.
        documents: (document number, tokens separated by blanks).
    """
    cursor = connection.connection.cursor()
    try:
        if connection.dialect.name == "sqlite":
            cursor.executemany(f"INSERT INTO {TABLE} (rowid, tokens) VALUES (?, ?)", documents)  # type: ignore[arg-type]  # noqa: S608 -- a constant; sqlite3 takes iterators
            return
        with cursor.copy(f"COPY {TABLE} (id, tokens) FROM STDIN") as copy:
            for number, tokens in documents:
                copy.write_row((number, " ".join(f"'{token}'" for token in tokens.replace("'", "").split())))
    finally:
        cursor.close()


def remove(connection: Connection, numbers: Iterable[int]) -> None:
    """Remove documents."""
    column = "rowid" if connection.dialect.name == "sqlite" else "id"
    rows = [{"number": number} for number in numbers]
    if rows:
        connection.execute(text(f"DELETE FROM {TABLE} WHERE {column} = :number"), rows)  # noqa: S608 -- constants


def remove_kinds(connection: Connection, kinds: Iterable[int]) -> None:
    """Remove all documents of some kinds."""
    column = "rowid" if connection.dialect.name == "sqlite" else "id"
    statement = text(f"DELETE FROM {TABLE} WHERE {column} >= :low AND {column} < :high")  # noqa: S608 -- constants
    for kind in kinds:
        connection.execute(statement, {"low": kind << KIND_SHIFT, "high": (kind + 1) << KIND_SHIFT})


def _asked(dialect: str, typed: str) -> str:
    """Return a typed text in the query language of the index, empty when nothing can be looked for."""
    sqlite = dialect == "sqlite"
    form, prefix_sign, both, either = ('"{}"', "*", " AND ", " OR ") if sqlite else ("'{}'", ":*", " & ", " | ")
    parts = (
        both.join(form.format(token) + (prefix_sign if prefix else "") for token, prefix in part)
        for part in query_tokens(typed)
    )
    return either.join(f"({part})" for part in parts)


@cache
def _matching(dialect: str, kind: int) -> TextClause:
    low, high = kind << KIND_SHIFT, (kind + 1) << KIND_SHIFT
    sqlite = dialect == "sqlite"
    number, test = ("rowid", f"{TABLE} MATCH :asked") if sqlite else ("id", "tokens @@ CAST(:asked AS tsquery)")
    within = f"{number} >= {low} AND {number} < {high}"
    return text(f"SELECT {number} - {low} FROM {TABLE} WHERE {test} AND {within} LIMIT :most")  # noqa: S608 -- constants


def find(connection: Connection, typed: str, kinds: Sequence[int], limit: int) -> list[tuple[int, int]]:
    """Return (kind, record id) of documents that match a typed text.

    Args:
        connection: Any connection.
        typed: As typed.
        kinds: Kinds looked for.
        limit: Most hits per kind.
    """
    dialect = connection.dialect.name
    query = _asked(dialect, typed)
    if not query:
        return []
    found: list[tuple[int, int]] = []
    for kind in kinds:
        rows = connection.execute(_matching(dialect, kind), {"asked": query, "most": limit})
        found.extend((kind, row[0]) for row in rows)
    return found
