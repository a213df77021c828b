"""A bounded memory of converted cells: the same texts come back row after row."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, Protocol, TypeVar

CACHE_LIMIT = 4096
"""Cells remembered per column; a full cache is emptied, so that memory stays flat for unique numbers."""

T = TypeVar("T")


class Lookup(Protocol):
    """Anything that gives the value of a cell by ``[]``."""

    def __getitem__(self, cell: Any, /) -> Any:
        """Return the value of a cell."""
        ...


class Direct:
    """A lookup without memory, for values that hardly ever repeat."""

    __slots__ = ("convert",)

    def __init__(self, convert: Callable[[Any], Any]) -> None:
        self.convert = convert

    def __getitem__(self, cell: Any) -> Any:
        return self.convert(cell)


class Cache(dict[Any, T], Generic[T]):
    """A dictionary that computes what it lacks; looked up by ``operator.getitem`` at C speed.

    Args:
        convert: Computes the value of a cell; what it raises is not remembered.
    """

    def __init__(self, convert: Callable[[Any], T]) -> None:
        super().__init__()
        self.convert = convert

    def __missing__(self, cell: Any) -> T:
        found = self.convert(cell)
        if len(self) >= CACHE_LIMIT:
            self.clear()
        self[cell] = found
        return found
