"""Resident identity numbers (居民身份证): reading, extending 15 to 18 digits, checking."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from functools import lru_cache
from operator import mul
from typing import Final

from core.values.numbers import parse_identifier

_WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK: Final = "10X98765432"
_ZERO: Final = ord("0") * sum(_WEIGHTS)
_FORM: Final = re.compile(r"[0-9]{17}[0-9X]").fullmatch
# First two digits of GB/T 2260; 83 marks residence permits of people from Taiwan.
_PROVINCES: Final = frozenset(
    f"{region}{province}"
    for region, provinces in {
        1: "12345",
        2: "123",
        3: "1234567",
        4: "123456",
        5: "01234",
        6: "12345",
        7: "1",
        8: "123",
    }.items()
    for province in provinces
)


@dataclass(frozen=True, slots=True)
class ResidentId:
    """A resident identity number as read.

    Attributes:
        number: 18 characters in upper case where the length allows, else as written without spaces.
        valid: Whether it may serve as a key; a wrong number is kept and shown, never used as one.
        problem: None, or ``length``, ``characters``, ``area``, ``birth_date``, ``check_digit``.
        birth_on: Birthday where it can be read.
        sex: ``male`` or ``female`` where the order digit can be read.
    """

    number: str
    valid: bool
    problem: str | None
    birth_on: dt.date | None
    sex: str | None


def read_resident_id(raw: str) -> ResidentId | None:
    """Read a resident identity number of 18 or 15 characters.

    Only the province of the area code is checked: the code is that of first issue, so abolished districts are genuine.

    Args:
        raw: Text as delivered, quote and spaces allowed.

    Returns:
        What was read, or None for an empty marker.

    Raises:
        InvalidValueError: ``precision_lost`` for a number that passed through a float cell.
            Source: GB 11643, domain facts section 3, T9-10, T9-11.
    """
    number = raw
    if not _FORM(raw):
        text = parse_identifier(raw)
        if text is None:
            return None
        number = extend(text.upper())
        if not _FORM(number):
            return ResidentId(number, False, "length" if len(number) != 18 else "characters", None, None)
    birth_on = _birthday(number[6:14])
    problem = _problem(number, birth_on)
    return ResidentId(number, problem is None, problem, birth_on, "male" if number[16] in "13579" else "female")


def extend(number: str) -> str:
    """Turn a number of the first generation (15 digits) into 18 characters; anything else comes back unchanged.

    Args:
        number: Digits; the two-digit year belongs to 19xx.
    """
    if len(number) != 15 or not (number.isascii() and number.isdecimal()):
        return number
    body = f"{number[:6]}19{number[6:]}"
    return body + check_character(body)


def check_character(body: str) -> str:
    """Return the check character of GB 11643 (ISO 7064 MOD 11-2).

    Args:
        body: The first 17 digits.
    """
    return _CHECK[(sum(map(mul, _WEIGHTS, body.encode())) - _ZERO) % 11]


def _problem(number: str, birth_on: dt.date | None) -> str | None:
    if number[:2] not in _PROVINCES and not _is_foreign_resident(number):
        return "area"
    if birth_on is None:
        return "birth_date"
    return None if number[17] == check_character(number[:17]) else "check_digit"


def _is_foreign_resident(number: str) -> bool:
    """Tell a permanent residence card of the 2023 design: 9, then province, nationality, birthday."""
    return number[0] == "9" and number[1:3] in _PROVINCES


@lru_cache(maxsize=65536)
def _birthday(digits: str) -> dt.date | None:
    try:
        day = dt.date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return None
    return day if 1850 <= day.year <= 2100 else None
