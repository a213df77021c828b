"""The staging file: what one import file says, one row per data row, readable in groups of equal keys."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby, islice
from pathlib import Path
from typing import Any

from pysqlite3 import dbapi2 as sqlite

from core.errors import ImportFileError

_TABLES = """
create table row(
  row_no integer primary key, sheet text not null, line integer not null, main_key text, digest blob, branch text,
  records text, error text, warnings text, raw text
);
create table meta(name text primary key, value text not null) without rowid;
create table later(row_no integer primary key, first_row integer not null);
"""
_INDEXES = """
create index row_key on row(main_key, row_no) where main_key is not null;
insert into later
  select row_no, first_row from (
    select row_no, min(row_no) over (partition by main_key) as first_row from row where main_key is not null
  ) where row_no <> first_row;
create index later_first on later(first_row, row_no);
"""
LOCK_SECONDS = 60.0
"""Longest wait of writer and reader for each other; a batch of rows takes milliseconds."""
WATCHED_KEYS = 2_000_000
"""Keys remembered as hashes (some 80 bytes each) before an index takes over."""
_COLUMNS = "row.row_no, row.sheet, row.line, row.main_key, row.digest, row.branch, row.records, row.warnings"
_FIRSTS = (
    f"select {_COLUMNS} from row where error is null and row_no > ?"  # noqa: S608  constant column list
    " and not exists (select 1 from later where later.row_no = row.row_no) order by row_no limit ?"
)
_ALL = f"select {_COLUMNS} from row where error is null and row_no > ? order by row_no limit ?"  # noqa: S608  constant column list
_LATER = (
    f"select later.first_row, {_COLUMNS} from later join row on row.row_no = later.row_no"  # noqa: S608  constant column list
    " where later.first_row > ? order by later.first_row, later.row_no"
)


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


@dataclass(frozen=True, slots=True)
class StagedRow:
    """One accepted row; ``records_json`` is parsed on demand, so that unchanged rows cost nothing."""

    row_no: int
    sheet: str
    line: int
    main_key: str | None
    digest: bytes
    branch: str | None
    records_json: str
    warnings_json: str | None

    @property
    def records(self) -> dict[str, Any]:
        """Record name -> ``[key, {field: value}, {link: key}]``, or a list of those for an unpivoted record."""
        found: dict[str, Any] = json.loads(self.records_json)
        return found

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
    """Writes a new staging file; it is a cache, so nothing is journalled or synchronised.

    ``total`` is the number of data rows to come once they are shared with readers, else none.
    """

    def __init__(self, path: Path) -> None:
        path.unlink(missing_ok=True)
        self._seen: set[int] = set()
        self._may_repeat = False
        self.total: int | None = None
        self._db = sqlite.connect(str(path), isolation_level=None, timeout=LOCK_SECONDS)
        for pragma in ("journal_mode = off", "synchronous = off", "locking_mode = exclusive", "cache_size = -32000"):
            self._db.execute(f"pragma {pragma}")
        self._db.executescript(_TABLES)
        self._db.execute("begin")

    def add(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """Insert rows: row_no, sheet, line, main_key, digest, branch, records, error, warnings, raw."""
        self._db.executemany("insert into row values (?,?,?,?,?,?,?,?,?,?)", rows)
        if self.total is not None:
            self._db.execute("commit")
            self._db.execute("begin")
        elif not self._may_repeat:
            self._watch([row[3] for row in rows if row[3] is not None])

    def share(self, keys: Iterable[str | None]) -> None:
        """Let readers have every batch of rows as soon as it is added, unless keys repeat: their rows belong together.

        Args:
            keys: Keys of all data rows to come.
        """
        numbered = iter(keys)
        total = 0
        while piece := list(islice(numbered, 10_000)):
            total += len(piece)
            if not self._may_repeat:
                self._watch([key for key in piece if key is not None])
        self._seen.clear()
        if not self._may_repeat:
            self.total = total
            for statement in ("commit", "pragma locking_mode = normal", "select count(*) from meta", "begin"):
                self._db.execute(statement)
        self._may_repeat = False

    def _watch(self, keys: Sequence[str]) -> None:
        """Notice whether a key may come twice: most files need no index of keys, and it costs more than their rows."""
        before = len(self._seen)
        self._seen.update(map(hash, keys))
        if len(self._seen) < before + len(keys) or len(self._seen) > WATCHED_KEYS:
            self._may_repeat = True
            self._seen.clear()

    def index(self) -> int:
        """Index the keys where some may repeat, and return how many accepted rows repeat an earlier key."""
        self._db.execute("create index row_rejected on row(row_no) where error is not null")
        for statement in _INDEXES.split(";") if self._may_repeat else ():
            self._db.execute(statement)
        return int(self._db.execute("select count(*) from later").fetchone()[0])

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
        """Yield accepted rows, all rows of one key together, in order of the first row of each key.

        Rows without a key are groups of one. Rows are streamed; memory holds one group.

        Args:
            after_row: ``row_no`` of the first row of the last group already handled; 0 starts.
            limit: Groups at most; -1 for all.
        """
        repeated = self._db.execute("select exists (select 1 from later)").fetchone()[0]
        if not repeated:
            for row in self._db.execute(_ALL, (after_row, limit)):
                yield [StagedRow(*row)]
            return
        later = groupby(self._db.execute(_LATER, (after_row,)), key=lambda row: row[0])
        number, rest = next(later, (0, iter(())))
        for row in self._db.execute(_FIRSTS, (after_row, limit)):
            group = [StagedRow(*row)]
            if row[0] == number:
                group.extend(StagedRow(*other[1:]) for other in rest)
                number, rest = next(later, (0, iter(())))
            yield group

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
