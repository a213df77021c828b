"""What records are called, for the references that lead to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Select, bindparam, select

from core.db.session import ScopedSession
from core.registry.filters import is_hidden
from core.registry.formats import masked
from core.registry.models import RegisteredModel


def load_titles(session: ScopedSession, target: RegisteredModel, ids: Sequence[int | None]) -> Mapping[Any, str]:
    """Return the titles of records by id, with one statement; records the actor may not see are absent.

    Args:
        session: Session of the actor.
        target: The model the ids belong to.
        ids: Any ids, ``None`` allowed.
    """
    wanted = sorted({row_id for row_id in ids if row_id is not None})
    if not wanted:
        return {}
    title = target.fields.get(target.declaration.title)
    if title is None or is_hidden(title):
        seen = session.execute(select(target.column("id")).where(target.column("id").in_(wanted))).scalars()
        return {row_id: f"#{row_id}" for row_id in seen}
    rows = session.rows(_titles_of(target, title.name), {"ids": wanted})
    show = masked(title) if title.mask else str
    return {row[0]: f"#{row[0]}" if row[1] is None else show(row[1]) for row in rows}


_titles: WeakKeyDictionary[type[Any], Select[Any]] = WeakKeyDictionary()


def _titles_of(target: RegisteredModel, title: str) -> Select[Any]:
    """Return the statement of titles, built once per model: building it costs as much as running it."""
    found = _titles.get(target.entity)
    if found is None:
        own = target.column("id")
        found = select(own, target.column(title)).where(own.in_(bindparam("ids", expanding=True)))
        _titles[target.entity] = found
    return found
