"""Plain numbers, booleans, and identifiers that only look like numbers."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final

from core.errors import InvalidValueError
from core.values.amounts import ungroup
from core.values.text import EMPTY_MARKERS, LONGEST_NUMBER, is_empty, narrow

_NUMBER: Final = re.compile(
    r"(?P<sign>[-+])?(?P<digits>[0-9][0-9.,'\s]*|[.,][0-9]+)(?:[eE](?P<exponent>[-+]?[0-9]{1,3}))?"
)
_FLOAT_SHOWN: Final = re.compile(r"[-+]?\d+(?:\.\d+)?[eE]\+\d+|\d+\.\d+[eE]\d+")
_FLOAT_CELL: Final = re.compile(r"(?P<whole>\d+)\.0+")
_EXCEL_TEXT: Final = re.compile(r'="(.*)"')
_EXACT_DIGITS: Final = 15  # IEEE 754 binary64 keeps every integer of 15 digits
_TRUE: Final = frozenset(["1", "y", "yes", "t", "true", "是", "有", "真", "对", "√", "✓", "✔", "1.0", "on"])
_FALSE: Final = frozenset(["0", "n", "no", "f", "false", "否", "无", "假", "没有", "×", "✗", "✘", "0.0", "off"])
_BOOLEANS: Final = {**dict.fromkeys(_TRUE, True), **dict.fromkeys(_FALSE, False)}


def parse_integer(raw: str) -> int | None:
    """Read a whole number; ``5.0`` of a float cell is 5.

    Args:
        raw: Text as delivered, thousands separators and full width allowed.

    Raises:
        InvalidValueError: ``invalid_integer`` (a fraction, not a number, beyond 64 bits) or ``precision_lost``.
    """
    if raw.isdecimal() and raw.isascii() and len(raw) < 19:
        return int(raw)
    number = parse_decimal(raw)
    if number is None:
        return None
    if number != number.to_integral_value() or abs(number) >= 2**63:
        raise InvalidValueError("invalid_integer", "“{value}” is not a whole number.", "Write digits only.", value=raw)
    if "." in raw and abs(number) >= 10**_EXACT_DIGITS:
        raise _precision_lost(raw)
    return int(number)


def parse_decimal(raw: str, *, decimal: str = ".") -> Decimal | None:
    """Read a number exactly.

    Args:
        raw: Text as delivered; a negative exponent is exact and taken, a positive one has lost digits.
        decimal: Decimal sign of the source, ``"."`` or ``","``.

    Raises:
        InvalidValueError: ``invalid_number`` or ``precision_lost``.
    """
    text = narrow(raw)
    if is_empty(text):
        return None
    match = _NUMBER.fullmatch(text.replace("−", "-")) if len(text) <= LONGEST_NUMBER else None
    number = ungroup(match["digits"].strip(), decimal) if match else None
    if match is None or number is None:
        raise InvalidValueError(
            "invalid_number", "“{value}” is not a number.", "Write digits with one decimal sign.", value=raw
        )
    exponent = int(match["exponent"] or 0)
    if exponent > 0:
        raise _precision_lost(raw)
    value = Decimal(number).scaleb(exponent)
    return -value if match["sign"] == "-" else value


def parse_boolean(raw: str) -> bool | None:
    """Read yes or no: 是/否, Y/N, 1/0, TRUE/FALSE, 有/无.

    Args:
        raw: Text as delivered. 无 is "no" here, not an empty marker.

    Raises:
        InvalidValueError: ``invalid_boolean``. Source: domain facts T9-16.
    """
    value = _BOOLEANS.get(raw)
    if value is not None:
        return value
    text = narrow(raw)
    value = _BOOLEANS.get(text.casefold())
    if value is None and not is_empty(text):
        raise InvalidValueError("invalid_boolean", "“{value}” is neither yes nor no.", "Write 是 or 否.", value=raw)
    return value


def parse_identifier(raw: str) -> str | None:
    """Read a policy number, document number or other code that must stay text.

    Args:
        raw: Text as delivered; a leading quote, ``="…"``, spaces and full width are taken away, case is kept.

    Returns:
        The code, or None for an empty marker. ``12345.0`` (at most 15 digits, so exact) loses its ``.0``.

    Raises:
        InvalidValueError: ``precision_lost`` for ``6.1021E+21`` and for longer float cells.
            Source: domain facts T9-10, T9-11.
    """
    if raw.isascii() and raw.isalnum():
        return None if raw in EMPTY_MARKERS else raw
    text = narrow(raw)
    wrapped = _EXCEL_TEXT.fullmatch(text)
    text = "".join((wrapped[1] if wrapped else text).lstrip("'`\u2018\u2019\"").split()).rstrip("\"'\u2019")
    if text in EMPTY_MARKERS:
        return None
    cell = _FLOAT_CELL.fullmatch(text)
    if _FLOAT_SHOWN.fullmatch(text) or (cell and len(cell["whole"]) > _EXACT_DIGITS):
        raise _precision_lost(raw)
    return cell["whole"] if cell else text


def _precision_lost(raw: str) -> InvalidValueError:
    return InvalidValueError(
        "precision_lost",
        "“{value}” has lost digits: it was stored as a number.",
        "Format the column as text in the source and export again.",
        value=raw,
    )
