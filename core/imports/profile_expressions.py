"""Read the expressions of a profile: how a value, a key or a link is made of columns."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import cast

from core.imports.catalogue import FIELD_TYPES, Catalogue, FieldType
from core.imports.profile_section import Section, nearest, refuse
from core.imports.profiles import PARTS, Combine, Condition, Expression, Link

MapNames = frozenset[str]


def read_expression(file: str, path: str, content: object, maps: MapNames) -> Expression:
    """Read a short form (``"header"`` or a list of accepted headers) or a table.

    Args:
        file: Profile file name, for errors.
        path: Path of the key, for errors.
        content: The TOML value.
        maps: Names of the profile's value maps.

    Returns:
        The expression.

    Raises:
        ImportFileError: An unknown key, a wrong type, or no or several sources of the value.
    """
    if isinstance(content, str):
        return Expression(sources=((content,),))
    if isinstance(content, list):
        if not content or not all(isinstance(item, str) and item for item in content):
            raise refuse(file, path, "a list of column headers is expected")
        return Expression(sources=(tuple(content),))
    table = Section(file, path, content)
    combine, sources, value = _sources(table)
    expression = Expression(
        combine=combine,
        sources=sources,
        value=value,
        separator=" " if (text := table.text("with")) is None else text,
        type=cast("FieldType | None", table.choice("type", FIELD_TYPES)),
        unit=_unit(table),
        map=_map_name(table, maps),
        default=_scalar(table, "default"),
        strip=table.text("strip"),
        plus=table.whole("plus"),
        day=_day(table),
        before=table.text("before"),
        after=table.text("after"),
        slice=_slice(table),
        part=table.choice("part", PARTS),
    )
    table.finish()
    return expression


def _sources(table: Section) -> tuple[Combine, tuple[tuple[str, ...], ...], str | None]:
    value, column, row = _scalar(table, "value"), table.texts("column"), table.flag("row")
    added, joined = table.texts("sum"), table.texts("join")
    if sum((value is not None, bool(column), bool(added), bool(joined), bool(row))) != 1:
        raise refuse(table.file, table.path, "exactly one of column, value, sum, join and row is expected",
                     "Write for example { column = [\"保费\"] }.")  # fmt: skip
    if value is not None:
        return "value", (), value
    if row:
        return "row", (), None
    if column:
        return "one", (column,), None
    return ("sum" if added else "join"), tuple((name,) for name in added or joined), None


def _scalar(table: Section, key: str) -> str | None:
    value = table.get(key)
    if isinstance(value, (Mapping, list)):
        raise table.error(key, "a text, a number or true/false is expected")
    if value is None:
        return None
    return str(value).lower() if isinstance(value, bool) else str(value)


def _unit(table: Section) -> Decimal | None:
    value = table.get("unit")
    if value is None:
        return None
    try:
        unit = Decimal(str(value))
    except InvalidOperation:
        unit = Decimal(0)
    if isinstance(value, bool) or not unit.is_finite() or unit <= 0:
        raise table.error("unit", "a positive number is expected", "Write 10000 for amounts in 万元.")
    return unit


def _map_name(table: Section, maps: MapNames) -> str | None:
    name = table.text("map")
    if name is not None and name not in maps:
        raise table.error("map", f"there is no value map {name}", nearest(name, maps))
    return name


def _day(table: Section) -> str | None:
    day = table.text("day")
    if day is not None and not re.fullmatch(r"(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])", day):
        raise table.error("day", f"{day} is not a day of the year", 'Write month and day, such as "01-01".')
    return day


def _slice(table: Section) -> tuple[int, int] | None:
    value = table.get("slice")
    if value is None:
        return None
    if not (isinstance(value, list) and len(value) == 2 and all(type(item) is int for item in value)):
        raise table.error("slice", "two whole numbers are expected", "Write [0, 4] for the first four characters.")
    return value[0], value[1]


def read_key(table: Section, maps: MapNames) -> tuple[Expression, ...] | None:
    """Read ``key``: absent, ``"row"``, or a list of headers and tables whose texts are joined with ``-``."""
    content = table.get("key")
    if content is None:
        return None
    if content == "row":
        return (Expression(combine="row"),)
    if not isinstance(content, list) or not content:
        raise table.error("key", 'a list of columns or "row" is expected', 'Write key = ["保单号"].')
    return tuple(read_expression(table.file, f"{table.at('key')}[{at}]", part, maps) for at, part in enumerate(content))


def read_condition(table: Section) -> Condition | None:
    """Read ``when``: exactly one of ``filled``, ``equals`` and ``in`` on a column."""
    part = table.section("when")
    if part is None:
        return None
    column, filled, equals, texts = part.texts("column"), part.flag("filled"), part.texts("equals"), part.texts("in")
    part.finish()
    if not column or sum((filled is not None, bool(equals), bool(texts))) != 1:
        raise table.error("when", "a column and exactly one of filled, equals and in are expected",
                          'Write { column = "批单号", filled = true }.')  # fmt: skip
    return Condition(column=column, filled=filled, one_of=equals or texts)


def read_link(table: Section, name: str, catalogue: Catalogue, maps: MapNames) -> Link:
    """Read one link: the name of a record, or a table with ``model`` and ``key`` of an existing row."""
    content = table.get(name)
    if isinstance(content, str):
        return Link(record=content)
    part = Section(table.file, table.at(name), content)
    model = part.needed("model")
    if model not in catalogue:
        raise part.error("model", f"there is no model {model}", nearest(model, catalogue))
    key = read_key(part, maps)
    if key is None:
        raise part.error("key", "a list of columns is expected", 'Write key = ["保单号"].')
    link = Link(model=model, key=key, source=part.text("source"), required=bool(part.flag("required")))
    part.finish()
    return link
