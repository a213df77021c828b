"""Fields that administrators added to a model: the typed column of each, conditions by it, loading and saving."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Dialect, Table, TypeDecorator, delete, select, type_coerce

from core.db.session import ScopedSession
from core.db.types import Money
from core.registry.fields import Field
from core.registry.models import RegisteredModel

SCALE = 4
"""Decimal places of a number."""
COLUMNS = {"text": "text", "choice": "text", "decimal": "number", "money": "number", "boolean": "number", "date": "day"}
"""Column in which values of a kind stand."""


@dataclass(frozen=True)
class Added:
    """A custom field in use.

    Args:
        id: Its number.
        model: Model id.
        branch_id: It exists for who works in this branch or below; none: everywhere.
        field: Its declaration as lists, forms and files read it.
    """

    id: int
    model: str
    branch_id: int | None
    field: Field


class Scaled(TypeDecorator[Decimal]):
    """A number: `Decimal` with four places in code, whole ten-thousandths in the database, exact on both."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> int | None:
        """Turn a number into ten-thousandths."""
        return None if value is None else int(Decimal(value).scaleb(SCALE))

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        """Turn ten-thousandths into a number."""
        return None if value is None else Decimal(int(value)).scaleb(-SCALE)


def value_table(model: RegisteredModel) -> Table:
    """Return the table with the values of a model's custom fields."""
    values = model.declaration.custom_values
    if values is None:
        raise LookupError(f"{model.id} takes no custom fields")
    table: Table = values.__table__  # type: ignore[assignment]  # a mapped class's table is a Table
    return table


def typed(added: Added, table: Any) -> ColumnElement[Any]:
    """Return the column of a field's values, of the type that they have in code."""
    kind = added.field.kind
    column: ColumnElement[Any] = table.c[COLUMNS[kind]]
    if kind == "boolean":
        return column == 1
    types: dict[str, TypeDecorator[Decimal]] = {"money": Money(), "decimal": Scaled()}
    return type_coerce(column, types[kind]) if kind in types else column


def scalar(added: Added, model: RegisteredModel) -> ColumnElement[Any]:
    """Return the value of a field as a column of the model's own statement: one look into the unique index per row."""
    table = value_table(model)
    own = select(typed(added, table)).where(table.c.record_id == model.column("id"), table.c.field_id == added.id)
    return own.correlate(model.table).scalar_subquery()


def with_value(added: Added, model: RegisteredModel, test: ColumnElement[bool] | None) -> ColumnElement[bool]:
    """Return the condition that a record has a value, for which a test of `typed` holds; found through an index."""
    table = value_table(model)
    ids = select(table.c.record_id).where(table.c.field_id == added.id)
    found: ColumnElement[bool] = model.column("id").in_(ids if test is None else ids.where(test))
    return found


def load_values(
    session: ScopedSession, model: RegisteredModel, fields: Iterable[Added], record_ids: Sequence[int]
) -> dict[int, dict[str, Any]]:
    """Return the values of records by id and field name.

    Args:
        session: Any session.
        model: The model.
        fields: The fields wanted.
        record_ids: Records that the actor sees.
    """
    by_id = {added.id: added for added in fields}
    found: dict[int, dict[str, Any]] = {row_id: {} for row_id in record_ids}
    if not by_id or not record_ids:
        return found
    table = value_table(model)
    wanted = (table.c.record_id.in_(list(record_ids)), table.c.field_id.in_(list(by_id)))
    for row in session.connection().execute(select(table).where(*wanted)):
        added = by_id[row.field_id]
        found[row.record_id][added.field.name] = _from_column(added, row._mapping[COLUMNS[added.field.kind]])
    return found


def save_values(
    session: ScopedSession, model: RegisteredModel, record_id: int, changes: Sequence[tuple[Added, Any]]
) -> None:
    """Write values of one record; without a value the row goes.

    Args:
        session: A write session whose actor sees the record.
        model: The model.
        record_id: The record.
        changes: Fields with their new values.
    """
    table, connection = value_table(model), session.connection()
    gone = [added.id for added, _ in changes]
    connection.execute(delete(table).where(table.c.record_id == record_id, table.c.field_id.in_(gone)))
    rows = [
        {"record_id": record_id, "field_id": added.id, "text": None, "number": None, "day": None}
        | {COLUMNS[added.field.kind]: to_column(added, value)}
        for added, value in changes
        if value is not None
    ]
    if rows:
        connection.execute(table.insert(), rows)


def to_column(added: Added, value: Any) -> Any:
    """Turn a value into what its column holds."""
    kind = added.field.kind
    if kind == "money":
        return int((Decimal(value) * 100).to_integral_value())
    if kind == "decimal":
        return int(Decimal(value).scaleb(SCALE))
    return int(value) if kind == "boolean" else value


def _from_column(added: Added, stored: Any) -> Any:
    kind = added.field.kind
    if kind == "money":
        return Decimal(stored).scaleb(-2)
    if kind == "decimal":
        return Decimal(stored).scaleb(-SCALE)
    return bool(stored) if kind == "boolean" else stored
