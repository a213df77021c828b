"""The columns that a rejects file adds to the original ones; when the file comes back they are no data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

NOTE_COLUMNS = {
    "en": ("Original line", "Reason for rejection", "What to do"),
    "zh_CN": ("原文件行号", "拒绝原因", "处理办法"),
}
"""Line, reason and cure, per language."""


def note_places(names: Sequence[str]) -> frozenset[int]:
    """Return where the added columns stand; none unless the header is that of a rejects file."""
    for notes in NOTE_COLUMNS.values():
        if set(notes) <= set(names):
            return frozenset(at for at, name in enumerate(names) if name in notes)
    return frozenset()


def without(cells: Sequence[Any], places: frozenset[int]) -> list[Any]:
    """Return cells without those at some places."""
    return [cell for at, cell in enumerate(cells) if at not in places]


def as_delivered(rows: Iterator[tuple[int, list[Any]]], places: frozenset[int]) -> Iterator[tuple[int, list[Any]]]:
    """Give the rows of a rejects file back as they were: no added cells, no apostrophes before formulas."""
    from core.registry.export import unescape_cell

    for line, cells in rows:
        kept = without(cells, places)
        yield line, [unescape_cell(cell) if isinstance(cell, str) else cell for cell in kept]
