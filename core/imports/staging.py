"""The staging file: what one import file says, one row per data row, readable in groups of equal keys."""

from __future__ import annotations

import json
import marshal
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from core.db.sqlite import dbapi2 as sqlite
from core.errors import ImportFileError
from core.imports.caches import Cache
from core.imports.records import Built, Shape

_TABLES = """
create table row(
  row_no integer primary key, sheet text not null, line integer not null, main_key text, digest blob, branch text,
  records blob, error text, warnings text, raw text, last_row integer
);
create index row_last on row(last_row) where last_row is not null;
create table shape(number integer primary key, content text not null);
create table meta(name text primary key, value text not null) without rowid;
create table seen(hash integer primary key, last_row integer not null, repeated integer not null default 0);
"""
LOCK_SECONDS = 60.0
"""Longest wait of writer and reader for each other; a batch of rows takes milliseconds."""
_PIECE = 10_000
_SEEN = """
insert into seen(hash, last_row) values (?, ?)
on conflict(hash) do update set last_row = max(last_row, excluded.last_row), repeated = 1
"""
_COLUMNS = "row_no, sheet, line, main_key, digest, branch, records, warnings, last_row"
_READY = f"""
select {_COLUMNS} from row where row_no > ? and (
  (last_row is null and error is null)
  or (last_row = row_no and exists (select 1 from row as good where good.last_row = row.row_no and good.error is null))
) order by row_no limit ?
"""  # noqa: S608  constant column list


@dataclass(frozen=True)
class SheetSummary:
    """One sheet: where its header is, what its columns mean, what was left out.

    Args:
        name: Name of the sheet; empty for text.
        header_line: 1-based line of the header; 0 where there is none or the sheet was skipped.
        mapped: Header -> fields, keys and links it feeds.
        unmapped: Headers nothing uses.
        unit: Factor of the unit line.
        read: Data rows.
        dropped: Kind of other row (blank, header, title, total, footer) -> count.
        totals: Stated and found amounts (cents) of the total rows.
        skipped: Why the sheet was not read; empty where it was.
        headers: Header per column, in order.
    """

    name: str
    header_line: int = 0
    mapped: dict[str, list[str]] = field(default_factory=dict)
    unmapped: list[str] = field(default_factory=list)
    unit: str = "1"
    read: int = 0
    dropped: dict[str, int] = field(default_factory=dict)
    totals: list[dict[str, Any]] = field(default_factory=list)
    skipped: str = ""
    headers: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class StageSummary:
    """What staging found: ``read`` = ``accepted`` + ``rejected`` data rows; ``repeated`` accepted rows share a key."""

    profile: str
    kind: str
    encoding: str | None
    delimiter: str | None
    read: int
    accepted: int
    rejected: int
    warned: int
    repeated: int
    sheets: list[SheetSummary]


class StagedRow(NamedTuple):
    """One accepted row; ``records`` are packed, so that unchanged rows cost nothing.

    ``last_row`` is the number of the last row with the same key, where the key repeats.
    """

    row_no: int
    sheet: str
    line: int
    main_key: str | None
    digest: bytes
    branch: str | None
    packed: bytes
    warnings_json: str | None
    last_row: int | None

    @property
    def records(self) -> list[Built]:
        """The records of the row in the order of the profile; :attr:`StagedFile.shapes` says what they mean."""
        found: list[Built] = marshal.loads(self.packed)  # noqa: S302  our own child wrote it
        return found

    @property
    def ready_at(self) -> int:
        """Number of the row with which the whole group is there."""
        return self.last_row or self.row_no

    @property
    def warnings(self) -> list[dict[str, Any]]:
        """Remarks about the row that do not reject it."""
        found: list[dict[str, Any]] = json.loads(self.warnings_json) if self.warnings_json else []
        return found


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """One rejected row with all its errors (code, message, cure, facts, column, value) and its raw cells."""

    row_no: int
    sheet: str
    line: int
    errors: list[dict[str, Any]]
    raw: list[str]


