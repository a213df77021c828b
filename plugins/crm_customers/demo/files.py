"""Writes rows as the file kinds core systems export: CSV in several encodings, gzip, XLSX; same rows, same bytes."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, cast

import xlsxwriter

Cell = str | int | float | date


class RowWriter(Protocol):
    """Something rows can be written to, one after the other."""

    def write(self, cells: Sequence[Cell]) -> None:
        """Writes one row."""


class TextFile(AbstractContextManager["TextFile"]):
    """A delimited text file.

    Args:
        path: The file to write; a name ending in ``.gz`` is compressed.
        encoding: Python codec; characters it cannot hold raise ``UnicodeEncodeError``.
        delimiter: Between the cells.
    """

    def __init__(self, path: Path, encoding: str, delimiter: str = ",") -> None:
        self._file = path.open("wb")
        # A gzip header carries name and time; both would change the bytes from run to run.
        self._packed = gzip.GzipFile("", "wb", 6, self._file, mtime=0) if path.suffix == ".gz" else None
        raw = cast("Any", self._packed or self._file)
        self._text = io.TextIOWrapper(raw, encoding=encoding, newline="", write_through=False)
        self._write = csv.writer(self._text, delimiter=delimiter, lineterminator="\r\n").writerow

    def write(self, cells: Sequence[Cell]) -> None:
        """Writes one row."""
        self._write(cells)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._text.close()
        self._file.close()


class SheetFile(AbstractContextManager["SheetFile"]):
    """An XLSX workbook with one sheet, written row by row.

    Args:
        path: The file to write.
        sheet: The sheet's name.
        created: The day in the file's properties, so that the bytes do not depend on the clock.
    """

    def __init__(self, path: Path, sheet: str, created: date) -> None:
        self._book = xlsxwriter.Workbook(str(path), {"constant_memory": True})
        stamp = datetime(created.year, created.month, created.day, tzinfo=UTC).replace(tzinfo=None)
        self._book.set_properties({"created": stamp})
        self._day = self._book.add_format({"num_format": "yyyy-mm-dd"})
        self._sheet = self._book.add_worksheet(sheet)
        self._row = 0

    def write(self, cells: Sequence[Cell]) -> None:
        """Writes one row; texts stay texts, days become date cells."""
        sheet, row = self._sheet, self._row
        for column, cell in enumerate(cells):
            if isinstance(cell, str):
                if cell:
                    sheet.write_string(row, column, cell)
            elif isinstance(cell, date):
                sheet.write_datetime(row, column, cell, self._day)
            else:
                sheet.write_number(row, column, cell)
        self._row += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._book.close()
