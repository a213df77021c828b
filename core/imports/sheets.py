"""Stage one sheet: find its header, read its data rows in batches, count what is none."""

from __future__ import annotations

import json
import marshal
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from hashlib import blake2b
from itertools import chain, islice
from typing import Any

from core.errors import ImportFileError, InvalidValueError
from core.imports.conversions import Cell, cell_text
from core.imports.headers import HEADER_ROWS, Header, find_header
from core.imports.note_columns import as_delivered, note_places, without
from core.imports.page_rows import PageRows
from core.imports.profiles import Profile
from core.imports.reading import Sheet
from core.imports.records import MARSHAL, Built, value_error
from core.imports.rows import RowPlan
from core.imports.staging import SheetSummary, StagingWriter
from core.imports.totals import Totals

BATCH = 2000
"""Rows written at a time and between two reports of progress."""

NumberedRow = tuple[int, list[Cell]]


@dataclass
class Tally:
    """Rows of the whole file so far."""

    read: int = 0
    rejected: int = 0
    warned: int = 0


class SheetStager:
    """Stages sheets of one file into one staging file.

    Args:
        profile: What the columns mean.
        wanted: Folded headers of the profile.
        zone: IANA time zone of clock times.
        writer: Receives the rows.
        on_progress: Called with the number of data rows read so far.
        keep_raw: Whether to keep the cells of accepted rows.
    """

    def __init__(
        self,
        profile: Profile,
        wanted: frozenset[str],
        zone: str,
        writer: StagingWriter,
        on_progress: Callable[[int], None],
        *,
        keep_raw: bool = False,
    ) -> None:
        self.profile = profile
        self.wanted = wanted
        self.zone = zone
        self.writer = writer
        self.on_progress = on_progress
        self.keep_raw = keep_raw
        self.tally = Tally()

    def stage(self, sheet: Sheet) -> SheetSummary:
        """Stage every data row of a sheet.

        Raises:
            ImportFileError: ``wrong_profile`` where the sheet has no header the profile can use; ``csv_broken``.
        """
        header, plan, rows = self._open(sheet)
        for record in plan.records:
            record.number = self.writer.shape(record.shape)
        totals = Totals(header.names, plan.amounts())
        dropped: Counter[str] = Counter()
        before = self.tally.read
        staged = self._staged(sheet.name, rows, plan, totals, dropped)
        while batch := list(islice(staged, BATCH)):
            self.writer.add(batch)
            self.on_progress(self.tally.read)
        return SheetSummary(
            name=sheet.name, header_line=header.line, mapped=plan.mapping(), unmapped=plan.unmapped,
            unit=str(header.unit), read=self.tally.read - before, dropped=dict(dropped), totals=totals.found,
            headers=list(header.names),
        )  # fmt: skip

    def keys(self, sheet: Sheet) -> Iterator[str | None]:
        """Yield the key of every data row of a sheet, none where it has none; says whether all of it can be read.

        Raises:
            ImportFileError: As :meth:`stage`.
        """
        _, plan, rows = self._open(sheet)
        kind_of = PageRows(plan.header, plan.key_columns).kind
        data = (cells for _, cells in rows if kind_of(cells) == "data")
        for row_no, cells in enumerate(data, 1):
            yield plan.key_of(plan.extend(cells, row_no))

    def _open(self, sheet: Sheet) -> tuple[Header, RowPlan, Iterator[NumberedRow]]:
        header, rows = self._header(sheet)
        plan = RowPlan(self.profile, header, self.zone)
        if sheet.merged:
            rows = _fill_merged(rows, sheet.merged, frozenset(plan.amounts()))
        return header, plan, rows

    def _header(self, sheet: Sheet) -> tuple[Header, Iterator[NumberedRow]]:
        if not self.profile.file.header:
            return Header(0, self.profile.file.columns), sheet.rows
        first = list(islice(sheet.rows, HEADER_ROWS))
        found = find_header(first, self.wanted, self.profile.file.header_line)
        if found is None:
            raise ImportFileError(
                "wrong_profile",
                "No header of profile {profile} was found in the first {rows} rows.",
                "Choose another profile, or correct the headers.",
                profile=self.profile.id,
                rows=HEADER_ROWS,
            )
        at, header = found
        rows = chain(first[at + 1 :], sheet.rows)
        notes = note_places(header.names)
        if not notes:
            return header, rows
        return replace(header, names=tuple(without(header.names, notes))), as_delivered(rows, notes)

    def _staged(
        self, sheet: str, rows: Iterator[NumberedRow], plan: RowPlan, totals: Totals, dropped: Counter[str]
    ) -> Iterator[tuple[Any, ...]]:
        kind_of = PageRows(plan.header, plan.key_columns).kind
        tally, width, extend, build, add = self.tally, plan.width, plan.extend, plan.build, totals.add
        for line, cells in rows:
            kind = kind_of(cells)
            if kind != "data":
                dropped[kind] += 1
                if kind == "total":
                    totals.compare(line, cells)
                continue
            tally.read = row_no = tally.read + 1
            number = len(cells)
            if number > width and any(cells[width:]):
                key = plan.key_of(extend(list(cells), row_no))
                yield self._rejected(row_no, sheet, line, key, cells, [_too_long(number, width)])
                continue
            row = extend(cells, row_no)
            add(row)
            try:
                built = build(row)
            except InvalidValueError:
                yield self._rejected(row_no, sheet, line, plan.key_of(row), row[:width], plan.errors(row))
                continue
            records, branch = built.records, built.branch
            packed, digest = marshal.dumps(records, MARSHAL), _digest(records, branch)
            warnings = None if number >= width else self._short(number, width)
            raw = _raw(row[:width]) if self.keep_raw else None
            yield row_no, sheet, line, built.main_key, digest, branch, packed, None, warnings, raw

    def _rejected(
        self, row_no: int, sheet: str, line: int, key: str | None, cells: list[Any], errors: list[dict[str, Any]]
    ) -> tuple[Any, ...]:
        self.tally.rejected += 1
        return row_no, sheet, line, key, None, None, None, json.dumps(errors, ensure_ascii=False), None, _raw(cells)

    def _short(self, number: int, width: int) -> str:
        self.tally.warned += 1
        facts = {"number": str(number), "width": str(width)}
        message = "The row has {number} of {width} cells; the missing ones count as empty."
        return json.dumps([{"code": "row_short", "message": message, "cure": "", "facts": facts}])


def _fill_merged(
    rows: Iterator[NumberedRow],
    merged: Any,
    amounts: frozenset[int],
) -> Iterator[NumberedRow]:
    """Copy merged cells down; an amount merged over several rows counts once, in its first row."""
    above: list[Cell] = []
    for line, cells in rows:
        for at in merged.get(line, ()):
            if at < len(cells) and at < len(above) and at not in amounts:
                cells[at] = above[at]
        above = list(cells)
        yield line, cells


def _digest(records: list[Built], branch: str | None) -> bytes:
    digests = [record[1] for record in records]
    if branch is not None:
        digests.append(branch.encode())
    return blake2b(b"".join(digests), digest_size=16).digest()


def _raw(cells: list[Any]) -> str:
    return json.dumps([cell_text(cell) for cell in cells], ensure_ascii=False)


def _too_long(number: int, width: int) -> dict[str, Any]:
    problem = InvalidValueError(
        "row_too_long",
        "The row has {number} cells under {width} headers: a delimiter stands inside a value.",
        "Put the value in quotation marks.",
        number=number,
        width=width,
    )
    return value_error(problem, "", "")