class StagingWriter:
    """Writes a new staging file, which readers may read meanwhile.

    It is a cache, so nothing is journalled or synchronised. ``total`` is the number of data rows to come once the keys
    are known, else none.
    """

    def __init__(self, path: Path) -> None:
        path.unlink(missing_ok=True)
        self.total: int | None = None
        self._repeats = False
        self._shapes = 0
        self._db = sqlite.connect(str(path), isolation_level=None, timeout=LOCK_SECONDS)
        for pragma in ("journal_mode = off", "synchronous = off", "locking_mode = exclusive", "cache_size = -32000"):
            self._db.execute(f"pragma {pragma}")
        self._db.executescript(_TABLES)
        self._db.execute("begin")

    def watch(self, keys: Iterable[str | None]) -> None:
        """Learn which keys repeat, then let readers have every batch of rows as soon as it is added.

        Args:
            keys: Keys of all data rows to come, in order.
        """
        numbered = enumerate(keys, 1)
        total = 0
        while piece := list(islice(numbered, _PIECE)):
            total = piece[-1][0]
            # In order of the hash, a piece meets each page of the table once.
            self._db.executemany(_SEEN, sorted((hash(key), row_no) for row_no, key in piece if key is not None))
        self._db.execute("delete from seen where not repeated")
        self._repeats = bool(self._db.execute("select exists (select 1 from seen)").fetchone()[0])
        self.total = total
        for statement in ("commit", "pragma locking_mode = normal", "select count(*) from meta", "begin"):
            self._db.execute(statement)

    def shape(self, shape: Shape) -> int:
        """Keep the meaning of a record's values under a number, which is returned."""
        self._shapes += 1
        content = json.dumps([shape.record, shape.fields, shape.links, shape.derived], ensure_ascii=False)
        self._db.execute("insert into shape values (?, ?)", (self._shapes, content))
        return self._shapes

    def add(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """Insert rows: row_no, sheet, line, main_key, digest, branch, records, error, warnings, raw."""
        last = self._last_rows([row[3] for row in rows]) if self._repeats else {}
        complete = ((*row, last.get(hash(row[3]))) for row in rows) if last else ((*row, None) for row in rows)
        self._db.executemany("insert into row values (?,?,?,?,?,?,?,?,?,?,?)", complete)
        self._db.execute("commit")
        self._db.execute("begin")

    def _last_rows(self, keys: Sequence[str | None]) -> dict[int, int]:
        hashes = {hash(key) for key in keys if key is not None}
        marks = ",".join("?" * len(hashes))
        found = self._db.execute(f"select hash, last_row from seen where hash in ({marks})", tuple(hashes))  # noqa: S608  marks only
        return dict(found.fetchall())

    def index(self) -> int:
        """Index the rejected rows, and return how many accepted rows repeat an earlier key."""
        self._db.execute("create index row_rejected on row(row_no) where error is not null")
        repeated = "select count(*) - count(distinct main_key) from row where last_row is not null and error is null"
        return int(self._db.execute(repeated).fetchone()[0])

    def finish(self, meta: dict[str, Any]) -> None:
        """Store ``meta`` as JSON values, commit and close."""
        rows = [(name, json.dumps(value, ensure_ascii=False)) for name, value in meta.items()]
        self._db.executemany("insert into meta values (?, ?)", rows)
        self._db.execute("commit")
        self._db.close()


class StagedFile:
    """Reads a finished staging file; close it or use it as a context manager."""

    def __init__(self, path: Path) -> None:
        self.path = path
        address = f"{path.resolve().as_uri()}?mode=ro"
        self._db = sqlite.connect(address, uri=True, isolation_level=None, timeout=LOCK_SECONDS)
        self.shapes: Cache[Shape] = Cache(self._shape)

    @classmethod
    def open(cls, path: Path) -> StagedFile:
        """Open a staging file.

        Raises:
            ImportFileError: ``staging_missing``: it is not there or was not finished; stage the file again.
        """
        try:
            staged = cls(path)
            staged.meta("summary")
        except (sqlite.Error, KeyError) as problem:
            message = "The prepared form of the file is missing or unfinished."
            raise ImportFileError("staging_missing", message, "Read the file again.") from problem
        return staged

    def __enter__(self) -> StagedFile:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def meta(self, name: str) -> Any:
        """Return a stored value.

        Raises:
            KeyError: Nothing is stored under the name.
        """
        row = self._db.execute("select value from meta where name = ?", (name,)).fetchone()
        if row is None:
            raise KeyError(name)
        return json.loads(row[0])

    def summary(self) -> StageSummary:
        """Return what staging found."""
        return summary_from(self.meta("summary"))

    def groups(self, after_row: int = 0, limit: int = -1) -> Iterator[list[StagedRow]]:
        """Yield accepted rows, all rows of one key together, in order of the last row of each key.

        Rows without a key are groups of one.

        Args:
            after_row: ``ready_at`` of the last group already handled; 0 starts.
            limit: Groups at most; -1 for all.
        """
        ready = self._db.execute(_READY, (after_row, limit))
        while piece := [StagedRow(*row) for row in islice(ready, _PIECE)]:
            together = self._together([row.row_no for row in piece if row.last_row is not None])
            for row in piece:
                if row.last_row is None:
                    yield [row]
                else:
                    yield from together[row.row_no]

    def _together(self, last_rows: Sequence[int]) -> dict[int, list[list[StagedRow]]]:
        """Return the groups that are complete with each of these rows; two keys of one hash are two groups."""
        found: dict[int, dict[str | None, list[StagedRow]]] = {number: {} for number in last_rows}
        for start in range(0, len(last_rows), 1_000):
            numbers = last_rows[start : start + 1_000]
            sql = f"select {_COLUMNS} from row where error is null and last_row in ({','.join('?' * len(numbers))})"  # noqa: S608  marks only
            for row in map(StagedRow._make, self._db.execute(f"{sql} order by row_no", numbers)):
                found[row.ready_at].setdefault(row.main_key, []).append(row)
        return {number: list(groups.values()) for number, groups in found.items()}

    def groups_of(self, row_numbers: Sequence[int]) -> list[list[StagedRow]]:
        """Return the groups that certain accepted rows belong to."""
        sql = f"select {_COLUMNS} from row where error is null and row_no in ({','.join('?' * len(row_numbers))})"  # noqa: S608  marks only
        rows = [StagedRow(*row) for row in self._db.execute(f"{sql} order by row_no", row_numbers)]
        repeated = {(row.ready_at, row.main_key) for row in rows if row.last_row is not None}
        together = self._together(sorted({ready_at for ready_at, _ in repeated}))
        groups = [group for found in together.values() for group in found]
        return [
            *([row] for row in rows if row.last_row is None),
            *(group for group in groups if (group[0].ready_at, group[0].main_key) in repeated),
        ]

    def _shape(self, number: int) -> Shape:
        found = self._db.execute("select content from shape where number = ?", (number,)).fetchone()
        record, *names = json.loads(found[0])
        return Shape(record, *map(tuple, names))

    def rejected(self, after_row: int = 0, limit: int = -1) -> Iterator[RejectedRow]:
        """Yield rejected rows in file order, after ``row_no`` ``after_row``, at most ``limit`` (-1 for all)."""
        found = self._db.execute(
            "select row_no, sheet, line, error, raw from row where error is not null and row_no > ?"
            " order by row_no limit ?",
            (after_row, limit),
        )
        for row_no, sheet, line, error, raw in found:
            yield RejectedRow(row_no, sheet, line, json.loads(error), json.loads(raw))

    def raw_cells(self, row_numbers: Iterable[int]) -> Iterator[tuple[int, list[str]]]:
        """Yield (row number, cells) of those rows that were kept with their cells."""
        for row_no in row_numbers:
            found = self._db.execute("select raw from row where row_no = ?", (row_no,)).fetchone()
            if found is not None and found[0] is not None:
                yield row_no, json.loads(found[0])


def summary_from(content: dict[str, Any]) -> StageSummary:
    """Rebuild a summary from its JSON form."""
    return StageSummary(**{**content, "sheets": [SheetSummary(**sheet) for sheet in content["sheets"]]})
