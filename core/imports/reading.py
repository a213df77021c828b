"""Open an import file of any accepted kind as sheets of rows."""

from __future__ import annotations

import gzip
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import IO, Any, Literal, cast

from core.errors import ImportFileError
from core.imports.conversions import Cell
from core.imports.encodings import detect_encoding
from core.imports.headers import fold_header
from core.imports.options import StageOptions
from core.imports.profiles import FileRules, Profile
from core.imports.text_files import find_delimiter, first_lines, text_rows
from core.imports.workbooks import MAX_UNPACKED, check_archive, open_workbook, sheet_rows, visible_sheets

FileKind = Literal["text", "xlsx", "xls"]

MAX_GZIP_RATIO = 200
"""Unpacked to packed size of a ``.gz`` text; repetitive exports reach 60."""
_ZIP, _OLE, _GZIP = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"\x1f\x8b"
_SUFFIXES = {".xlsx": "xlsx", ".xlsm": "xlsx", ".xls": "xls", ".csv": "text", ".txt": "text", ".tsv": "text"}


@dataclass(frozen=True)
class Sheet:
    """One table of a file: its name (empty for text), rows with 1-based lines, cells merged with the row above."""

    name: str
    rows: Iterator[tuple[int, list[Cell]]]
    merged: Mapping[int, list[int]] = field(default_factory=dict)


@dataclass(frozen=True)
class Source:
    """An opened file; :meth:`sheets` reads it from the start each time."""

    path: Path
    kind: FileKind
    packed: bool
    encoding: str | None = None
    delimiter: str | None = None
    workbook: Any = None

    def sheet_names(self) -> list[str]:
        """Return the names of the visible sheets; text has one without a name."""
        return [""] if self.kind == "text" else visible_sheets(self.workbook)

    def sheets(self, globs: Iterable[str] = ()) -> Iterator[Sheet]:
        """Yield the visible sheets whose name fits one of ``globs`` (all where there is none)."""
        if self.kind == "text":
            rows = text_rows(lambda: _open(self.path, self.packed), self.encoding or "utf-8", self.delimiter or ",")
            yield Sheet("", cast("Iterator[tuple[int, list[Cell]]]", rows))
            return
        patterns = tuple(globs) or ("*",)
        for name in self.sheet_names():
            if any(fnmatchcase(name, pattern) for pattern in patterns):
                rows_of, merged = sheet_rows(self.workbook, name)
                yield Sheet(name, rows_of, merged)


def known_headers(profiles: Iterable[Profile]) -> frozenset[str]:
    """Return every header some profile accepts, folded."""
    return frozenset(
        fold_header(alias)
        for profile in profiles
        for group in (*profile.headers(), profile.file.required)
        for alias in group
    )


def open_source(path: Path, options: StageOptions, rules: FileRules, wanted: frozenset[str]) -> Source:
    """Open a file by its content; the name must not claim another kind.

    Args:
        path: The stored file.
        options: Its name, and the encoding and delimiter the user asks for; these win over the profile.
        rules: File rules of the profile.
        wanted: Folded headers that help to find the delimiter.

    Raises:
        ImportFileError: Empty, of another kind than its name says, damaged, or too large when unpacked.
    """
    packed = _head(path).startswith(_GZIP)
    head = _head(path, packed=packed)
    kind = _kind(head, options.name or path.name)
    if kind == "text":
        return _text_source(
            path, packed, options.encoding or rules.encoding, options.delimiter or rules.delimiter, wanted
        )
    stream = _unpacked(path) if packed else path.open("rb")
    if kind == "xlsx":
        check_archive(stream, path.stat().st_size)
    return Source(path, kind, packed, workbook=open_workbook(stream))


def _text_source(
    path: Path, packed: bool, encoding: str | None, delimiter: str | None, wanted: frozenset[str]
) -> Source:
    def open_stream() -> IO[bytes]:
        return _open(path, packed)

    found = detect_encoding(open_stream, encoding)
    return Source(path, "text", packed, found, delimiter or find_delimiter(first_lines(open_stream, found), wanted))


def _kind(head: bytes, name: str) -> FileKind:
    if not head:
        raise ImportFileError("file_empty", "The file is empty.", "Export it again.")
    kind: FileKind = "xlsx" if head.startswith(_ZIP) else "xls" if head.startswith(_OLE) else "text"
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    markup = kind == "text" and start.startswith((b"<html", b"<!doctype", b"<?xml", b"<table", b"%pdf", b"{\\rtf"))
    suffix = Path(name.lower().removesuffix(".gz")).suffix
    if markup or _SUFFIXES.get(suffix, kind) != kind:
        raise ImportFileError(
            "wrong_kind",
            "The content of {name} is not what its name says.",
            "Open it in a spreadsheet program and save it as .xlsx or as CSV.",
            name=name,
        )
    return kind


class _LimitedGzip(gzip.GzipFile):
    """A gzip stream that refuses to unpack to more than a plausible multiple of its packed size."""

    limit = 0

    def read(self, size: int | None = -1) -> bytes:
        data = super().read(size)
        if self.tell() > self.limit:
            raise ImportFileError("file_too_large", "The packed file unpacks to too much.", "Unpack it and split it.")
        return data


def _open(path: Path, packed: bool) -> IO[bytes]:
    if not packed:
        return path.open("rb")
    stream = _LimitedGzip(path, "rb")
    stream.limit = max(64 << 20, path.stat().st_size * MAX_GZIP_RATIO)
    return cast("IO[bytes]", stream)


def _head(path: Path, *, packed: bool = False) -> bytes:
    try:
        with _open(path, packed) as stream:
            return stream.read(4096)
    except (OSError, EOFError) as problem:
        raise ImportFileError(
            "file_unreadable", "The file cannot be read: {problem}.", "Send it again.", problem=str(problem)
        ) from problem


def _unpacked(path: Path) -> IO[bytes]:
    target = tempfile.TemporaryFile()  # noqa: SIM115  lives as long as the workbook
    with _open(path, packed=True) as stream:
        shutil.copyfileobj(stream, target, 1 << 20)
        if target.tell() > MAX_UNPACKED:
            raise ImportFileError("file_too_large", "The packed file unpacks to too much.", "Unpack it and split it.")
    target.seek(0)
    return target
