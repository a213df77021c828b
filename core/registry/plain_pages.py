"""Pages of a list without conditions: their statements are built once, and found through an index."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from sqlalchemy import Select, bindparam, select

from core.db.session import ScopedSession
from core.errors import UnscopedError
from core.registry.keyset import CURSOR, Key, Region

if TYPE_CHECKING:
    from core.registry.models import ListSource
    from core.registry.query import ListDefinition, ListQuery
    from core.security.actors import Actor

ORDERS: dict[tuple[str, ...], bool] = {("id",): False, ("-id",): True}
MOST_STATEMENTS = 200
"""Statements kept per list, one for every choice of columns, order and branch."""


def is_plain(definition: ListDefinition, query: ListQuery) -> bool:
    """Whether nothing but the order of the ids is asked."""
    sort = tuple(query.sort or definition.model.declaration.sort)
    return sort in ORDERS and not query.conditions and not query.ids


def plain_rows(session: ScopedSession, definition: ListDefinition, query: ListQuery) -> Sequence[Any]:
    """Return the rows of a page and one more, read from the cursor on; backwards where the page lies before it.

    The cursor is an id, so its row need not be read; of one that is gone the neighbours are still the neighbours.

    Args:
        session: Session of the actor who asks.
        definition: The list.
        query: What is asked; see `is_plain`.

    Raises:
        InvalidValueError: A column is unknown.
    """
    if session.actor is None:
        raise UnscopedError("unscoped", "A query ran without an actor.")
    backward = query.before is not None
    place = query.before if backward else query.after
    descending = ORDERS[tuple(query.sort or definition.model.declaration.sort)] != backward
    statement = _kept(definition, query.columns, session.actor, descending=descending, onward=place is not None)
    values = {"row_count": query.limit + 1, **({} if place is None else {"place": place})}
    return session.rows(statement, values)


def cursor_row(session: ScopedSession, definition: ListDefinition, keys: list[Key], row_id: int | None) -> Any:
    """Return the sort values of the cursor row: only its id stands in the address, never a person's data.

    Args:
        session: Session of the actor who asks.
        definition: The list.
        keys: Sort keys, the id last.
        row_id: The cursor; of one that is gone or not seen there is no row.
    """
    if row_id is None:
        return None

    def build() -> Select[Any]:
        return select(*(key.column for key in keys)).where(definition.id_column == bindparam("row_id"))

    statement = _keep(definition, ("cursor", _names(keys)), build)
    return next(iter(session.rows(statement, {"row_id": row_id})), None)


def region_rows(
    session: ScopedSession,
    definition: ListDefinition,
    columns: tuple[str, ...],
    keys: list[Key],
    cursor: Any,
    region: Region,
    limit: int,
) -> Sequence[Any]:
    """Return the first rows of a region of a list in any order.

    Args:
        session: Session of the actor who asks.
        definition: The list.
        columns: Columns to read.
        keys: Sort keys of the list, the id last.
        cursor: Row of `cursor_row`, to which the region may be narrowed.
        region: Part of the list.
        limit: Rows at most.

    Raises:
        InvalidValueError: A column is unknown.
    """
    places = enumerate(cursor) if region.onward else ()
    values = {f"{CURSOR}{place}": value for place, value in places if value is not None}

    def build() -> Select[Any]:
        rows = definition.select(columns).order_by(*(key.ordered for key in region.keys))
        rows = rows if region.condition is None else rows.where(region.condition)
        return rows.limit(bindparam("row_count"))

    statement = _keep(definition, (columns, *map(_names, (keys, region.keys)), region.onward, tuple(values)), build)
    return session.rows(statement, {"row_count": limit, **values})


def _names(keys: Sequence[Key]) -> tuple[tuple[str, bool, bool], ...]:
    return tuple((getattr(key.column, "key", ""), key.descending, key.flag) for key in keys)


def plain_ids(definition: ListDefinition, actor: Actor) -> Select[Any]:
    """Return the select of the ids of all rows an actor sees, in no order; from the source where there is one."""
    source = _source(definition, actor)
    if source is None:
        return select(definition.id_column)
    return select(source.id_column).where(source.condition).distinct()


def _source(definition: ListDefinition, actor: Actor) -> ListSource | None:
    list_from = definition.model.declaration.list_from
    return list_from(actor) if list_from else None


def _kept(
    definition: ListDefinition, columns: tuple[str, ...], actor: Actor, *, descending: bool, onward: bool
) -> Select[Any]:
    scope = None if definition.model.declaration.list_from is None else (actor.branch_ids, actor.sees_all_branches)
    key = (columns, scope, descending, onward)
    build = partial(_built, definition, columns, actor, descending=descending, onward=onward)
    return _keep(definition, key, build)


def _keep(definition: ListDefinition, key: tuple[Any, ...], build: Callable[[], Select[Any]]) -> Select[Any]:
    found = definition.plain.get(key)
    if found is None:
        if len(definition.plain) >= MOST_STATEMENTS:
            definition.plain.clear()
        found = definition.plain[key] = build()
    return found


def _built(
    definition: ListDefinition, columns: tuple[str, ...], actor: Actor, *, descending: bool, onward: bool
) -> Select[Any]:
    source = _source(definition, actor)
    if source is None:
        return _page_of(definition.select(columns), definition.id_column, descending=descending, onward=onward)
    ids = select(source.id_column.label("id")).where(source.condition).distinct()
    found = _page_of(ids, source.id_column, descending=descending, onward=onward).subquery()
    statement = definition.select(columns).join_from(found, definition.model.entity, definition.id_column == found.c.id)
    return statement.order_by(found.c.id.desc() if descending else found.c.id.asc())


def _page_of(statement: Select[Any], order: Any, *, descending: bool, onward: bool) -> Select[Any]:
    if onward:
        place: Any = bindparam("place", type_=order.type)
        statement = statement.where(order < place if descending else order > place)
    return statement.order_by(order.desc() if descending else order.asc()).limit(bindparam("row_count"))
