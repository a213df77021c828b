"""The data dictionary: every table with its owner, model, rows and fields, and which import profiles fill them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Table, inspect, text

from core.custom.fields import PREFIX
from core.db.base import Base, owner_of
from core.registry.fields import Field, Label

if TYPE_CHECKING:
    from core.app import Suite
    from core.imports.library import ImportLibrary
    from core.registry.models import RegisteredModel

Sources = Mapping[tuple[str, str], list[str]]
"""(model id, field) -> import profiles that fill it; the field is empty for the model itself."""


@dataclass(frozen=True)
class DictionaryField:
    """A column of a table, a field that a file fills without a column of its own, or one that administrators added.

    Args:
        name: Its name.
        label: For people; none for a column that no screen shows.
        kind: Field kind, or the type of the column.
        data_class: Grade of protection; empty where nothing is declared.
        masked: Shown masked.
        sources: Import profiles that fill it.
    """

    name: str
    label: Label | None
    kind: str
    data_class: str
    masked: bool
    sources: tuple[str, ...]


@dataclass(frozen=True)
class DictionaryTable:
    """A table.

    Args:
        name: Its name.
        owner: ``core`` or the plugin.
        model: Model id; empty where the table has no screens.
        label: Name of its records.
        rows: How many, by the statistics of the database; none where it has not counted yet.
        fields: Its columns and fields.
        sources: Import profiles that write to it.
    """

    name: str
    owner: str
    model: str
    label: Label | None
    rows: int | None
    fields: tuple[DictionaryField, ...]
    sources: tuple[str, ...]


def data_dictionary(suite: Suite, library: ImportLibrary) -> list[DictionaryTable]:
    """Return all tables that the database has, by owner and name; rows come from statistics, nothing is counted.

    Args:
        suite: The suite.
        library: Its import profiles.
    """
    models = {model.table.name: model for model in suite.registry}
    sources = _sources(library)
    with suite.database.reader.connect() as connection:
        present = set(inspect(connection).get_table_names())
        rows = _row_numbers(connection)
    tables = [table for table in Base.metadata.tables.values() if table.name in present]
    tables.sort(key=lambda table: (owner_of(table) != "core", owner_of(table), table.name))
    return [_table(suite, table, models.get(table.name), rows.get(table.name), sources) for table in tables]


def as_json(table: DictionaryTable) -> dict[str, Any]:
    """Return a table as JSON values."""
    return {
        "table": table.name,
        "owner": table.owner,
        "model": table.model,
        "label": _pair(table.label),
        "rows": table.rows,
        "sources": list(table.sources),
        "fields": [
            {
                "name": each.name,
                "label": _pair(each.label),
                "kind": each.kind,
                "data_class": each.data_class,
                "masked": each.masked,
                "sources": list(each.sources),
            }
            for each in table.fields
        ],
    }


HEAD = ("table", "owner", "model", "rows", "field", "label_en", "label_zh", "kind", "data_class", "masked", "sources")
"""Columns of the flat form."""


def flat_rows(tables: list[DictionaryTable]) -> Iterator[tuple[str, ...]]:
    """Yield one row per field, for CSV."""
    for table in tables:
        rows = "" if table.rows is None else str(table.rows)
        for each in table.fields:
            label = each.label or Label("", "")
            masked, sources = "masked" if each.masked else "", " ".join(each.sources)
            yield (
                table.name, table.owner, table.model, rows, each.name, label.en, label.zh, each.kind,
                each.data_class, masked, sources,
            )  # fmt: skip


def _pair(label: Label | None) -> dict[str, str] | None:
    return {"en": label.en, "zh": label.zh} if label is not None else None


def _sources(library: ImportLibrary) -> Sources:
    found: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for name, (profile, _document) in sorted(library.profiles.items()):
        for record in profile.records:
            for field in ("", *record.fields):
                known = found[record.model.id, field]
                if name not in known:
                    known.append(name)
    return found


def _row_numbers(connection: Connection) -> dict[str, int]:
    """Return rows by table as the database last counted them."""
    if connection.dialect.name != "sqlite":
        query = text(
            "SELECT c.relname AS name, c.reltuples::bigint AS number FROM pg_class c "
            "JOIN pg_namespace n ON n.oid = c.relnamespace "
            "WHERE c.relkind IN ('r', 'p') AND n.nspname = current_schema() AND c.reltuples >= 0"
        )
        return {row.name: row.number for row in connection.execute(query)}
    if "sqlite_stat1" not in inspect(connection).get_table_names(sqlite_include_internal=True):
        return {}
    rows = connection.execute(
        text("SELECT tbl AS name, max(CAST(stat AS INTEGER)) AS number FROM sqlite_stat1 GROUP BY tbl")
    )
    return {row.name: row.number for row in rows}


def _table(
    suite: Suite, table: Table, model: RegisteredModel | None, rows: int | None, sources: Sources
) -> DictionaryTable:
    fields = [_column(table, model, name, sources) for name in table.columns.keys()]  # noqa: SIM118 -- keys, not columns
    if model is not None:
        others = (*model.declaration.virtual, *(each.field for each in suite.custom_fields.of(model.id, None)))
        fields += [_field(model, each, sources) for each in others]
    return DictionaryTable(
        table.name,
        owner_of(table),
        model.id if model else "",
        model.declaration.label if model else None,
        rows,
        tuple(fields),
        tuple(sources.get((model.id, ""), ())) if model else (),
    )


def _column(table: Table, model: RegisteredModel | None, name: str, sources: Sources) -> DictionaryField:
    declared = model.fields.get(name) if model is not None else None
    if model is not None and declared is not None:
        return _field(model, declared, sources)
    return DictionaryField(name, None, str(table.columns[name].type).lower(), "", False, ())


def _field(model: RegisteredModel, field: Field, sources: Sources) -> DictionaryField:
    filled = sources.get((model.id, field.name), ())
    kind = f"{field.kind} (added)" if field.name.startswith(PREFIX) else field.kind
    return DictionaryField(field.name, field.label, kind, field.data_class, bool(field.mask), tuple(filled))
