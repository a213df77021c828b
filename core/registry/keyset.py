"""Keyset paging: order and position of a list by its sort columns and id, empty values last on every database.

A nullable leading column splits the list into two regions, rows with a value and rows without. Each is one plain
index range, where ``NULLS LAST`` or ``OR`` would make the database walk or sort everything before the page.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, case, false, literal, or_, tuple_

CURSOR = "cursor_"
"""Begins the names of the parameters that hold the values of the cursor row, by their positions."""


@dataclass(frozen=True)
class Key:
    """One sort column.

    Args:
        column: Mapped attribute or expression.
        position: Index of its value among the values of a cursor row.
        descending: Direction.
        nullable: Whether the column can be empty.
        flag: The column tells whether another one is empty, so that empty values come last.
    """

    column: Any
    position: int
    descending: bool = False
    nullable: bool = False
    flag: bool = False

    @property
    def ordered(self) -> Any:
        """The ORDER BY element."""
        return self.column.desc() if self.descending else self.column.asc()

    def value(self, row: Sequence[Any]) -> Any:
        """Return the key's value of a cursor row."""
        return int(row[self.position] is None) if self.flag else row[self.position]

    def bound(self, row: Sequence[Any]) -> ColumnElement[Any]:
        """Return the key's value of a cursor row as a parameter, given anew where the statement is kept."""
        value = self.value(row)
        if self.flag:
            return literal(value, self.column.type)
        return bindparam(f"{CURSOR}{self.position}", value, type_=self.column.type)

    def beyond(self, row: Sequence[Any]) -> ColumnElement[bool]:
        """Test for rows after the cursor row, in the direction of the key."""
        if self.value(row) is None:
            return false()
        bound = self.bound(row)
        test: ColumnElement[bool] = self.column < bound if self.descending else self.column > bound
        return test

    def equals(self, row: Sequence[Any]) -> ColumnElement[bool]:
        """Test for rows with the value of the cursor row."""
        empty = self.value(row) is None
        test: ColumnElement[bool] = self.column.is_(None) if empty else self.column == self.bound(row)
        return test


@dataclass(frozen=True)
class Region:
    """A part of the list that is one index range.

    Args:
        keys: What orders it.
        condition: What holds in it.
        empty: The leading column is empty there.
        onward: It is narrowed to the rows beyond the cursor row.
    """

    keys: tuple[Key, ...]
    condition: ColumnElement[bool] | None = None
    empty: bool = False
    onward: bool = False

    def narrowed(self, row: Sequence[Any]) -> Region:
        """Return the rows of the region beyond the cursor row."""
        beyond = _beyond(self.keys, row)
        condition = beyond if self.condition is None else and_(self.condition, beyond)
        return replace(self, condition=condition, onward=True)


def regions(keys: Sequence[Key], *, backward: bool = False) -> list[Region]:
    """Split a list into its regions, in reading order.

    Args:
        keys: Sort keys, the id last.
        backward: Read from the end; directions are turned.
    """
    lead, rest = keys[0], [part for key in keys[1:] for part in _with_flag(key)]
    turned = [replace(key, descending=key.descending != backward) for key in (lead, *rest)]
    if not lead.nullable:
        return [Region(tuple(turned))]
    filled = Region((replace(turned[0], nullable=False), *turned[1:]), lead.column.is_not(None))
    empty = Region(tuple(turned[1:]), lead.column.is_(None), empty=True)
    return [empty, filled] if backward else [filled, empty]


def from_cursor(parts: list[Region], row: Sequence[Any]) -> list[Region]:
    """Drop the regions before a row and narrow its own region to the rows beyond it.

    Args:
        parts: Result of `regions`.
        row: The row's values of all keys, by their positions.
    """
    if len(parts) == 1:
        return [parts[0].narrowed(row)]
    own = next(index for index, part in enumerate(parts) if part.empty == (row[0] is None))
    return [parts[own].narrowed(row), *parts[own + 1 :]]


def _with_flag(key: Key) -> list[Key]:
    if not key.nullable:
        return [key]
    return [Key(case((key.column.is_(None), 1), else_=0), key.position, flag=True), key]


def _beyond(keys: tuple[Key, ...], row: Sequence[Any]) -> ColumnElement[bool]:
    if len(keys) == 1:
        return keys[0].beyond(row)
    if not any(key.nullable for key in keys) and len({key.descending for key in keys}) == 1:
        here = tuple_(*(key.column for key in keys))
        there = tuple_(*(key.bound(row) for key in keys))
        return here < there if keys[0].descending else here > there
    return _lexical(keys, row)


def _lexical(keys: tuple[Key, ...], row: Sequence[Any]) -> ColumnElement[bool]:
    """Spell out the comparison; the test on the leading column alone lets the index find the place."""
    cases = [
        and_(*(earlier.equals(row) for earlier in keys[:index]), key.beyond(row)) for index, key in enumerate(keys)
    ]
    lead, first = keys[0], keys[0].bound(row)
    bound = lead.column <= first if lead.descending else lead.column >= first
    return and_(bound, or_(*cases))
