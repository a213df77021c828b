"""The one query builder: columns, conditions and order of a model become statements and pages.

Lists, export, JSON API and command line all come through here, so none can forget a row rule or show a hidden field.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Select, func, select

from core.db.session import ScopedSession
from core.errors import InvalidValueError, UnscopedError
from core.registry.added_fields import Added, scalar, value_table
from core.registry.added_orders import added_cursor_row, added_key, is_added_order, joined
from core.registry.fields import Field, Label
from core.registry.filter_sql import Context, expression, target_of
from core.registry.filter_values import today_here
from core.registry.filters import Condition, FilterSet
from core.registry.formats import masked
from core.registry.keyset import Key, Region, from_cursor, regions
from core.registry.models import RegisteredModel, Registry
from core.registry.plain_pages import cursor_row, is_plain, plain_ids, plain_rows, region_rows
from core.registry.titles import load_titles

if TYPE_CHECKING:
    from core.plugin.contributions import Column, Filter

COUNT_CAP = 10_000
STREAM_ROWS = 1_000
"""Rows fetched at once while streaming; bounds the memory of an export."""
MOST_SELECTS = 200
"""Statements kept per list, one for every choice of columns."""
UNSORTABLE = frozenset({"json", "reference"})


@dataclass(frozen=True)
class ListColumn:
    """A column a list can show: a field of the model or a column contributed by a plugin."""

    name: str
    label: Label
    kind: str
    field: Field | None = None
    contributed: Column | None = None
    target: RegisteredModel | None = None
    sortable: bool = False
    listed: bool = False


@dataclass(frozen=True)
class ListQuery:
    """What is asked of a list.

    Args:
        columns: Column names in order.
        conditions: All must hold.
        sort: Field names, ``-`` for descending; empty takes the model's order.
        after: Id of the row before the page.
        before: Id of the row behind the page.
        limit: Rows of the page.
        ids: Only these rows; empty means all.
        unmasked: Give masked fields in full; the caller has checked the right and writes the audit entry.
    """

    columns: tuple[str, ...]
    conditions: tuple[Condition, ...] = ()
    sort: tuple[str, ...] = ()
    after: int | None = None
    before: int | None = None
    limit: int = 50
    ids: tuple[int, ...] = ()
    unmasked: bool = False


@dataclass(frozen=True)
class Page:
    """Rows of a list, column by column.

    Args:
        ids: Identities of the rows.
        values: Per column name the values in row order; references are titles, masked values are masked.
        references: Per reference column the ids of the targets.
        more_before: There is a page before.
        more_after: There is a page behind.
    """

    ids: list[int]
    values: dict[str, list[Any]]
    references: dict[str, list[int | None]] = field(default_factory=dict)
    more_before: bool = False
    more_after: bool = False


class ListDefinition:
    """Everything that can be asked of one model's lists; built once, holds no rows.

    Args:
        model: The model.
        registry: All models, for the titles of references.
        columns: Columns that plugins contribute.
        filters: Filters that plugins contribute.
        withheld: Fields that do not exist for who asks; a contributed column of the same name takes its place.
        added: Fields that administrators added and that exist for who asks.
    """

    def __init__(
        self,
        model: RegisteredModel,
        registry: Registry,
        columns: Sequence[Column] = (),
        filters: Sequence[Filter] = (),
        withheld: frozenset[str] = frozenset(),
        added: Sequence[Added] = (),
    ) -> None:
        self.model = model
        self.registry = registry
        self.filters = FilterSet(model, filters, withheld, added)
        self.value_tables = {name: value_table(model).alias() for name in self.filters.added}
        self.id_column = model.column("id")
        self._selects: dict[tuple[str, ...], Select[Any]] = {}
        self.plain: dict[tuple[Any, ...], Select[Any]] = {}
        self.columns: dict[str, ListColumn] = {}
        for item in self.filters.readable.values():
            self.columns[item.name] = self._own_column(item)
        for extra in sorted(columns, key=lambda column: column.order):
            if extra.model == model.id:
                self.columns.setdefault(
                    extra.id, ListColumn(extra.id, extra.label, extra.kind, contributed=extra, listed=extra.listed)
                )

    def _own_column(self, item: Field) -> ListColumn:
        target = target_of(self.registry, item, self.model) if item.kind == "reference" else None
        sortable = item.filterable and not item.mask and item.kind not in UNSORTABLE
        return ListColumn(item.name, item.label, item.kind, item, None, target, sortable, item.listed)

    @property
    def default_columns(self) -> tuple[str, ...]:
        """Columns shown unless the user chose others; the title stands first."""
        listed = [column.name for column in self.columns.values() if column.listed]
        title = self.model.declaration.title
        if title in self.columns:
            listed = [title, *(name for name in listed if name != title)]
        return tuple(listed or list(self.columns)[:6])

    def column(self, name: str) -> ListColumn:
        """Return a column by name.

        Raises:
            InvalidValueError: There is none, or it is hidden; gives the nearest.
        """
        found = self.columns.get(name)
        if found is None:
            raise _unknown("unknown_column", "{model} has no column {value}.", self.model.id, name, self.columns)
        return found

    def keys(self, sort: Sequence[str]) -> list[Key]:
        """Return the sort keys of an order, the id last in the direction of the key before it.

        Raises:
            InvalidValueError: A name is unknown, or hidden or masked, whose order would give values away.
        """
        keys: list[Key] = []
        for item in dict.fromkeys(sort or self.model.declaration.sort):
            name = item.removeprefix("-")
            if name == "id":
                return [*keys, Key(self.id_column, len(keys), item.startswith("-"))]
            known = self.columns.get(name)
            if known is None or not known.sortable:
                sortable = {column.name: column for column in self.columns.values() if column.sortable}
                raise _unknown("unknown_sort", "{model} cannot be sorted by {value}.", self.model.id, name, sortable)
            if name in self.filters.added:
                keys.append(added_key(self, item, len(keys)))
                continue
            ordered = (known.field.sort_by if known.field else "") or name
            nullable = bool(self.model.table.columns[ordered].nullable)
            keys.append(Key(self.model.column(ordered), len(keys), item.startswith("-"), nullable))
        return [*keys, Key(self.id_column, len(keys), keys[-1].descending if keys else True)]

    def _column(self, name: str) -> Any:
        added = self.filters.added.get(name)
        return self.model.column(name) if added is None else scalar(added, self.model).label(name)

    def where(self, session: ScopedSession, conditions: Sequence[Condition], today: date) -> list[ColumnElement[bool]]:
        """Build the expressions of conditions for the session's actor."""
        if session.actor is None:
            raise UnscopedError("unscoped", "A query ran without an actor.")
        context = Context(self.registry, session, today)
        return [expression(self.filters, condition, context) for condition in conditions]

    def own_columns(self, names: Sequence[str]) -> list[ListColumn]:
        """Return those of the named columns that the statement itself selects.

        Raises:
            InvalidValueError: A name is unknown.
        """
        return [column for column in map(self.column, names) if column.contributed is None]

    def select(self, names: Sequence[str]) -> Select[Any]:
        """Return the statement of id and the named columns; the session adds the row rule."""
        key = tuple(names)
        found = self._selects.get(key)
        if found is None:
            if len(self._selects) >= MOST_SELECTS:
                self._selects.clear()
            found = select(self.id_column, *(self._column(column.name) for column in self.own_columns(names)))
            self._selects[key] = found
        return found


