"""Marking what plugins should no longer use: it warns, and the build fails when its time is over."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import ParamSpec, TypeVar

from packaging.version import Version

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True)
class Deprecation:
    """Something that goes: its name, since which version of the interface, with which it is gone, what to use."""

    name: str
    since: str
    removed_in: str
    instead: str

    def is_due(self, version: str) -> bool:
        """Whether it must be gone in a version of the interface."""
        return Version(version) >= Version(self.removed_in)


REGISTER: list[Deprecation] = []
"""Everything that was marked in the modules loaded so far."""


def deprecated(*, since: str, removed_in: str, instead: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Mark a function of the interface that will be removed; each place that calls it is warned once.

    Args:
        since: Version of the interface in which it was first marked.
        removed_in: Version in which it is gone: a later major one.
        instead: What to use.

    Raises:
        ValueError: The removal does not come with a later major version.
    """
    if Version(removed_in).major <= Version(since).major:
        raise ValueError(f"{removed_in} is no later major version than {since}")

    def mark(function: Callable[P, R]) -> Callable[P, R]:
        found = Deprecation(f"{function.__module__}.{function.__qualname__}", since, removed_in, instead)
        REGISTER.append(found)

        @functools.wraps(function)
        def warned(*arguments: P.args, **named: P.kwargs) -> R:
            text = f"{found.name} is deprecated since {since} and gone in {removed_in}; use {instead}"
            warnings.warn(text, DeprecationWarning, stacklevel=2)
            return function(*arguments, **named)

        return warned

    return mark


def overdue(version: str, register: list[Deprecation] | None = None) -> list[str]:
    """Return the names that must be gone in a version of the interface."""
    return [each.name for each in (REGISTER if register is None else register) if each.is_due(version)]
