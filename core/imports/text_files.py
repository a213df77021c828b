"""Read delimited text row by row: find the delimiter, refuse quotes that never close."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from itertools import islice

from core.errors import ImportFileError
from core.imports.encodings import OpenStream
from core.imports.headers import HEADER_ROWS, count_hits

DELIMITERS = (",", "\t", ";", "|")
MAX_LINES_PER_ROW = 200
"""Lines one quoted cell may span; more means a quote that was never closed (security finding 10)."""


def find_delimiter(lines: Iterable[str], wanted: frozenset[str]) -> str:
    """Return the delimiter whose columns hit most known headers, then the one that makes most columns.

    Args:
        lines: First lines of the file.
        wanted: Folded headers the profile knows.
    """
    first = list(lines)

    def score(delimiter: str) -> tuple[int, int]:
        try:
            rows = list(csv.reader(first, delimiter=delimiter))
        except csv.Error:
            return 0, 0
        return max((count_hits(row, wanted) for row in rows), default=0), _common_width(rows)

    return max(DELIMITERS, key=score)


def _common_width(rows: list[list[str]]) -> int:
    widths = [len(row) for row in rows if row]
    return max(set(widths), key=lambda width: (widths.count(width) * (width > 1), width)) if widths else 0


def first_lines(open_stream: OpenStream, encoding: str, number: int = HEADER_ROWS * 2) -> list[str]:
    """Return the first lines of a text; each at most 100,000 characters."""
    with open_stream() as stream, io.TextIOWrapper(stream, encoding=encoding, newline="") as text:
        return list(islice(iter(lambda: text.readline(100_000), ""), number))


def text_rows(open_stream: OpenStream, encoding: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Yield line number (of the row's first line, 1-based) and cells.

    Raises:
        ImportFileError: ``csv_broken``: a quote that never closes, text behind a closed quote, a cell too long.
    """
    last = 0
    with open_stream() as stream, io.TextIOWrapper(stream, encoding=encoding, newline="") as text:
        reader = csv.reader(text, delimiter=delimiter, strict=True)
        try:
            for cells in reader:
                line = reader.line_num
                if line - last > MAX_LINES_PER_ROW:
                    raise _broken(last + 1, f"one cell spans {line - last} lines")
                yield last + 1, cells
                last = line
        except csv.Error as problem:
            raise _broken(last + 1, str(problem)) from problem


def _broken(line: int, problem: str) -> ImportFileError:
    return ImportFileError(
        "csv_broken",
        "The text cannot be split into cells from line {line} on: {problem}. A quotation mark is probably not closed.",
        "Correct the quotation marks in that line, or export the file again.",
        line=line,
        problem=problem,
    )
