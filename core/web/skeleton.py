"""Pages in two steps: what many requests share is rendered once with gaps, a request only fills the gaps."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from threading import Lock
from typing import Generic, TypeVar

from markupsafe import Markup

_MARK = f"\x1e{secrets.token_hex(8)}\x1e"
"""Begins and ends the name of a gap; nobody outside this process can guess it, so no stored text can contain it."""

Kept = TypeVar("Kept")


def gap(name: str) -> Markup:
    """Return what stands in a skeleton for a value that differs from request to request."""
    return Markup(f"{_MARK}{name}{_MARK}")  # noqa: S704 -- a mark of our own, replaced before anybody sees it


class Skeleton:
    """Markup with gaps.

    Args:
        text: Rendered text with `gap` values in it.
    """

    def __init__(self, text: str) -> None:
        self._pieces = text.split(_MARK)
        self._gaps = [(place, self._pieces[place]) for place in range(1, len(self._pieces), 2)]

    def fill(self, values: Mapping[str, Markup]) -> Markup:
        """Return the markup with all gaps filled.

        Raises:
            KeyError: There is no value for a gap.
        """
        pieces = self._pieces.copy()
        for place, name in self._gaps:
            pieces[place] = values[name]
        return Markup("".join(pieces))  # noqa: S704 -- rendered by our own escaping templates, filled with markup

    def parts(self, *names: str) -> list[Skeleton]:
        """Split at gaps that stand in this order, each once; the parts are one more than the names."""
        found, text = [], _MARK.join(self._pieces)
        for name in names:
            part, text = text.split(gap(name), 1)
            found.append(Skeleton(part))
        return [*found, Skeleton(text)]


class Keep(Generic[Kept]):
    """Keeps the results used last, for values that are dear to make and small to hold.

    Args:
        most: How many are kept.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: OrderedDict[Hashable, Kept] = OrderedDict()
        self._lock = Lock()

    def get(self, key: Hashable, make: Callable[[], Kept]) -> Kept:
        """Return the result for a key, made at its first use."""
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
                return found
        made = make()
        with self._lock:
            self._kept[key] = made
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
        return made
