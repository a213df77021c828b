"""Orders of lists by fields that administrators added: their values are joined, not looked up row by row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import Select, select

from core.registry.added_fields import typed
from core.registry.keyset import Key

if TYPE_CHECKING:
    from core.db.session import ScopedSession
    from core.registry.query import ListDefinition


def is_added_order(definition: ListDefinition, sort: Sequence[str]) -> bool:
    """Whether an order goes by an added field."""
    return any(item.removeprefix("-") in definition.filters.added for item in sort)


def added_key(definition: ListDefinition, item: str, position: int) -> Key:
    """Return the sort key of an added field; ``item`` is its name, ``-`` before it for descending."""
    name = item.removeprefix("-")
    column = typed(definition.filters.added[name], definition.value_tables[name])
    return Key(column, position, item.startswith("-"), nullable=True)


def joined(definition: ListDefinition, statement: Select[Any], sort: Sequence[str]) -> Select[Any]:
    """Return a statement with the values of the added fields that it is sorted by; a record without one stays."""
    for name in dict.fromkeys(item.removeprefix("-") for item in sort):
        added = definition.filters.added.get(name)
        if added is not None:
            table = definition.value_tables[name]
            own = (table.c.record_id == definition.id_column) & (table.c.field_id == added.id)
            statement = statement.outerjoin_from(definition.model.entity, table, own)
    return statement


def added_cursor_row(
    session: ScopedSession, definition: ListDefinition, keys: list[Key], sort: Sequence[str], row_id: int | None
) -> Any:
    """Return what `core.registry.plain_pages.cursor_row` does, for an order by added fields."""
    if row_id is None:
        return None
    values = joined(definition, select(*(key.column for key in keys)), sort)
    return session.execute(values.where(definition.id_column == row_id)).first()
