"""Statements as the driver takes them, made once: SQLAlchemy's own way costs a small query thrice what it takes."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import Any

from sqlalchemy import BindParameter, Connection, Dialect, Integer
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.compiler import ExpandedState, SQLCompiler

Convert = Callable[[Any], Any]
MOST_FORMS = 200
"""Texts kept of one statement, one for every choice of lengths of its lists."""


class Frozen:
    """A statement of columns with its text, the order of its parameters and the converters of its values.

    Args:
        statement: A SELECT or UNION of columns, no entities; all its options are worked in.
        dialect: Dialect of the database.
    """

    def __init__(self, statement: Any, dialect: Dialect) -> None:
        self._dialect = dialect
        self._compiled: SQLCompiler = statement.compile(dialect=dialect)
        self._binds = {name: bind for bind, name in self._compiled.bind_names.items()}
        self._lists = [name for name, bind in self._binds.items() if bind.required and bind.expanding]
        self._types = [column.type for column in statement.selected_columns]
        self._row = _row_type([column.key or "" for column in statement.selected_columns])
        self._forms: dict[tuple[int, ...], _Form] = {}
        self._converters: list[tuple[int, Convert]] | None = None

    def rows(self, connection: Connection, values: Mapping[str, Any]) -> list[Any]:
        """Run the statement and return its rows as named tuples.

        Args:
            connection: A connection inside a transaction.
            values: Its open parameters.

        Raises:
            DBAPIError: The database refuses.
        """
        form = self.form(values)
        cursor = connection.connection.cursor()
        try:
            cursor.execute(form.text, form.parameters(values))
            found = cursor.fetchall()
            if self._converters is None:
                self._converters = self._find_converters(cursor.description or ())
        except self._dialect.loaded_dbapi.Error as error:
            base = self._dialect.loaded_dbapi.Error
            raise DBAPIError.instance(form.text, None, error, base, dialect=self._dialect) from error
        finally:
            cursor.close()
        return [self._row(*row) for row in _converted(found, self._converters)]

    def form(self, values: Mapping[str, Any]) -> _Form:
        """Return the text for the lengths of the lists among the values."""
        lengths = tuple([len(values[name]) for name in self._lists])
        found = self._forms.get(lengths)
        if found is None:
            if len(self._forms) >= MOST_FORMS:
                self._forms.clear()
            state = self._compiled.construct_expanded_state(dict(values))
            found = self._forms[lengths] = _Form(state, self._binds, values, self._dialect)
        return found

    def _find_converters(self, description: Sequence[Any]) -> list[tuple[int, Convert]]:
        """Ask the types, which on PostgreSQL depend on what the driver says of its columns."""
        pairs = enumerate(zip(self._types, description, strict=True))
        kinds = [(place, each.dialect_impl(self._dialect), told[1]) for place, (each, told) in pairs]
        found = [(place, kind.result_processor(self._dialect, code)) for place, kind, code in kinds]
        return [(place, convert) for place, convert in found if convert is not None]


class _Form:
    """One text of a statement, and how values become the driver's parameters."""

    def __init__(
        self, state: ExpandedState, binds: Mapping[str, BindParameter[Any]], values: Mapping[str, Any], dialect: Dialect
    ) -> None:
        self._fixed: dict[str, Any] = {}
        self._open: list[tuple[str, Sequence[str] | None, Convert | None]] = []
        for name, bind in binds.items():
            convert = bind.type.dialect_impl(dialect).bind_processor(dialect)
            expanded = state.parameter_expansion.get(name)
            if name in values:
                self._open.append((name, expanded, convert))
                continue
            for each in (name,) if expanded is None else expanded:
                value = state.parameters[each]
                self._fixed[each] = convert(value) if convert else value
        self.text, self._order = state.statement, state.positiontup
        if self._order is not None:
            self._settle_plan(binds, state)

    def _settle_plan(self, binds: Mapping[str, BindParameter[Any]], state: ExpandedState) -> None:
        """Keep SQLite from planning at every run: it does where the value of a parameter could lead to another plan.

        Whole numbers that are known are written into the text, for a plan that suits them; of open ones, which are
        identities and numbers of rows, any value has the same plan: behind a plus SQLite does not look at them.
        """
        pieces, order = self.text.split("?"), self._order or ()
        if len(pieces) != len(order) + 1:
            return  # a question mark in a literal
        original = {each: name for name, parts in state.parameter_expansion.items() for each in parts}
        marks, still_open = [], []
        for name in order:
            known = self._fixed.get(name)
            written = f"{known}" if type(known) is int and known >= 0 else None
            numeric = isinstance(binds[original.get(name, name)].type, Integer)
            marks.append(written or ("+?" if numeric else "?"))
            still_open += [] if written else [name]
        self.text = "".join(chain.from_iterable(zip(pieces, [*marks, ""], strict=True)))
        self._order = still_open

    def parameters(self, values: Mapping[str, Any]) -> Any:
        """Return the parameters in the form of the driver."""
        given = dict(self._fixed)
        for name, expanded, convert in self._open:
            value = values[name]
            if expanded is not None:
                given.update(zip(expanded, map(convert, value) if convert else value, strict=True))
            else:
                given[name] = convert(value) if convert else value
        return given if self._order is None else [given[name] for name in self._order]


def _row_type(names: Sequence[str]) -> Callable[..., Any]:
    return namedtuple("Row", names, rename=True)


def _converted(rows: Sequence[Any], converters: Sequence[tuple[int, Convert]]) -> Sequence[Any]:
    """Return the rows with the values that need it converted, column by column."""
    if not converters or not rows:
        return rows
    columns = list(zip(*rows, strict=True))
    for place, convert in converters:
        columns[place] = tuple(map(convert, columns[place]))
    return list(zip(*columns, strict=True))
