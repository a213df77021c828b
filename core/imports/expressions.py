"""Compile a profile's expressions for one header: column positions and conversions, bound once per sheet."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from operator import getitem, itemgetter
from typing import Any

from core.errors import InvalidValueError
from core.imports.caches import Cache, Direct, Lookup
from core.imports.catalogue import FieldType, TargetField
from core.imports.conversions import Cell, Conversion, Value
from core.imports.headers import Columns
from core.imports.parts import TextStep, text_steps
from core.imports.profiles import Condition, Expression, Profile
from core.values.numbers import parse_identifier
from core.values.text import EMPTY_MARKERS, clean_text

KEY = TargetField("key", "identifier")
"""What a part of a key is read as where the profile names no type."""
_NUMBERS = frozenset({"integer", "money", "boolean"})

Convert = Callable[[Any], Value]


@dataclass(frozen=True)
class Slot:
    """One value of a row: where its cells stand and how they are read.

    Args:
        index: Position in the extended row (cells, row ordinal, groups of cells).
        cache: Cell -> canonical value.
        label: Header of the column, for messages.
        columns: Positions of the cells in the file; none for a constant.
    """

    index: int
    cache: Lookup
    label: str
    columns: tuple[int, ...]


class Compiler:
    """Binds expressions to the columns of one sheet; groups of columns become extra cells of the extended row.

    Equal expressions on equal columns share one slot: a policy number feeds a key, a field and two links.
    """

    def __init__(self, profile: Profile, columns: Columns, zone: str) -> None:
        self.profile = profile
        self.columns = columns
        self.zone = zone
        self.groups: list[Callable[[Sequence[Any]], tuple[Any, ...]]] = []
        self._shared: dict[object, Slot] = {}

    @property
    def ordinal(self) -> int:
        """Position of the row ordinal in the extended row."""
        return self.columns.width

    def value(self, expression: Expression, target: TargetField) -> Slot | None:
        """Compile a field; none where its column is not in the file."""
        if expression.combine == "value":
            return self._constant(self._conversion(expression, target, ()).read(expression.value or ""))
        indexes = self._indexes(expression)
        if not indexes:
            return None
        kind = expression.type or target.type
        own = target.name if kind == "choice" or target.max_length else ""
        shared = (indexes, replace(expression, sources=()), kind, own)
        if shared not in self._shared:
            self._shared[shared] = self._slot(indexes, self._convert(expression, target, indexes))
        return self._shared[shared]

    def key(self, parts: Sequence[Expression]) -> Slot | None:
        """Compile a key: its parts joined with ``-``, empty where one is; none where a column is missing."""
        slots = [self._part(part) for part in parts]
        found = [slot for slot in slots if slot is not None]
        if len(found) < len(slots):
            return None
        if len(found) == 1 and parts[0].type not in _NUMBERS:
            return found[0]
        caches = [slot.cache for slot in found]

        def join(cells: tuple[Any, ...]) -> str | None:
            parts = [*map(getitem, caches, cells)]
            return None if None in parts else "-".join(map(str, parts))

        columns = tuple(at for slot in found for at in slot.columns)
        return self._group([slot.index for slot in found], join, columns)

    def needed(self, slot: Slot) -> Slot:
        """Return a slot whose empty value is an error of the row."""
        cache = slot.cache

        def check(cell: Any) -> Value:
            value: Value = cache[cell]
            if value is None:
                raise InvalidValueError("value_missing", "The cell is empty.", "Fill it in the source.")
            return value

        return replace(slot, cache=Direct(check))

    def condition(self, condition: Condition) -> tuple[int, Cache[bool]] | bool:
        """Compile a condition: position and test of its cell, or its fixed answer where the column is missing."""
        index = self.columns.find(condition.column)
        if index is None:
            return condition.filled is False
        text_of = Conversion(TargetField("when"), "text").text_of

        def test(cell: Cell) -> bool:
            text = clean_text(text_of(cell))
            return text in condition.one_of if condition.filled is None else (text is not None) == condition.filled

        return index, Cache(test)

    def _part(self, part: Expression) -> Slot | None:
        if part.combine == "row":
            return Slot(self.ordinal, Direct(str), "row", ())
        slot = self.value(part, KEY)
        return self._constant(part.default) if slot is None and part.default is not None else slot

    def _constant(self, value: Value) -> Slot:
        return Slot(self.ordinal, Direct(lambda _: value), "row", ())

    def _indexes(self, expression: Expression) -> tuple[int, ...]:
        found = [self.columns.find(aliases) for aliases in expression.sources]
        return tuple(index for index in found if index is not None)

    def _conversion(self, expression: Expression, target: TargetField, indexes: Sequence[int]) -> Conversion:
        kind: FieldType = expression.type or target.type
        unit = expression.unit
        if unit is None:
            unit = self.columns.unit(indexes[0]) if kind == "money" and indexes else Decimal(1)
        rules = self.profile.file
        pattern = None if expression.day else rules.date_format
        return Conversion(target, kind, unit=unit, decimal=rules.decimal, date_format=pattern, zone=self.zone)

    def _convert(self, expression: Expression, target: TargetField, indexes: Sequence[int]) -> Convert:
        conversion = self._conversion(expression, target, indexes)
        steps = text_steps(expression, self.profile.maps)
        if expression.combine == "one":
            return _step_reader(conversion, steps) if steps else _cell_reader(conversion)
        if expression.combine == "sum":
            read = _sum_reader(conversion, steps)
        else:
            read = _join_reader(conversion, steps, expression.separator)
        return (lambda cell: read((cell,))) if len(indexes) == 1 else read

    def _slot(self, indexes: tuple[int, ...], convert: Convert) -> Slot:
        if len(indexes) == 1:
            return Slot(indexes[0], Cache(convert), self._label(indexes), indexes)
        return self._group(indexes, convert, indexes)

    def _group(self, indexes: Sequence[int], convert: Convert, columns: tuple[int, ...]) -> Slot:
        only = indexes[0]
        self.groups.append(itemgetter(*indexes) if len(indexes) > 1 else lambda cells: (cells[only],))
        return Slot(self.columns.width + len(self.groups), Direct(convert), self._label(columns), columns)

    def _label(self, columns: Sequence[int]) -> str:
        return " + ".join(self.columns.header.names[at] or f"#{at + 1}" for at in columns) or "row"


def _cell_reader(conversion: Conversion) -> Convert:
    text_of, read = conversion.text_of, conversion.read
    if conversion.kind == "identifier" and conversion.target.max_length is None:
        return _identifier_reader(text_of)
    return lambda cell: read(cell if cell.__class__ is str else text_of(cell))


def _identifier_reader(text_of: Callable[[Cell], str]) -> Convert:
    """Return the reader of identifiers: plain letters and digits, nearly all there are, need no cleaning."""

    def read(cell: Cell) -> str | None:
        text = cell if cell.__class__ is str else text_of(cell)
        plain = text.isalnum() and text.isascii() and text not in EMPTY_MARKERS
        return text if plain else parse_identifier(text)

    return read


def _step_reader(conversion: Conversion, steps: list[TextStep]) -> Callable[[Cell], Value]:
    text_of, convert = conversion.text_of, conversion.read

    def read(cell: Cell) -> Value:
        text = text_of(cell)
        for step in steps:
            text = step(text)
        return convert(text)

    return read


def _sum_reader(conversion: Conversion, steps: list[TextStep]) -> Callable[[Sequence[Cell]], Value]:
    read = _step_reader(conversion, steps)

    def add(cells: Sequence[Cell]) -> Value:
        values = [value for cell in cells if (value := read(cell)) is not None]
        if not values:
            return None
        if all(isinstance(value, int) for value in values):
            return sum(int(value) for value in values)
        return format(sum((Decimal(value) for value in values), Decimal(0)), "f")

    return add


def _join_reader(conversion: Conversion, steps: list[TextStep], separator: str) -> Callable[[Sequence[Cell]], Value]:
    def join(cells: Sequence[Cell]) -> Value:
        texts = [clean_text(conversion.text_of(cell)) for cell in cells]
        text = separator.join(filter(None, texts))
        for step in steps:
            text = step(text)
        return conversion.read(text)

    return join
