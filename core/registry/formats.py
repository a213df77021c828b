"""How values of each kind are written: one compiled function per column, for screens and for files."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

from core.registry.fields import Field
from core.registry.filter_values import LOCAL_ZONE, plain_number
from core.values.masks import HIDDEN, MASKS

Formatter = Callable[[Any], Any]

NO_VALUE = "—"


def screen_format(kind: str, field: Field | None, locale: str) -> Formatter:
    """Return the function that writes a value for people.

    Args:
        kind: Field kind, or the kind of a contributed column.
        field: The field, for its choices; ``None`` for a contributed column.
        locale: ``zh_CN`` or ``en``.

    Returns:
        A function from value to text; no value gives ``—``.
    """
    if kind == "choice" and field is not None:
        labels = {choice.code: choice.label.of(locale) for choice in field.options}
        return lambda value: NO_VALUE if value is None else labels.get(value, value)
    if kind == "boolean":
        words = {None: NO_VALUE, True: "是", False: "否"} if locale.startswith("zh") else None
        words = words or {None: NO_VALUE, True: "Yes", False: "No"}
        return words.__getitem__
    return _SCREEN.get(kind, _text)


def masked(field: Field) -> Formatter:
    """Return the function that masks a value; a mask that is not known hides it whole."""
    mask = MASKS.get(field.mask, _hide)
    return lambda value: None if value is None else mask(str(value))


def file_format(kind: str) -> Formatter:
    """Return the function that writes a value into a file so that an import reads the same value again.

    Money has two places and no separators, days are ISO, instants ISO in local time, ratios fractions,
    booleans ``true`` or ``false``, choices their code; no value is an empty text.
    """
    return _FILE.get(kind, _file_text)


def json_format(kind: str) -> Formatter:
    """Return the function that makes a value JSON: exact numbers as text, instants in UTC; no value is null."""
    return _JSON.get(kind, lambda value: value)


def _hide(value: str) -> str:
    return HIDDEN if value else ""


def _text(value: Any) -> str:
    return NO_VALUE if value is None or value == "" else str(value)


def _count(value: Any) -> str:
    return NO_VALUE if value is None else f"{value:,}".replace("-", "−")


def _money(value: Any) -> str:
    return NO_VALUE if value is None else f"{value:,.2f}".replace("-", "−")


def _ratio(value: Any) -> str:
    return NO_VALUE if value is None else f"{value * 100:,.2f}".replace("-", "−")


def _instant(value: datetime | None) -> str:
    return NO_VALUE if value is None else f"{value.astimezone(LOCAL_ZONE):%Y-%m-%d %H:%M}"


def _structure(value: Any) -> str:
    return NO_VALUE if value is None else json.dumps(value, ensure_ascii=False)


_SCREEN: dict[str, Formatter] = {
    "money": _money,
    "ratio": _ratio,
    "count": _count,
    "decimal": lambda value: NO_VALUE if value is None else plain_number(value).replace("-", "−"),
    "instant": _instant,
    "json": _structure,
}


def _file_text(value: Any) -> str:
    return "" if value is None else str(value)


_FILE: dict[str, Formatter] = {
    "money": lambda value: "" if value is None else f"{value:.2f}",
    "decimal": lambda value: "" if value is None else plain_number(Decimal(value)),
    "ratio": lambda value: "" if value is None else plain_number(Decimal(value)),
    "boolean": lambda value: "" if value is None else "true" if value else "false",
    "instant": lambda value: "" if value is None else f"{value.astimezone(LOCAL_ZONE):%Y-%m-%d %H:%M:%S}",
    "json": lambda value: "" if value is None else json.dumps(value, ensure_ascii=False),
}

_JSON: dict[str, Formatter] = {
    "money": lambda value: None if value is None else f"{value:.2f}",
    "decimal": lambda value: None if value is None else plain_number(Decimal(value)),
    "ratio": lambda value: None if value is None else plain_number(Decimal(value)),
    "date": lambda value: None if value is None else value.isoformat(),
    "instant": lambda value: None if value is None else value.isoformat(),
}
