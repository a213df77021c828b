"""Reading one value of a filter by the kind of its field, and writing it back."""

from __future__ import annotations

import calendar
import difflib
import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

from core.errors import InvalidValueError
from core.registry.fields import Field

LOCAL_ZONE = ZoneInfo("Asia/Shanghai")
"""Civil time of all branches; mainland China has one zone."""

NUMBERS = frozenset({"integer", "decimal", "ratio", "money"})
DAYS = frozenset({"date", "instant"})
EMPTY_WORDS = frozenset({"empty", "none", "空", "无"})
ME_WORDS = frozenset({"me", "我"})

_TRUE = frozenset({"true", "yes", "y", "1", "是", "有"})
_FALSE = frozenset({"false", "no", "n", "0", "否", "无"})
_RELATIVE = re.compile(r"([+-]?\d{1,5})(d|w|m|y|天|日|周|月|年)")
_UNITS = {"天": "d", "日": "d", "周": "w", "月": "m", "年": "y"}
_NAMED_DAYS = {"today": 0, "今天": 0, "tomorrow": 1, "明天": 1, "yesterday": -1, "昨天": -1}
_DAY = re.compile(r"(\d{4})(?:[-/.](\d{1,2})(?:[-/.](\d{1,2}))?)?")


def fold(text: str) -> str:
    """Return a name or word without case, width, spaces and punctuation, for comparison."""
    return "".join(sign for sign in unicodedata.normalize("NFKC", text).casefold() if sign.isalnum())


@dataclass(frozen=True)
class Relative:
    """A day counted from today: ``30d``, ``-2w``, ``3m``, ``1y``."""

    amount: int
    unit: str = "d"

    def __str__(self) -> str:
        return f"{self.amount}{self.unit}"

    def day(self, today: date) -> date:
        """Return the civil day; a month or year later is the same day of the month, or its last day."""
        if self.unit in "dw":
            return today + timedelta(days=self.amount * (7 if self.unit == "w" else 1))
        months = today.year * 12 + today.month - 1 + self.amount * (12 if self.unit == "y" else 1)
        year, month = max(1, min(9999, months // 12)), months % 12 + 1
        return date(year, month, min(today.day, calendar.monthrange(year, month)[1]))


Day = date | Relative


def today_here() -> date:
    """Return the civil day of the branches."""
    return datetime.now(LOCAL_ZONE).date()


def start_of_day(day: date) -> datetime:
    """Return the instant at which a civil day begins, UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=LOCAL_ZONE).astimezone(UTC)


def read_value(field: Field, text: str) -> Any:
    """Read a single value.

    Args:
        field: The field it is compared with; its kind decides.
        text: As typed, unquoted.

    Returns:
        ``int``, ``Decimal``, ``bool``, choice code or text; a ratio is a fraction (``80%`` is 0.8).

    Raises:
        InvalidValueError: Names the field, the value, the cure.
    """
    if field.kind in NUMBERS:
        return _number(field, text)
    if field.kind == "boolean":
        return _boolean(field, text)
    if field.kind == "choice" and field.options:
        return _choice(field, text)
    return text.upper() if field.kind in {"plate", "vin"} else text


def read_span(field: Field, text: str) -> tuple[Day, Day]:
    """Read a day, month or year as its first and last day.

    Raises:
        InvalidValueError: Not a day; names the forms that are.
    """
    folded = text.strip().casefold()
    if folded in _NAMED_DAYS:
        return (Relative(_NAMED_DAYS[folded]),) * 2
    if found := _RELATIVE.fullmatch(folded):
        return (Relative(int(found[1]), _UNITS.get(found[2], found[2])),) * 2
    found = _DAY.fullmatch(folded)
    try:
        if found and int(found[1]):
            return _span(*(int(part) if part else 0 for part in found.groups()))
    except ValueError:
        pass
    raise wrong(field, text, "Write a day such as 2026-11-20, a month 2026-11, or a distance from today such as 30d.")


def _span(year: int, month: int, day: int) -> tuple[date, date]:
    if day:
        return (date(year, month, day),) * 2
    first, last = month or 1, month or 12
    return date(year, first, 1), date(year, last, calendar.monthrange(year, last)[1])


def _number(field: Field, text: str) -> Any:
    plain = unicodedata.normalize("NFKC", text).replace(",", "").replace("¥", "").replace("−", "-").strip()
    factor = Decimal(1)
    if plain.endswith(("万", "亿")):
        factor, plain = Decimal(10_000 if plain.endswith("万") else 100_000_000), plain[:-1]
    plain = plain.removesuffix("%") if field.kind == "ratio" else plain
    try:
        number = Decimal(plain) * factor
    except InvalidOperation:
        raise wrong(field, text, "Write a number such as 3000 or 1.5万.") from None
    if not number.is_finite() or abs(number) >= Decimal(10) ** 15:
        raise wrong(field, text, "Write a number below 1,000 billion.")
    if field.kind != "integer":
        return number / 100 if field.kind == "ratio" else number
    if number != number.to_integral_value():
        raise wrong(field, text, "Write a whole number.")
    return int(number)


def _boolean(field: Field, text: str) -> bool:
    word = text.strip().casefold()
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    raise wrong(field, text, "Write true or false, 是 or 否.")


def _choice(field: Field, text: str) -> str:
    wanted = fold(text)
    known: dict[str, str] = {}
    for option in field.options:
        for name in (option.code, option.label.en, option.label.zh, *option.aliases):
            known.setdefault(fold(name), option.code)
    if wanted in known:
        return known[wanted]
    near = difflib.get_close_matches(wanted, known, n=1)
    options = ", ".join(option.code for option in field.options[:12])
    cure = "Did you mean {near}? Possible: {options}." if near else "Possible: {options}."
    raise wrong(field, text, cure, near=known[near[0]] if near else "", options=options)


def wrong(field: Field, text: str, cure: str, **facts: Any) -> InvalidValueError:
    """Build the error of a value that does not fit its field."""
    return InvalidValueError(
        "filter_value", "{value} is no value of {field}.", cure, field=field.name, value=text, **facts
    )


def value_text(kind: str, value: Any) -> str:
    """Write a value so that `read_value` or `read_span` reads it again."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return f"{plain_number(value * 100)}%" if kind == "ratio" else plain_number(value)
    return str(value)


def plain_number(value: Decimal) -> str:
    """Write a number without exponent and without idle zeros."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
