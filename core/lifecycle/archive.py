"""Archives: the rows of a plugin in one file, typed, each table a text of JSON lines, and back into tables.

The file is a ZIP archive. ``archive.json`` names plugin, version, revision, database and for each table its columns,
number of rows, next identity and the SHA-256 of its lines; ``<table>.jsonl`` has one JSON list a row. Values that JSON
has no word for are written as ``{"type": text}``. ``files/<SHA-256>`` are the files attached to its records.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import IO, Any

from sqlalchemy import JSON, Connection, Select, Table, Text, cast, select, text

from core.errors import ConflictError, NotFoundError

FORMAT = 1
HEAD = "archive.json"
FILES = "files"
BLOCK = 2_000
"""Rows read and written at a time."""
FILE_BLOCK = 2**20

_TO_TEXT: dict[type, tuple[str, Callable[[Any], str]]] = {
    bytes: ("bytes", lambda value: base64.b64encode(value).decode()),
    memoryview: ("bytes", lambda value: base64.b64encode(bytes(value)).decode()),
    Decimal: ("decimal", str),
    datetime: ("instant", datetime.isoformat),
    date: ("day", date.isoformat),
    time: ("time", time.isoformat),
    dict: ("json", lambda value: json.dumps(value, ensure_ascii=False)),
    list: ("json", lambda value: json.dumps(value, ensure_ascii=False)),
}
_FROM_TEXT: dict[str, Callable[[str], Any]] = {
    "bytes": base64.b64decode,
    "decimal": Decimal,
    "instant": datetime.fromisoformat,
    "day": date.fromisoformat,
    "time": time.fromisoformat,
    "json": str,
}


@dataclass(frozen=True)
class ArchivedTable:
    """What an archive says of one table; ``next_id`` keeps numbers from being given twice."""

    name: str
    columns: list[str]
    rows: int
    sha256: str
    next_id: int | None = None
    core: bool = False


@dataclass(frozen=True)
class Head:
    """What an archive says of itself; ``branch`` is empty when it holds the whole installation's rows."""

    plugin: str
    version: str
    revision: str
    database: str
    branch: str = ""
    format: int = FORMAT
    tables: list[ArchivedTable] = field(default_factory=list)
    files: list[str] = field(default_factory=list)


