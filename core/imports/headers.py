"""Find the header row under title rows and say which column carries which header."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from core.imports.conversions import Cell, cell_text

HEADER_ROWS = 10
"""Rows searched for the header; exports put it in row 1-6 (domain facts 9.1)."""

_UNITS = {
    "元": Decimal(1),
    "千元": Decimal(1000),
    "万元": Decimal(10_000),
    "百万元": Decimal(1_000_000),
    "亿元": Decimal(100_000_000),
}
_UNIT_LINE = re.compile(r"(?:金额)?单位[:：]?(?:人民币)?[:：]?(百万元|万元|千元|亿元|元)")
_UNIT_SUFFIX = re.compile(r"(?:\((?:单位:?)?(?:人民币)?(百万元|万元|千元|亿元|元)\)|[/_](百万元|万元|千元|亿元|元))$")
_BRACKETS = str.maketrans("【】［］[]〔〕", "()()()()")


def fold_header(text: str) -> str:
    """Return a header in comparable form: NFKC, no spaces or marks of obligation, one kind of bracket, case folded."""
    narrow = unicodedata.normalize("NFKC", text).translate(_BRACKETS)
    return "".join(narrow.split()).strip("*:").casefold()


@dataclass(frozen=True)
class Header:
    """The header of one sheet.

    Args:
        line: Line of the header row in the file, 1-based; 0 where the profile names the columns.
        names: Header per column, made unique; empty for a column without one.
        titles: Folded texts of the rows above it.
        unit: Factor of the sheet's unit line.
    """

    line: int
    names: tuple[str, ...]
    titles: frozenset[str] = frozenset()
    unit: Decimal = Decimal(1)


@dataclass
class Columns:
    """Looks up columns by accepted headers and remembers which were used."""

    header: Header
    used: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.width = len(self.header.names)
        self._exact: dict[str, int] = {}
        self._bare: dict[str, int] = {}
        self._units: dict[int, Decimal] = {}
        for index, name in enumerate(self.header.names):
            folded = fold_header(name)
            if not folded:
                continue
            self._exact.setdefault(folded, index)
            suffix = _UNIT_SUFFIX.search(folded)
            if suffix:
                self._bare.setdefault(folded[: suffix.start()], index)
                self._units[index] = _UNITS[suffix[1] or suffix[2]]

    def find(self, aliases: Iterable[str], *, use: bool = True) -> int | None:
        """Return the first column that carries one of ``aliases``, the most wanted first, and mark it as used."""
        for alias in aliases:
            folded = fold_header(alias)
            index = self._exact.get(folded, self._bare.get(folded))
            if index is not None:
                if use:
                    self.used.add(index)
                return index
        return None

    def unit(self, index: int) -> Decimal:
        """Return the factor of amounts in a column: its own ``(万元)``, else the sheet's unit line."""
        return self._units.get(index, self.header.unit)

    def unused(self) -> list[int]:
        """Return the named columns nobody looked up."""
        return [at for at, name in enumerate(self.header.names) if name and at not in self.used]


def find_header(
    rows: Sequence[tuple[int, Sequence[Cell]]], wanted: frozenset[str], line: int | None = None
) -> tuple[int, Header] | None:
    """Find the header among the first rows by hits of known headers.

    A row is also tried together with the row above it, whose texts fill its gaps: merged two-line headers.

    Args:
        rows: Line numbers and cells of the first rows.
        wanted: Folded headers the profile knows.
        line: Line of the header where somebody said so; it needs no hit.

    Returns:
        Position of the header in ``rows`` and the header, or none where no row has a hit.
    """
    # A profile that names no header at all (key by row number, all columns kept) takes the first row with a text.
    best, best_hits, best_names = -1, 0 if line is None and wanted else -1, [""]
    above: list[str] = []
    for at, (number, cells) in enumerate(rows[:HEADER_ROWS]):
        own = [cell_text(cell).strip() for cell in cells]
        for names in (own, _filled(own, above)) if line in (None, number) else ():
            hits = count_hits(names, wanted)
            if hits > best_hits and any(names):
                best, best_hits, best_names = at, hits, names
        above = own
    if best < 0:
        return None
    titles = [text for _, cells in rows[:best] for cell in cells if (text := fold_header(cell_text(cell)))]
    return best, Header(rows[best][0], _unique(best_names), frozenset(titles), _sheet_unit(titles))


def count_hits(names: Iterable[str], wanted: frozenset[str]) -> int:
    """Count the distinct known headers in a row; a unit behind a header does not matter."""
    folded = {fold_header(name) for name in names if name}
    return sum(1 for name in folded if name in wanted or _UNIT_SUFFIX.sub("", name) in wanted)


def _filled(own: list[str], above: list[str]) -> list[str]:
    if not above or sum(1 for text in above if text) < 2:
        return own
    width = max(len(own), len(above))
    lower, upper = own + [""] * (width - len(own)), above + [""] * (width - len(above))
    return [low or high for low, high in zip(lower, upper, strict=True)]


def _unique(names: Sequence[str]) -> tuple[str, ...]:
    seen: dict[str, int] = {}
    found = []
    for name in names:
        flat = " ".join(name.split())
        seen[flat] = seen.get(flat, 0) + 1
        found.append(f"{flat} ({seen[flat]})" if flat and seen[flat] > 1 else flat)
    return tuple(found)


def _sheet_unit(titles: Iterable[str]) -> Decimal:
    for text in titles:
        match = _UNIT_LINE.search(text)
        if match:
            return _UNITS[match[1]]
    return Decimal(1)
