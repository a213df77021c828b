"""One row of every table for each of four related branches, recognisable by its id and its texts wherever it shows."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import JSON, Boolean, Date, DateTime, Integer, LargeBinary, MetaData, Numeric, Table, inspect

from core.app import Suite
from core.db.base import Base, owner_of
from core.security.models import Branch, User

PLACES = ("parent", "own", "child", "sibling")
ID = {place: 7_000_001 + 100_000 * number for number, place in enumerate(PLACES, 1)}
"""The id of every row of a place, in every table: an address with it meets a row whatever kind it asks for."""
MARK = {"parent": "鼋", "own": "鼍", "child": "鼐", "sibling": "鼒"}
"""Signs that stand in no other text and in no random one."""
BRANCH = {place: number for number, place in enumerate(PLACES, 11)}
UNFILLED = {
    "core_attempt",
    "core_one_time_code",
    "core_user_session",
    "core_api_token",
    "core_second_factor",
    "core_recovery_code",
    "core_directory_identity",
    "core_audit_head",
    "core_epoch",
    "core_plugin",
    "core_plugin_step",
}
"""What the software keeps about itself for the whole installation, or needs for signing in."""
GIVEN = {"core_custom_field.kind": "text"}
"""Columns whose values are codes of the software without being declared as a choice."""


def fill(suite: Suite, user_id: int) -> None:
    """Add the branches and a row of every other table for each.

    Args:
        suite: An installation with tables and roles.
        user_id: A person to whom rows about people belong.
    """
    there = set(inspect(suite.database.reader).get_table_names())  # other tests declare tables of their own
    tables = [table for table in Base.metadata.sorted_tables if table.name in there and _is_filled(suite, table)]
    with suite.database.writer.begin() as connection:
        for place in PLACES:
            parent = {"parent": None, "own": BRANCH["parent"], "child": BRANCH["own"], "sibling": BRANCH["parent"]}
            row = {"id": BRANCH[place], "code": f"B{place}", "name": place, "parent_id": parent[place]}
            connection.execute(Branch.__table__.insert(), {**row, "area_code": "", "active": True, **_stamps()})
        for table in tables:
            for place in PLACES:
                connection.execute(table.insert(), _row(table, place, user_id, {each.name for each in tables}))


def rows_of_others(suite: Suite, own: set[str]) -> dict[str, list[tuple[Any, ...]]]:
    """Return all rows of the places that are not one's own, as the database has them."""
    foreign = [ID[place] for place in PLACES if place not in own]
    plain = MetaData()
    plain.reflect(suite.database.reader)
    with suite.database.reader.connect() as connection:
        return {
            name: [tuple(row) for row in connection.execute(table.select().where(table.c.id.in_(foreign)))]
            for name, table in plain.tables.items()
            if "id" in table.c and name not in UNFILLED
        }


def _is_filled(suite: Suite, table: Table) -> bool:
    ready = {"core", *(manifest.id for manifest in suite.plugins.ready())}
    is_real = owner_of(table) in ready
    if table.name in {model.table.name for model in suite.registry if model.declaration.shared}:
        return False  # declared to belong to the whole installation
    return is_real and "id" in table.c and table.name not in UNFILLED


def _row(table: Table, place: str, user_id: int, filled: set[str]) -> dict[str, Any]:
    row = {}
    for column in table.columns:
        if column.computed is not None or column.identity is not None:
            continue
        target = next(iter(column.foreign_keys), None)
        if target is not None:
            known = {Branch.__tablename__: BRANCH[place], User.__tablename__: user_id, "core_role": 1}
            name = target.column.table.name
            row[column.name] = known.get(name, ID[place] if name in filled else None)
        else:
            row[column.name] = ID[place] if column.primary_key else _value(column, place)
    return row


def _value(column: Any, place: str) -> Any:
    if str(column) in GIVEN:
        return GIVEN[str(column)]
    declared = column.info.get("field")
    if declared is not None and declared.options:
        return declared.options[0].code
    if column.name in {"row_id", "chain", "version"} or column.name.endswith("_id"):
        return ID[place] if column.name != "version" else 1
    samples: list[tuple[Any, Any]] = [
        (Boolean, True),
        (DateTime, datetime(2026, 1, BRANCH[place], tzinfo=UTC)),
        (Date, date(2026, 1, BRANCH[place])),
        (LargeBinary, ID[place].to_bytes(32, "big")),
        (JSON, {}),
        (Numeric, Decimal(1)),
        (Integer, 1),
    ]
    for kind, value in samples:
        if isinstance(column.type, kind) or isinstance(getattr(column.type, "impl", None), kind):
            return value
    return MARK[place]


def _stamps() -> dict[str, datetime]:
    return {"created_at": datetime.now(UTC), "changed_at": datetime.now(UTC)}