def write_archive(
    connection: Connection,
    file: Path,
    head: Head,
    selected: Iterable[tuple[Table, Select[Any], bool]],
    attached: Sequence[Path] = (),
) -> Head:
    """Write an archive, complete or not at all.

    Args:
        connection: Inside one transaction, so that all tables are of the same moment.
        file: The archive; one of that name is replaced.
        head: What it is an archive of.
        selected: (table, query of its rows, whether it is a table of the core), parents before children.
        attached: Stored files named by their SHA-256.

    Returns:
        The head with the tables written.
    """
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    unfinished = file.with_suffix(".part")
    tables = []
    with zipfile.ZipFile(unfinished, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as bundle:
        unfinished.chmod(0o600)
        for table, query, core in selected:
            written = _write_table(connection, bundle, table, query)
            next_id = None if core or head.branch else _next_id(connection, table)
            tables.append(replace(written, core=core, next_id=next_id))
        for each in attached:
            bundle.write(each, f"{FILES}/{each.name}")
        complete = replace(head, tables=tables, files=[each.name for each in attached])
        bundle.writestr(HEAD, json.dumps(asdict(complete), ensure_ascii=False, indent=1))
    with unfinished.open("rb") as stored:
        os.fsync(stored.fileno())
    unfinished.rename(file)
    return complete


def read_head(file: Path) -> Head:
    """Read what an archive says of itself.

    Raises:
        NotFoundError: There is no such archive, or it is not one.
    """
    try:
        with zipfile.ZipFile(file) as bundle:
            values = json.loads(bundle.read(HEAD))
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise NotFoundError("no_archive", "{file} is no archive of a plugin.", file=file.name) from error
    return Head(**{**values, "tables": [ArchivedTable(**each) for each in values["tables"]]})


def check_archive(file: Path) -> Head:
    """Compare an archive with the sums it states, so that nothing is deleted or loaded that cannot be read back.

    Raises:
        ConflictError: Its content was changed or cut off.
    """
    head = read_head(file)
    with zipfile.ZipFile(file) as bundle:
        for table in head.tables:
            digest, rows = hashlib.sha256(), 0
            with bundle.open(f"{table.name}.jsonl") as lines:
                for line in lines:
                    digest.update(line)
                    rows += 1
            if (digest.hexdigest(), rows) != (table.sha256, table.rows):
                raise ConflictError(
                    "archive_damaged", "The archive {file} is damaged: {table} differs.", file=file.name,
                    table=table.name,
                )  # fmt: skip
        for name in head.files:
            with bundle.open(f"{FILES}/{name}") as content:
                if _digest(content) != name:
                    raise ConflictError(
                        "archive_damaged", "The archive {file} is damaged: {table} differs.", file=file.name, table=name
                    )
    return head


def _digest(content: IO[bytes]) -> str:
    digest = hashlib.sha256()
    while block := content.read(FILE_BLOCK):
        digest.update(block)
    return digest.hexdigest()


def put_files_back(file: Path, place: Callable[[str], Path]) -> None:
    """Store the attached files of a checked archive again; those that are still stored stay as they are.

    Args:
        file: The archive.
        place: Gives the path where the file of a SHA-256 is stored.
    """
    with zipfile.ZipFile(file) as bundle:
        for name in read_head(file).files:
            target = place(name)
            if target.exists():
                continue
            target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            part = target.with_suffix(".part")
            with bundle.open(f"{FILES}/{name}") as content, part.open("wb") as stored:
                shutil.copyfileobj(content, stored)
                stored.flush()
                os.fsync(stored.fileno())
            part.rename(target)


def load_rows(connection: Connection, file: Path, table: ArchivedTable) -> int:
    """Insert the rows of one table as they were; the connection's transaction is the caller's.

    Args:
        connection: Inside a write transaction.
        file: A checked archive.
        table: The table; the database must have it with these columns.

    Returns:
        Number of rows.
    """
    names = ", ".join(f'"{name}"' for name in table.columns)
    mark = "?" if connection.dialect.name == "sqlite" else "%s"
    marks = ", ".join([mark] * len(table.columns))
    statement = f'INSERT INTO "{table.name}" ({names}) VALUES ({marks})'  # noqa: S608 -- names of a checked archive
    if table.core:
        statement += " ON CONFLICT DO NOTHING"
    cursor = connection.connection.cursor()
    try:
        with zipfile.ZipFile(file) as bundle, bundle.open(f"{table.name}.jsonl") as lines:
            for block in _blocks(lines):
                cursor.executemany(statement, block)
    finally:
        cursor.close()
    if table.next_id is not None:
        _set_next_id(connection, table.name, table.next_id)
    return table.rows


def _write_table(connection: Connection, bundle: zipfile.ZipFile, table: Table, query: Select[Any]) -> ArchivedTable:
    digest, rows = hashlib.sha256(), 0
    with bundle.open(f"{table.name}.jsonl", "w", force_zip64=True) as lines:
        for row in _raw_rows(connection, query):
            line = json.dumps([_packed(value) for value in row], ensure_ascii=False, separators=(",", ":")).encode()
            lines.write(line + b"\n")
            digest.update(line + b"\n")
            rows += 1
    return ArchivedTable(table.name, [column.name for column in table.columns], rows, digest.hexdigest())


def rows_query(connection: Connection, table: Table, condition: Any = None) -> Select[Any]:
    """Return the query of a table's rows as they are to be archived, in the order of their keys.

    PostgreSQL gives JSON as text: read as values, a JSON text could not be told from a JSON number in quotes.
    """
    plain = connection.dialect.name == "sqlite"
    columns = [cast(each, Text) if isinstance(each.type, JSON) and not plain else each for each in table.columns]
    query = select(*columns).order_by(*table.primary_key.columns)
    return query if condition is None else query.where(condition)


def _raw_rows(connection: Connection, query: Select[Any]) -> Iterator[Any]:
    """Yield rows as the driver gives them: the column types of models would change what is stored."""
    compiled = query.compile(connection, compile_kwargs={"render_postcompile": True, "literal_binds": True})
    yield from connection.exec_driver_sql(str(compiled), execution_options={"yield_per": BLOCK})


def _packed(value: Any) -> Any:
    for kind, (name, write) in _TO_TEXT.items():
        if isinstance(value, kind):
            return {name: write(value)}
    return value


def _unpacked(value: Any) -> Any:
    if isinstance(value, Mapping):
        ((name, content),) = value.items()
        return _FROM_TEXT[name](content)
    return value


def _blocks(lines: Iterable[bytes]) -> Iterator[list[list[Any]]]:
    block: list[list[Any]] = []
    for line in lines:
        block.append([_unpacked(value) for value in json.loads(line)])
        if len(block) == BLOCK:
            yield block
            block = []
    if block:
        yield block


def _next_id(connection: Connection, table: Table) -> int | None:
    if "id" not in table.c:
        return None
    if connection.dialect.name == "sqlite":
        last = connection.execute(
            text("SELECT seq FROM sqlite_sequence WHERE name = :name"), {"name": table.name}
        ).scalar()
        return None if last is None else int(last) + 1
    sequence = connection.execute(text("SELECT pg_get_serial_sequence(:name, 'id')"), {"name": table.name}).scalar()
    if sequence is None:
        return None
    last, called = connection.exec_driver_sql(f"SELECT last_value, is_called FROM {sequence}").one()  # noqa: S608 -- the name comes from the catalogue
    return int(last) + (1 if called else 0)


def _set_next_id(connection: Connection, table: str, next_id: int) -> None:
    if connection.dialect.name == "sqlite":
        connection.execute(text("DELETE FROM sqlite_sequence WHERE name = :name"), {"name": table})
        row = {"name": table, "last": next_id - 1}
        connection.execute(text("INSERT INTO sqlite_sequence (name, seq) VALUES (:name, :last)"), row)
    else:
        statement = text("SELECT setval(pg_get_serial_sequence(:name, 'id'), :next, false)")
        connection.execute(statement, {"name": table, "next": next_id})
