"""Vehicle identification numbers (车架号)."""

from __future__ import annotations

import re
from operator import mul
from typing import Final, NamedTuple

from core.values.numbers import parse_identifier

_FORM: Final = re.compile(r"[0-9A-HJ-NPR-Z]{17}").fullmatch
_WEIGHTS: Final = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
# Transliteration of ISO 3779: A..H 1..8, J..N 1..5, P 7, R 9, S..Z 2..9.
_VALUES: Final = bytes.maketrans(
    b"0123456789ABCDEFGHJKLMNPRSTUVWXYZ", bytes([*range(10), *range(1, 9), *range(1, 6), 7, 9, *range(2, 10)])
)
_CHECK: Final = "0123456789X"


class Vin(NamedTuple):
    """A vehicle identification number as read.

    Attributes:
        number: Upper case without spaces and hyphens.
        valid_form: 17 characters without I, O, Q.
        check_digit_ok: Whether place 9 agrees; a warning only, since imports and older cars need not comply.
    """

    number: str
    valid_form: bool
    check_digit_ok: bool


def read_vin(raw: str) -> Vin | None:
    """Read a vehicle identification number.

    Args:
        raw: Text as delivered.

    Returns:
        What was read, or None for an empty marker.

    Raises:
        InvalidValueError: ``precision_lost``. Source: ISO 3779, GB 16735, domain facts section 3.
    """
    number = raw
    if not _FORM(raw):
        text = parse_identifier(raw)
        if text is None:
            return None
        number = text.upper().replace("-", "")
        if not _FORM(number):
            return Vin(number, False, False)
    return Vin(number, True, check_character(number) == number[8])


def check_character(number: str) -> str:
    """Return the character that belongs at place 9.

    Args:
        number: 17 characters of valid form.
    """
    return _CHECK[sum(map(mul, _WEIGHTS, number.encode().translate(_VALUES))) % 11]