def load_column(column: ListColumn, session: ScopedSession, ids: Sequence[int]) -> Mapping[int, Any]:
    """Return the values of a contributed column for a page of ids; what its plugin raises reaches the caller."""
    return column.contributed.load_many(session, ids) if column.contributed else {}


LoadColumn = Callable[[ListColumn, ScopedSession, Sequence[int]], Mapping[int, Any]]


def fetch_page(
    session: ScopedSession,
    definition: ListDefinition,
    query: ListQuery,
    today: date | None = None,
    load: LoadColumn = load_column,
) -> Page:
    """Read one page: one statement, one more where the page crosses into rows without the sort value.

    Args:
        session: Session of the actor who asks.
        definition: The list.
        query: What is asked; a cursor row that is gone gives the first page.
        today: Civil day for relative conditions; default today.
        load: Loads the values of contributed columns.

    Raises:
        InvalidValueError: A column, order or condition is wrong.
    """
    if is_plain(definition, query):
        place = query.after if query.before is None else query.before
        backward, started = query.before is not None, place is not None
        rows: list[Any] = list(plain_rows(session, definition, query))
    else:
        rows, backward, started = _sorted_rows(session, definition, query, today or today_here())
    more = len(rows) > query.limit
    rows = rows[: query.limit]
    if backward:
        rows.reverse()
    before, after = (more, True) if backward else (started, more)
    return replace(_page(session, definition, query, rows, load), more_before=before, more_after=after)


