"""Read Excel workbooks: check the archive before anything is unpacked, then give rows with merged cells filled."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from typing import IO, Any

from core.errors import ImportFileError
from core.imports.conversions import Cell

MAX_ENTRIES = 200
"""Parts of one workbook archive."""
MAX_UNPACKED = 400 * 1024 * 1024
"""Bytes of all parts together; the memory limit of the child stops most workbooks earlier."""
MAX_RATIO = 100
"""Unpacked to packed size; real workbooks stay below 40 (security plan, row 32)."""
MAX_MERGED_CELLS = 1_000_000
_MARKUP_CHECKED = 64 * 1024


def check_archive(stream: IO[bytes], size: int) -> None:
    """Refuse archives that are no plain workbook or would unpack to too much.

    Args:
        stream: The file.
        size: Its bytes.

    Raises:
        ImportFileError: ``workbook_refused`` with the reason.
    """
    try:
        with zipfile.ZipFile(stream) as archive:
            _check_entries(archive.infolist(), size)
            for entry in archive.infolist():
                _check_content(archive, entry)
    except (zipfile.BadZipFile, NotImplementedError, EOFError, RuntimeError, OSError) as problem:
        raise _refused("it is damaged or locked with a password") from problem
    finally:
        stream.seek(0)


def _check_entries(entries: list[zipfile.ZipInfo], size: int) -> None:
    names = [entry.filename.lower() for entry in entries]
    total = sum(entry.file_size for entry in entries)
    reasons = {
        "it has too many parts": len(entries) > MAX_ENTRIES,
        "it unpacks to too much": total > MAX_UNPACKED or (total > 1 << 20 and total > MAX_RATIO * size),
        "it is not an Excel workbook": not any(name in ("xl/workbook.xml", "xl/workbook.bin") for name in names),
        "it holds macros": any(name.endswith("vbaproject.bin") for name in names),
        "it holds another archive": any(name.endswith((".zip", ".xlsx", ".xlsm", ".gz")) for name in names),
    }
    for reason, true in reasons.items():
        if true:
            raise _refused(reason)


def _check_content(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> None:
    """Unpack one part block by block: the declared size and checksum must be true, and XML may declare no entities."""
    with archive.open(entry) as part:
        head = part.read(_MARKUP_CHECKED)
        if b"<!DOCTYPE" in head or b"<!ENTITY" in head:
            raise _refused("its XML declares entities")
        while part.read(1 << 20):
            pass


def open_workbook(stream: IO[bytes]) -> Any:
    """Return the calamine workbook of a checked file.

    Raises:
        ImportFileError: It is locked with a password or damaged.
    """
    import python_calamine

    try:
        return python_calamine.load_workbook(stream)
    except python_calamine.PasswordError as problem:
        raise _refused("it is locked with a password") from problem
    except (python_calamine.CalamineError, OSError) as problem:
        raise _refused("it is damaged") from problem


def visible_sheets(workbook: Any) -> list[str]:
    """Return the names of the worksheets a reader of the workbook sees, in order."""
    from python_calamine import SheetTypeEnum, SheetVisibleEnum

    return [
        sheet.name
        for sheet in workbook.sheets_metadata
        if sheet.visible == SheetVisibleEnum.Visible and sheet.typ == SheetTypeEnum.WorkSheet
    ]


def sheet_rows(workbook: Any, name: str) -> tuple[Iterator[tuple[int, list[Cell]]], dict[int, list[int]]]:
    """Return the rows of a sheet with their line numbers, and per line the columns merged with the row above.

    Raises:
        ImportFileError: The sheet is damaged.
    """
    import python_calamine

    try:
        sheet = workbook.get_sheet_by_name(name)
    except (python_calamine.CalamineError, OSError) as problem:
        raise _refused("it is damaged") from problem
    first_column = sheet.start[1] if sheet.start else 0
    return _rows(sheet), _merged(sheet, first_column)


def _rows(sheet: Any) -> Iterator[tuple[int, list[Cell]]]:
    for line, cells in enumerate(sheet.iter_rows(), start=1):
        if True in cells or False in cells:
            yield line, [str(cell).upper() if isinstance(cell, bool) else cell for cell in cells]
        else:
            yield line, cells


def _merged(sheet: Any, first_column: int) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    left = MAX_MERGED_CELLS
    for (top, column), (bottom, _) in sheet.merged_cell_ranges or ():
        left -= bottom - top
        if left < 0:
            raise _refused("too many cells are merged")
        for row in range(top + 1, bottom + 1):
            found.setdefault(row + 1, []).append(column - first_column)
    return found


def _refused(reason: str) -> ImportFileError:
    return ImportFileError(
        "workbook_refused",
        "The workbook cannot be read: {reason}.",
        "Save it again as a plain .xlsx, or as CSV in UTF-8.",
        reason=reason,
    )
