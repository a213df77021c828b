"""Writing list queries as CSV, XLSX and JSON with flat memory; the rules are in docs/export.md."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from core.errors import InvalidValueError
from core.registry.formats import file_format, json_format, screen_format
from core.registry.query import ListColumn, ListDefinition, ListQuery, Page

FORMATS = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "json": "application/json",
    "jsonl": "application/x-ndjson",
}
"""Formats and their media types."""
XLSX_ROWS = 1_048_575
"""Rows of an XLSX sheet below the head (ECMA-376: 1,048,576 in all)."""

_TRIGGER = re.compile("[=+\\-@\t\r\n\0＝＋－＠']")
_PLAIN_NUMBER = re.compile(r"[+-]\d[\d ]*(?:\.\d+)?")
_NUMBERS = {"integer": "0", "count": "#,##0", "money": "#,##0.00", "decimal": "General", "ratio": "0.00%"}


@dataclass(frozen=True)
class Layout:
    """The columns of a file and the language of its head and choices; ``for_programs`` gives names and codes."""

    columns: tuple[ListColumn, ...]
    locale: str
    for_programs: bool = False

    @classmethod
    def of(cls, definition: ListDefinition, query: ListQuery, locale: str) -> Layout:
        """Build the layout of a query.

        Raises:
            InvalidValueError: A column does not exist.
        """
        return cls(tuple(definition.column(name) for name in query.columns), locale)

    @property
    def head(self) -> list[str]:
        """Labels of the columns, or their names."""
        if self.for_programs:
            return [column.name for column in self.columns]
        return [column.label.of(self.locale) for column in self.columns]

    def writer(self, column: ListColumn) -> Callable[[Any], Any]:
        """Return how a cell of a text file is written; a choice shows its label, which imports read too."""
        if column.kind == "choice" and not self.for_programs:
            shown = screen_format("choice", column.field, self.locale)
            return lambda value: "" if value is None else shown(value)
        return file_format("text" if column.target or _is_masked(column) else column.kind)


def escape_cell(text: str) -> str:
    """Put an apostrophe before a text that a spreadsheet would run as a formula.

    Plain numbers such as ``+8613812345678`` and ``-1`` stay as they are. A text that itself starts with an apostrophe
    gets a second one, so that `unescape_cell` always gives back the very same text. Source: OWASP CSV injection.
    """
    return f"'{text}" if text and _TRIGGER.match(text) and not _PLAIN_NUMBER.fullmatch(text) else text


def unescape_cell(text: str) -> str:
    """Take away the apostrophe that `escape_cell` put; for readers of our own files."""
    return text[1:] if len(text) > 1 and text[0] == "'" and escape_cell(text[1:]) == text else text


def csv_pieces(pages: Iterable[Page], layout: Layout) -> Iterator[bytes]:
    """Write CSV as Excel and WPS open it: UTF-8 with signature, every cell quoted; without signature for programs.

    Yields:
        The head, then one piece per page.
    """
    yield _csv([layout.head]).encode("utf-8" if layout.for_programs else "utf-8-sig")
    writers = [(column, layout.writer(column)) for column in layout.columns]
    for page in pages:
        cells = [_csv_cells(column, write, page.values[column.name]) for column, write in writers]
        yield _csv(zip(*cells, strict=True)).encode()


def _csv_cells(column: ListColumn, write: Callable[[Any], Any], values: list[Any]) -> list[str]:
    texts = map(write, values)
    if column.kind in _NUMBERS or column.kind in {"date", "instant", "boolean"}:
        return list(texts)
    return [escape_cell(text) for text in texts]


def _csv(rows: Iterable[Iterable[str]]) -> str:
    buffer = io.StringIO(newline="")
    csv.writer(buffer, quoting=csv.QUOTE_ALL).writerows(rows)
    return buffer.getvalue()


def json_pieces(pages: Iterable[Page], layout: Layout, *, lines: bool = False) -> Iterator[bytes]:
    """Write an array of objects, or one object a line; references are ``{"id", "title"}``.

    Yields:
        One piece per page.
    """
    yield b"" if lines else b"[\n"
    first = True
    for page in pages:
        texts = [json.dumps(row, ensure_ascii=False, default=str) for row in json_rows(page, layout.columns)]
        joined = "\n".join(texts) + "\n" if lines else ("" if first else ",\n") + ",\n".join(texts)
        first = first and not texts
        yield joined.encode() if texts else b""
    yield b"" if lines else b"\n]\n"


def json_rows(page: Page, columns: Iterable[ListColumn]) -> Iterator[dict[str, Any]]:
    """Return the rows of a page as JSON values under the columns' names, ``id`` first."""
    names, values = ["id"], [page.ids]
    for column in columns:
        names.append(column.name)
        found = page.values[column.name]
        if column.name in page.references:
            found = [
                None if row_id is None else {"id": row_id, "title": title}
                for row_id, title in zip(page.references[column.name], found, strict=True)
            ]
        else:
            found = list(map(json_format("text" if _is_masked(column) else column.kind), found))
        values.append(found)
    return (dict(zip(names, row, strict=True)) for row in zip(*values, strict=True))


def write_xlsx(pages: Iterable[Page], layout: Layout, file: Path) -> int:
    """Write one sheet row by row; texts are typed as texts, so nothing becomes a formula or a link.

    Args:
        pages: The rows.
        layout: Columns and language.
        file: Where to write.

    Returns:
        Number of rows.

    Raises:
        InvalidValueError: More rows than a sheet holds.
    """
    from xlsxwriter import Workbook

    with Workbook(str(file), {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}) as book:
        sheet = book.add_worksheet()
        sheet.freeze_panes(1, 0)
        head = book.add_format({"bold": True})
        for index, text in enumerate(layout.head):
            sheet.write_string(0, index, text, head)
        writers = [_xlsx_cell(book, sheet, index, column, layout) for index, column in enumerate(layout.columns)]
        row = 0
        for page in pages:
            if row + len(page.ids) > XLSX_ROWS:
                raise InvalidValueError(
                    "too_many_rows", "A sheet holds {most} rows.", "Choose CSV, or filter.", most=XLSX_ROWS
                )
            for values in zip(*(page.values[column.name] for column in layout.columns), strict=True):
                row += 1
                for write, value in zip(writers, values, strict=True):
                    write(row, value)
    return row


def _xlsx_cell(book: Any, sheet: Any, index: int, column: ListColumn, layout: Layout) -> Callable[[int, Any], None]:
    kind = "text" if column.target or _is_masked(column) else column.kind
    if kind in _NUMBERS:
        look = book.add_format({"num_format": _NUMBERS[kind]})
        return lambda row, value: None if value is None else sheet.write_number(row, index, float(value), look)
    if kind == "date":
        look = book.add_format({"num_format": "yyyy-mm-dd"})
        sheet.set_column(index, index, 11)
        return lambda row, value: sheet.write_datetime(row, index, value, look) if isinstance(value, date) else None
    write = layout.writer(column)
    return lambda row, value: None if value is None else sheet.write_string(row, index, write(value)[:32_767])


def _is_masked(column: ListColumn) -> bool:
    return column.field is not None and bool(column.field.mask)