def _sorted_rows(
    session: ScopedSession, definition: ListDefinition, query: ListQuery, today: date
) -> tuple[list[Any], bool, bool]:
    """Return the rows of a page and one more, whether they were read backwards, and whether rows lie before them."""
    backward = query.before is not None
    keys = definition.keys(query.sort)
    place, joins = query.before if backward else query.after, is_added_order(definition, query.sort)
    if joins:
        cursor = added_cursor_row(session, definition, keys, query.sort, place)
    else:
        cursor = cursor_row(session, definition, keys, place)
    backward = backward and cursor is not None
    parts = regions(keys, backward=backward)
    if cursor is not None:
        parts = from_cursor(parts, cursor)
    read = partial(region_rows, session, definition, query.columns, keys, cursor)
    if query.conditions or query.ids or joins:
        statement = _filtered(session, definition, query, today)
        read = partial(_rows_of, session, statement)
    rows: list[Any] = []
    for part in parts:
        rows += read(part, query.limit + 1 - len(rows))
        if len(rows) > query.limit:
            break
    return rows, backward, cursor is not None


def _rows_of(session: ScopedSession, statement: Select[Any], region: Region, limit: int) -> Sequence[Any]:
    return session.execute(_in_region(statement, region).limit(limit)).all()


def _filtered(session: ScopedSession, definition: ListDefinition, query: ListQuery, today: date) -> Select[Any]:
    statement = joined(definition, definition.select(query.columns), query.sort)
    statement = statement.where(*definition.where(session, query.conditions, today))
    return statement.where(definition.id_column.in_(query.ids)) if query.ids else statement


def _in_region(statement: Select[Any], region: Region) -> Select[Any]:
    narrowed = statement if region.condition is None else statement.where(region.condition)
    return narrowed.order_by(*(key.ordered for key in region.keys))


def _page(
    session: ScopedSession,
    definition: ListDefinition,
    query: ListQuery,
    rows: Sequence[Any],
    load: LoadColumn = load_column,
) -> Page:
    names = query.columns
    ids = [row[0] for row in rows]
    values: dict[str, list[Any]] = {}
    references: dict[str, list[int | None]] = {}
    for position, column in enumerate(definition.own_columns(names), 1):
        found = [row[position] for row in rows]
        if column.target is not None:
            references[column.name] = found
            titles = load_titles(session, column.target, found)
            found = [titles.get(row_id) for row_id in found]
        elif column.field is not None and column.field.mask and not query.unmasked:
            found = list(map(masked(column.field), found))
        values[column.name] = found
    for name in names:
        column = definition.column(name)
        if column.contributed is not None:
            given = load(column, session, ids) if ids else {}
            values[name] = [given.get(row_id) for row_id in ids]
    return Page(ids, {name: values[name] for name in names}, references)


def count(
    session: ScopedSession,
    definition: ListDefinition,
    conditions: Sequence[Condition],
    *,
    ids: Sequence[int] = (),
    cap: int | None = COUNT_CAP,
) -> tuple[int, bool]:
    """Count the matching rows, at most ``cap`` of them.

    Args:
        session: Session of the actor.
        definition: The list.
        conditions: All must hold.
        ids: Only these rows; empty means all.
        cap: Where counting stops; ``None`` counts all.

    Returns:
        The number, and whether there are more.
    """
    where = definition.where(session, conditions, today_here())
    if ids:
        where.append(definition.id_column.in_(ids))
    if cap is None:
        return int(session.execute(select(func.count(definition.id_column)).where(*where)).scalar_one()), False
    actor = session.actor
    plain = plain_ids(definition, actor) if actor is not None and not where else select(definition.id_column)
    some = plain.where(*where).limit(cap + 1).subquery()
    found = int(session.execute(select(func.count()).select_from(some)).scalar_one())
    return min(found, cap), found > cap


def stream(session: ScopedSession, definition: ListDefinition, query: ListQuery) -> Iterator[Page]:
    """Read all matching rows in pieces, with flat memory; ``after``, ``before`` and ``limit`` are ignored.

    Args:
        session: Session of the actor; stays busy until the last piece is taken.
        definition: The list.
        query: Columns, conditions, order.
    """
    statement = _filtered(session, definition, query, today_here())
    for region in regions(definition.keys(query.sort)):
        ordered = _in_region(statement, region).execution_options(yield_per=STREAM_ROWS)
        for rows in session.execute(ordered).partitions():
            yield _page(session, definition, query, rows)


def _unknown(code: str, message: str, model: str, name: str, known: Mapping[str, Any]) -> InvalidValueError:
    near = difflib.get_close_matches(name, known, n=1)
    return InvalidValueError(
        code,
        message,
        "Did you mean {near}?" if near else "Choose one of {known}.",
        model=model,
        value=name,
        near="".join(near),
        known=", ".join(list(known)[:20]),
    )
