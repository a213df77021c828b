"""Pages of a list in the order of its ids without conditions: the statement is built once, found through an index."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import Select, bindparam, select

from core.db.session import ScopedSession
from core.errors import UnscopedError

if TYPE_CHECKING:
    from core.registry.models import ListSource
    from core.registry.query import ListDefinition, ListQuery
    from core.security.actors import Actor

ORDERS: dict[tuple[str, ...], bool] = {("id",): False, ("-id",): True}
MOST_STATEMENTS = 200
"""Statements kept per list, one for every choice of columns, direction and branch."""


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
    found = definition.plain.get(key)
    if found is None:
        if len(definition.plain) >= MOST_STATEMENTS:
            definition.plain.clear()
        found = definition.plain[key] = _built(definition, columns, actor, descending=descending, onward=onward)
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
