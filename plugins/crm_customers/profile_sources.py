"""Which source gave each field of a customer, and what imports changed (CU-01)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from core.api import canonical
from plugins.crm_customers.importing.winners import CORRECTION, PRIORITY
from plugins.crm_customers.models import Customer
from plugins.crm_customers.models.options import SOURCES
from plugins.crm_customers.profile_facts import CustomerFacts, Rows
from plugins.crm_customers.profile_tables import Cell, Reader, cell, table

DEFAULT_PRIORITY = 10
FIELDS = (
    "name",
    "kind",
    "sex",
    "birth_on",
    "occupation",
    "income",
    "industry_code",
    "ownership_code",
    "origin",
    "channel",
    "credit",
    "lost_to",
    "swept_on",
)
"""Fields of which a source's value is kept."""
IN_DOCUMENT = frozenset({"sex", "birth_on"})
"""Fields that a resident ID number says (GB 11643)."""


def source_tables(reader: Reader, facts: CustomerFacts, changes: Rows) -> list[dict[str, Any]]:
    """Return the links to sources, the origin of each field, and the changed values."""
    return [_links(reader, facts), _origins(reader, facts), _changes(reader, changes)]


def _links(reader: Reader, facts: CustomerFacts) -> dict[str, Any]:
    _ = reader.words
    heads = [
        (_("Source"), "text", "title"),
        (_("Source key"), "text", "figure"),
        (_("Delivered"), "instant", "figure"),
        (_("File"), "text", None),
        (_("Import"), "text", "figure"),
        (_("Row"), "count", None),
    ]
    rows: list[Mapping[str, Any]] = [
        {
            "id": row.id,
            "url": None,
            "cells": [
                cell(reader.label(SOURCES, row.source)),
                cell(_key(row.source_key)),
                cell(row.delivered_at, "instant"),
                cell(row.file_name),
                cell(f"#{row.batch_id}" if row.batch_id else None, url=reader.batch_url(row.batch_id)),
                cell(row.batch_row, "count"),
            ],
        }
        for row in facts.sources
    ]
    return table(_("Links to sources"), heads, rows, _("No source delivers this customer; it was entered here."))


def _key(source_key: str) -> str:
    """Keys made of a blind index are no number that a person knows."""
    return source_key if source_key[:3] not in {"id:", "np:", "row"} else "—"


def _origins(reader: Reader, facts: CustomerFacts) -> dict[str, Any]:
    _ = reader.words
    heads = [
        (_("Field"), "text", "title"),
        (_("Value in use"), "text", "figure"),
        (_("From"), "text", "figure"),
        (_("Other sources say"), "text", None),
    ]
    in_document = any(row.place == "identity" and row.kind == "resident_id" and row.valid for row in facts.numbers)

    def unsaid(name: str) -> str:
        return (
            _("read from the ID number") if in_document and name in IN_DOCUMENT else _("entered here, or the default")
        )

    rows: list[Mapping[str, Any]] = []
    for name in FIELDS:
        value = getattr(facts.customer, name)
        given = list(_given(facts, name))
        if value is None and not given:
            continue
        rows.append({"id": 0, "url": None, "cells": _origin_cells(reader, name, value, given, unsaid(name))})
    return table(_("Source of each field"), heads, rows, "")


def _given(facts: CustomerFacts, name: str) -> Iterator[tuple[int, Any, Any]]:
    """Yield (priority, value, source row), strongest and newest first."""
    ranked = sorted(facts.sources, key=lambda row: -PRIORITY.get(row.source, DEFAULT_PRIORITY))
    for row in ranked:
        value = (row.delivered or {}).get(name)
        if value is not None:
            yield PRIORITY.get(row.source, DEFAULT_PRIORITY), value, row


def _origin_cells(reader: Reader, name: str, value: Any, given: list[tuple[int, Any, Any]], unsaid: str) -> list[Cell]:
    _ = reader.words
    stored = stored_form(value)
    used = next((row for _rank, said, row in given if str(said) == str(stored)), None)
    others = [
        f"{_shown(reader, name, said)} ({reader.label(SOURCES, row.source)})"
        for _rank, said, row in given
        if str(said) != str(stored)
    ]
    kept = _("kept from before") if given else unsaid
    origin = kept if used is None else _at(reader, used)
    url = reader.batch_url(used.batch_id) if used is not None else None
    label = Customer.__table__.c[name].info["field"].label.of(reader.locale)
    shown = _shown(reader, name, stored)
    return [cell(label), cell(shown), cell(origin, url=url), cell("; ".join(dict.fromkeys(others)) or None)]


def _at(reader: Reader, row: Any) -> str:
    if row.source == CORRECTION:
        return reader.words("corrected here")
    facts = {"source": reader.label(SOURCES, row.source), "batch": row.batch_id, "row": row.batch_row or "—"}
    return reader.words("%(source)s, import %(batch)s row %(row)s") % facts


def stored_form(value: Any) -> Any:
    """Return a column's value in the form in which sources deliver it."""
    if isinstance(value, Decimal):
        return int(value.scaleb(2))
    return canonical("date", value) if isinstance(value, (date, datetime)) else value


def _shown(reader: Reader, name: str, value: Any) -> Any:
    field = Customer.__table__.c[name].info["field"]
    if value is None:
        return None
    if field.options:
        return reader.label(field.options, value)
    return f"{Decimal(value).scaleb(-2):,.2f}" if name == "income" else str(value)


def _changes(reader: Reader, changes: Rows) -> dict[str, Any]:
    _ = reader.words
    heads = [
        (_("When"), "instant", "figure"),
        (_("Field"), "text", "title"),
        (_("Before"), "text", "figure"),
        (_("After"), "text", "figure"),
        (_("Import"), "text", None),
        (_("State"), "text", None),
    ]
    rows: list[Mapping[str, Any]] = [
        {
            "id": row.id,
            "url": None,
            "cells": [
                cell(row.created_at, "instant"),
                cell(_label(reader, row.field)),
                cell(_value(reader, row.field, row.old)),
                cell(_value(reader, row.field, row.new)),
                cell(f"#{row.batch_id} {row.file_name}", url=reader.batch_url(row.batch_id)),
                cell(_("undone") if row.undone else _("in use")),
            ],
        }
        for row in changes
    ]
    return table(_("Changes by imports"), heads, rows, _("No import has changed a value."))


def _label(reader: Reader, name: str) -> str:
    column = Customer.__table__.c.get(name)
    field = column.info.get("field") if column is not None else None
    return str(field.label.of(reader.locale)) if field else name


def _value(reader: Reader, name: str, value: Any) -> Any:
    return _shown(reader, name, value) if name in FIELDS else None if value is None else str(value)
