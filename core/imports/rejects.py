"""The rejected rows of a batch as a CSV file that can be corrected and imported again with the same profile."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from core.db.bulk import update_rows
from core.i18n import translate
from core.imports.models import ImportBatch, ImportReject
from core.imports.note_columns import NOTE_COLUMNS
from core.imports.options import StageOptions
from core.imports.stage import stage_file
from core.imports.staging import SheetSummary, StagedFile, summary_from
from core.registry.export import escape_cell
from core.security.actors import system_actor

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from core.db.session import Database, ScopedSession
    from core.imports.profiles import Profile

PIECE = 2_000
"""Rows read, updated or written at a time."""
_UNIT_LINES = {"1000": "单位：千元", "10000": "单位：万元", "1000000": "单位：百万元", "100000000": "单位：亿元"}
"""Unit lines as the reader of headers knows them; the amounts below stay as they were delivered."""


def fill_cells(database: Database, batch: ImportBatch, profile: Profile, kept: Path, waiting: Path) -> int:
    """Add the original cells to the rows that the database refused; staging keeps those of its own rejections only.

    Args:
        database: The database.
        batch: The batch.
        profile: Its profile.
        kept: The stored file, which is read once more.
        waiting: Where the second staging file goes meanwhile.

    Returns:
        Number of rows that got their cells.

    Raises:
        ImportFileError: The stored file cannot be read any more.
    """
    with database.read(system_actor("import")) as session:
        table = ImportReject.__table__
        lacking = select(table.c.row_no, table.c.id).where(table.c.batch_id == batch.id, table.c.cells.is_(None))
        found = session.connection().execute(lacking.order_by(table.c.row_no))
        id_of = {row.row_no: row.id for row in found}
    if not id_of:
        return 0
    try:
        waiting.parent.mkdir(parents=True, exist_ok=True)
        stage_file(kept, profile, waiting, StageOptions(name=batch.file_name, keep_raw=True))
        with StagedFile.open(waiting) as staged:
            cells = ((_json(raw), id_of[row_no]) for row_no, raw in staged.raw_cells(id_of))
            return sum(_store(database, piece) for piece in iter(lambda: list(islice(cells, PIECE)), []))
    finally:
        waiting.unlink(missing_ok=True)


def _store(database: Database, rows: Sequence[Sequence[Any]]) -> int:
    with database.write(system_actor("import")) as session:
        update_rows(session.connection(), ImportReject.__table__, ("cells",), rows)  # type: ignore[arg-type]  # a mapped class's table is a Table
    return len(rows)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def reason_text(error: dict[str, Any], locale: str) -> tuple[str, str]:
    """Return (reason, cure) of an error kept with a row, in a language."""
    texts, facts = translate(locale), dict(error["facts"])
    reason, cure = (texts.gettext(text).format_map(facts) if text else "" for text in (error["message"], error["cure"]))
    return (f"{error['column']}: {reason}" if error["column"] else reason), cure


def rejects_csv(
    session: ScopedSession, batch_id: int, summary: dict[str, Any] | None, profile: Profile, locale: str
) -> Iterator[bytes]:
    """Write the rejected rows of a batch with their original columns, line, reason and cure.

    Args:
        session: A reading session.
        batch_id: The batch, which the caller may see.
        summary: What reading its file found, as the batch or its dry run keeps it.
        profile: Its profile: the file is written so that this profile reads it.
        locale: Language of reasons and cures.

    Yields:
        Pieces of the file; UTF-8 with signature unless the profile asks for an encoding.
    """
    sheets = [sheet for sheet in summary_from(summary).sheets if not sheet.skipped] if summary else []
    layout = _Layout(sheets, profile, locale)
    codec = profile.file.encoding or "utf-8-sig"
    yield layout.head().encode(codec)
    codec = codec.replace("utf-8-sig", "utf-8").replace("utf-16", "utf-16-le")
    for piece in _rejects(session.connection(), batch_id):
        yield layout.text([layout.cells(row) for row in piece]).encode(codec, "replace")


def _rejects(connection: Connection, batch_id: int) -> Iterator[list[Any]]:
    reject, last = ImportReject.__table__, 0
    query = select(reject.c.row_no, reject.c.sheet, reject.c.line, reject.c.errors, reject.c.cells)
    while True:
        after = (
            query.where(reject.c.batch_id == batch_id, reject.c.row_no > last).order_by(reject.c.row_no).limit(PIECE)
        )
        piece = list(connection.execute(after))
        if not piece:
            return
        yield piece
        last = piece[-1].row_no


class _Layout:
    """Places the cells of all sheets under one header: that of the first sheet, then what others have besides."""

    def __init__(self, sheets: Sequence[SheetSummary], profile: Profile, locale: str) -> None:
        self._sheets = {sheet.name: sheet.headers for sheet in sheets}
        self._profile = profile
        self._locale = locale
        self._unit = next((_UNIT_LINES[sheet.unit] for sheet in sheets if sheet.unit in _UNIT_LINES), None)
        self._columns = list(dict.fromkeys(name for sheet in sheets for name in _named(sheet.headers)))
        self._place = {name: at for at, name in enumerate(self._columns)}
        self._delimiter = profile.file.delimiter or ","

    def head(self) -> str:
        """Return the unit line, if there is one, and the header; a profile without header gets neither."""
        if not self._profile.file.header:
            return ""
        notes = NOTE_COLUMNS.get(self._locale, NOTE_COLUMNS["en"])
        return self.text([*([[self._unit]] if self._unit else []), [*self._columns, *notes]])

    def cells(self, row: Any) -> list[str]:
        """Return the cells of one rejected row; without header there is no place for the reason."""
        found = [""] * len(self._columns)
        names = _named(self._sheets.get(row.sheet, self._columns))
        delivered = row.cells or []
        for name, cell in zip(names, delivered, strict=False):
            found[self._place[name]] = cell
        found.extend(delivered[len(names) :])
        if not self._profile.file.header:
            return found
        reasons = [reason_text(error, self._locale) for error in row.errors]
        reason, cure = ("；".join(dict.fromkeys(filter(None, texts))) for texts in zip(*reasons, strict=True))
        return [*map(escape_cell, found[: len(self._columns)]), str(row.line), escape_cell(reason), escape_cell(cure)]

    def text(self, rows: Sequence[Sequence[str]]) -> str:
        """Return rows as delimited text."""
        buffer = io.StringIO(newline="")
        csv.writer(buffer, delimiter=self._delimiter).writerows(rows)
        return buffer.getvalue()


def _named(headers: Sequence[str]) -> list[str]:
    """Give columns without a header a place of their own; the reader takes names of blanks as none."""
    return [name or " " * (at + 1) for at, name in enumerate(headers)]


def count_rejects(session: ScopedSession, batch_id: int) -> int:
    """Return how many rejected rows of a batch are stored."""
    found = session.connection().execute(select(func.count()).where(ImportReject.batch_id == batch_id)).scalar()
    return int(found or 0)
