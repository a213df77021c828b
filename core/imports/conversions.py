"""Turn one cell into its canonical staged value by the type of the field it goes to."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from decimal import Decimal
from functools import partial

from core.errors import InvalidValueError
from core.imports.catalogue import IDENTIFIERS, FieldType, TargetField
from core.values.amounts import ONE, parse_amount, parse_ratio, to_cents
from core.values.dates import parse_date, parse_datetime
from core.values.numbers import parse_boolean, parse_decimal, parse_identifier, parse_integer
from core.values.plates import read_plate
from core.values.text import EMPTY_MARKERS, clean_text, fold

Cell = str | int | float | dt.datetime | dt.date | dt.time | dt.timedelta
"""What a reader yields: CSV gives texts only; empty is ``""``; Excel truth values arrive as ``TRUE``/``FALSE``."""

Value = str | int | bool | None
"""Canonical staged value (``docs/architecture.md``, "Import, step by step")."""

EXACT_INTEGERS = 10**15
"""Excel keeps 15 significant digits; a longer number cell has lost some."""


def cell_text(cell: Cell) -> str:
    """Return a cell as text: whole number cells without ``.0``, dates in ISO form."""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < EXACT_INTEGERS:
        return str(int(cell))
    if isinstance(cell, dt.datetime):
        return cell.isoformat(" ", "seconds")
    return cell.isoformat() if isinstance(cell, (dt.date, dt.time)) else str(cell)


def identifier_text(cell: Cell) -> str:
    """Return a cell as the text of an identifier.

    Raises:
        InvalidValueError: ``precision_lost`` for a number cell that is no exact whole number (domain facts T9-10).
    """
    if isinstance(cell, (int, float)) and not (cell == int(cell) and abs(cell) < EXACT_INTEGERS):
        raise InvalidValueError(
            "precision_lost",
            "“{value}” has lost digits: it was stored as a number.",
            "Format the column as text in the source and export again.",
            value=str(cell),
        )
    return cell_text(cell)


class Conversion:
    """Reads texts of one field: its type, and what the profile and the sheet say about numbers and dates.

    Args:
        target: The field.
        kind: Type to read as; the field's own unless a key says otherwise.
        unit: Factor of amounts and numbers.
        decimal: Decimal sign of the file.
        date_format: ``strptime`` pattern of the file's dates, or none.
        zone: IANA time zone of the file's clock times.
    """

    def __init__(
        self,
        target: TargetField,
        kind: FieldType,
        *,
        unit: Decimal = ONE,
        decimal: str = ".",
        date_format: str | None = None,
        zone: str = "Asia/Shanghai",
    ) -> None:
        self.target = target
        self.kind = kind
        self.text_of: Callable[[Cell], str] = identifier_text if kind in IDENTIFIERS else cell_text
        readers: dict[str, Callable[[str], Value]] = {
            "integer": partial(_integer, unit=unit),
            "decimal": partial(_decimal, unit=unit, decimal=decimal),
            "ratio": partial(_ratio, unit=unit, decimal=decimal),
            "money": partial(_money, unit=unit, decimal=decimal),
            "date": partial(_date, pattern=date_format),
            "instant": partial(_instant, pattern=date_format, zone=zone),
            "boolean": parse_boolean,
            "choice": partial(_choice, choices=_choice_texts(target)),
        }
        self.read: Callable[[str], Value] = readers.get(kind) or self._text_reader()

    def _text_reader(self) -> Callable[[str], Value]:
        read = _IDENTIFIER_READERS.get(self.kind, clean_text)
        if self.target.max_length is None:
            return read
        if read is clean_text:
            return partial(_limited_text, limit=self.target.max_length)
        return partial(_limited, read=read, limit=self.target.max_length)


_PLAIN_CENTS = re.compile(r"-?[0-9]{1,15}\.[0-9]{2}").fullmatch


def _upper(text: str) -> str | None:
    value = parse_identifier(text)
    return None if value is None else value.upper()


def _plate(text: str) -> str | None:
    plate = read_plate(text)
    return None if plate is None else plate.text


_IDENTIFIER_READERS: dict[str, Callable[[str], str | None]] = {
    "identifier": parse_identifier,
    "resident_id": _upper,
    "uscc": _upper,
    "vin": _upper,
    "plate": _plate,
}


def _integer(text: str, *, unit: Decimal) -> int | None:
    value = parse_integer(text)
    return value if value is None or unit == 1 else int(value * unit)


def _decimal(text: str, *, unit: Decimal, decimal: str) -> str | None:
    percent = text.rstrip().endswith(("%", "％"))
    value = parse_ratio(text, decimal=decimal) if percent else parse_decimal(text, decimal=decimal)
    return None if value is None else format(value if unit == 1 else value * unit, "f")


def _ratio(text: str, *, unit: Decimal, decimal: str) -> str | None:
    value = parse_ratio(text, decimal=decimal)
    return None if value is None else format(value if unit == 1 else value * unit, "f")


def _money(text: str, *, unit: Decimal, decimal: str) -> int | None:
    if unit == 1 and decimal == "." and _PLAIN_CENTS(text):
        return int(text.replace(".", ""))
    amount = parse_amount(text, unit=unit, decimal=decimal)
    return None if amount is None else to_cents(amount)


def _date(text: str, *, pattern: str | None) -> str | None:
    day = parse_date(text, pattern)
    return None if day is None else day.isoformat()


def _instant(text: str, *, pattern: str | None, zone: str) -> str | None:
    moment = parse_datetime(text, pattern, zone)
    return None if moment is None else moment.strftime("%Y-%m-%d %H:%M:%S")


def _choice_texts(target: TargetField) -> dict[str, str]:
    texts = {fold(code): code for code in target.choices or ()}
    return {**{fold(label): code for label, code in target.choice_labels.items()}, **texts}


def _choice(text: str, *, choices: dict[str, str]) -> str | None:
    if clean_text(text) is None:
        return None
    code = choices.get(fold(text))
    if code is None:
        raise InvalidValueError(
            "unknown_choice",
            "“{value}” is not one of the possible values: {choices}.",
            "Correct the cell or map the text in the import profile.",
            value=text,
            choices=", ".join(sorted(set(choices.values()))),
        )
    return code


def _limited_text(text: str, *, limit: int) -> str | None:
    # Letters and digits of any script, nearly all there are, need no cleaning.
    if text.isalnum() and len(text) <= limit and text not in EMPTY_MARKERS:
        return text
    return _limited(text, read=clean_text, limit=limit)


def _limited(text: str, *, read: Callable[[str], str | None], limit: int) -> str | None:
    value = read(text)
    if value is not None and len(value) > limit:
        raise InvalidValueError(
            "text_too_long",
            "The text is {length} characters long, {limit} are possible.",
            "Shorten it in the source.",
            length=len(value),
            limit=limit,
        )
    return value
