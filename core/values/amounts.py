"""Amounts of money and ratios: exact decimals out of formatted text, and whole cents for storage."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import Final

from core.errors import InvalidValueError
from core.values.text import EMPTY_MARKERS, LONGEST_NUMBER, is_empty, narrow

ONE: Final = Decimal(1)
_PLAIN: Final = re.compile(r"-?[0-9]{1,18}(?:\.[0-9]+)?").fullmatch
_EXPONENT: Final = re.compile(r"[-+]?\d[\d.,]*[eE][-+]?\d+")
_SCALES: Final = {
    "": None,
    "元": ONE,
    "圆": ONE,
    "元整": ONE,
    "百元": Decimal(100),
    "千元": Decimal(1000),
    "万": Decimal(10_000),
    "万元": Decimal(10_000),
    "百万": Decimal(1_000_000),
    "百万元": Decimal(1_000_000),
    "千万": Decimal(10_000_000),
    "千万元": Decimal(10_000_000),
    "亿": Decimal(100_000_000),
    "亿元": Decimal(100_000_000),
}
_FORMATTED: Final = re.compile(
    r"(?P<open>\()?\s*(?P<sign1>[-+])?\s*(?:¥|RMB|CNY|人民币)?\s*(?P<sign2>[-+])?\s*(?P<digits>[0-9][0-9.,'\s]*|[.,][0-9]+)"
    r"\s*(?P<sign3>-)?\s*(?P<scale>[百千]?万?元?整?|圆|亿元?)\s*(?P<sign4>-)?\s*(?P<close>\))?",
    re.IGNORECASE,
)
_MINUS_SIGNS: Final = str.maketrans("−–—﹣", "----")
_MAX_CENTS: Final = 2**63 - 1


def parse_amount(raw: str, *, unit: Decimal = ONE, decimal: str = ".") -> Decimal | None:
    """Read an amount of money exactly.

    Args:
        raw: Text as delivered: ``1,234.50``, ``￥1,234.50元``, ``（1,234.50）``, ``1,234.50-``, ``1.2万``, full width.
        unit: Yuan that one written unit stands for, from the sheet's unit line (万元 = 10000). A unit written in
            the cell itself wins.
        decimal: The decimal sign of the source, ``"."`` or ``","``; the other one may group thousands.

    Returns:
        Yuan as Decimal, unrounded; None for an empty marker.

    Raises:
        InvalidValueError: ``exponent`` (a float shown as 6.1E+21 has lost digits) or ``invalid_amount``.
            Source: domain facts T9-3, T9-4, T9-5.
    """
    if _PLAIN(raw) and (decimal == "." or "." not in raw):
        amount = Decimal(raw)
        return amount if unit is ONE else amount * unit
    if raw in EMPTY_MARKERS:
        return None
    return _parse_formatted(raw, unit, decimal)


def to_cents(amount: Decimal) -> int:
    """Round yuan half up to whole cents (domain facts: money).

    Args:
        amount: Yuan.

    Raises:
        InvalidValueError: ``amount_out_of_range`` when the cents do not fit 64 bits.
    """
    scaled = amount.scaleb(2)
    cents = int(scaled)
    if cents != scaled:
        cents = int(scaled.quantize(ONE, rounding=ROUND_HALF_UP))
    if -_MAX_CENTS <= cents <= _MAX_CENTS:
        return cents
    raise InvalidValueError(
        "amount_out_of_range", "The amount {value} is too large.", "Check the unit of the amount.", value=str(amount)
    )


@lru_cache(maxsize=4096)
def parse_ratio(raw: str, *, percent: bool = False, decimal: str = ".") -> Decimal | None:
    """Read a ratio as a fraction: ``30%`` is 0.3.

    Args:
        raw: Text with or without a percent or per mille sign.
        percent: Whether numbers without a sign are percentages.
        decimal: Decimal sign of the source.

    Raises:
        InvalidValueError: ``exponent`` or ``invalid_amount``.
    """
    text = narrow(raw)
    if is_empty(text):
        return None
    scale = Decimal("0.01") if percent else ONE
    if text[-1] in "%‰":
        scale = Decimal("0.01") if text[-1] == "%" else Decimal("0.001")
        text = text[:-1].rstrip()
    return parse_amount(text, unit=scale, decimal=decimal)


def ungroup(digits: str, decimal: str) -> str | None:
    """Take out thousands separators and give the number with a decimal point, or None where groups are not of three.

    Args:
        digits: Unsigned digits with separators.
        decimal: Decimal sign of the source.
    """
    whole, _, fraction = digits.partition(decimal)
    if not fraction.isdigit() and fraction:
        return None
    groups = re.split(r"[\s']" + (r"|," if decimal == "." else r"|\."), whole.strip())
    if len(groups) > 1 and (not 1 <= len(groups[0]) <= 3 or any(len(group) != 3 for group in groups[1:])):
        return None
    whole = "".join(groups)
    if not (whole.isdigit() or (not whole and fraction)):
        return None
    return f"{whole or '0'}.{fraction}" if fraction else whole


def _parse_formatted(raw: str, unit: Decimal, decimal: str) -> Decimal | None:
    text = narrow(raw).translate(_MINUS_SIGNS)
    if len(text) > LONGEST_NUMBER:
        raise _invalid(raw)
    if is_empty(text):
        return None
    if _EXPONENT.fullmatch(text):
        raise InvalidValueError(
            "exponent", "“{value}” is a rounded number.", "Format the column as a number with all digits.", value=raw
        )
    match = _FORMATTED.fullmatch(text)
    number = ungroup(match["digits"].strip(), decimal) if match else None
    signs = [sign for sign in match.group("sign1", "sign2", "sign3", "sign4", "open") if sign] if match else []
    if match is None or number is None or len(signs) > 1 or bool(match["open"]) != bool(match["close"]):
        raise _invalid(raw)
    if match["scale"] not in _SCALES:
        raise _invalid(raw)
    amount = Decimal(number) * (_SCALES[match["scale"]] or unit)
    return -amount if signs and signs[0] in "-(" else amount


def _invalid(raw: str) -> InvalidValueError:
    return InvalidValueError(
        "invalid_amount", "“{value}” is not an amount.", "Write digits with one decimal sign.", value=raw
    )
