"""Unified social credit codes (统一社会信用代码) and the organisation codes inside them."""

from __future__ import annotations

import re
from operator import mul
from typing import Final, NamedTuple

from core.values.numbers import parse_identifier

_ALPHABET: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_VALUES: Final = bytes.maketrans(_ALPHABET.encode(), bytes(range(31)))
_ORGANISATION_VALUES: Final = bytes.maketrans(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", bytes(range(36)))
_WEIGHTS: Final = tuple(pow(3, place, 31) for place in range(17))
_FORM: Final = re.compile(r"[0-9A-HJ-NP-RT-UW-Y]{2}[0-9]{6}[0-9A-HJ-NP-RT-UW-Y]{10}").fullmatch
_ORGANISATION_WEIGHTS: Final = (3, 7, 9, 10, 5, 8, 4, 2)


class Uscc(NamedTuple):
    """A unified social credit code as read.

    Attributes:
        number: 18 characters in upper case, or what was written without spaces.
        valid: Whether the form and the outer check character are right; only then may it be a key.
        warning: None, or ``organisation_check_digit`` when the inner GB 11714 digit is wrong.
        problem: None, or ``length``, ``characters``, ``check_digit``.
    """

    number: str
    valid: bool
    warning: str | None
    problem: str | None


def read_uscc(raw: str) -> Uscc | None:
    """Read a unified social credit code.

    Args:
        raw: Text as delivered; spaces, hyphens and lower case allowed.

    Returns:
        What was read, or None for an empty marker.

    Raises:
        InvalidValueError: ``precision_lost``. Source: GB 32100, GB 11714, domain facts section 11 row 20.
    """
    number = raw
    if not _FORM(raw):
        text = parse_identifier(raw)
        if text is None:
            return None
        number = text.upper().replace("-", "")
        if not _FORM(number):
            return Uscc(number, False, None, "length" if len(number) != 18 else "characters")
    if check_character(number[:17]) != number[17]:
        return Uscc(number, False, None, "check_digit")
    wrong_inside = organisation_code_check(number[8:16]) != number[16]
    return Uscc(number, True, "organisation_check_digit" if wrong_inside else None, None)


def check_character(body: str) -> str:
    """Return the check character of GB 32100.

    Args:
        body: The first 17 characters, in upper case.
    """
    return _ALPHABET[-sum(map(mul, _WEIGHTS, body.encode().translate(_VALUES))) % 31]


def organisation_code_check(body: str) -> str:
    """Return the check character of an organisation code (GB 11714): 10 is X, 11 is 0.

    Args:
        body: The first 8 characters; letters count from A = 10 to Z = 35.
    """
    rest = 11 - sum(map(mul, _ORGANISATION_WEIGHTS, body.encode().translate(_ORGANISATION_VALUES))) % 11
    return "X" if rest == 10 else "0" if rest == 11 else str(rest)
