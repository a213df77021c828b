"""What plugins contribute to imports: frozen dataclasses, no logic."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.registry.fields import Label

if TYPE_CHECKING:
    from core.db.session import ScopedSession


@dataclass(frozen=True)
class ImportDoubt:
    """Two records of which one must decide whether they are one, with what speaks for it.

    ``one`` came with the import; both are names as the person who imports may read them.
    """

    one: str
    other: str
    reasons: tuple[Label, ...]


@dataclass(frozen=True)
class ImportDoubts:
    """What a plugin would have a person decide about the rows of an import; ``examples`` are some of ``number``."""

    label: Label
    number: int
    examples: Sequence[ImportDoubt]


@dataclass(frozen=True)
class AfterImport:
    """Work after an import batch: called with (session, model ids touched, batch id)."""

    id: str
    run: Callable[[ScopedSession, frozenset[str], int], None]
    order: int = 100
