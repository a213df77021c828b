"""Telephone numbers: splitting a cell into numbers and giving each its canonical form."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, Literal, NamedTuple

from core.values.text import is_empty, narrow

PhoneKind = Literal["mobile", "landline", "service", "unknown"]
_MOBILE: Final = re.compile(r"1[3-9][0-9]{9}").fullmatch
# Number ranges given to people's phones; other ranges (data cards, satellites) are looked up in phonenumbers.
_PERSONAL_RANGE: Final = re.compile(r"1(?:3|4[57]|5[0-35-9]|6[2567]|7[0-35-8]|8|9[0-35-9])").match
_EXTENSION: Final = r"(?:\s*(?:-|转|分机|ext\.?|x|#|,)+\s*(?P<ext>[0-9]{1,6}))?"
_LANDLINE: Final = re.compile(
    r"\(?(?P<area>010|02[0-9]|0[3-9][0-9]{2})\)?[\s\-)]*(?P<local>[2-8][0-9]{2,3}[\s\-]?[0-9]{4})" + _EXTENSION,
    re.IGNORECASE,
).fullmatch
_LOCAL: Final = re.compile(r"(?P<local>[2-8][0-9]{2,3}[\s\-]?[0-9]{4})" + _EXTENSION, re.IGNORECASE).fullmatch
_HANDSET: Final = re.compile(
    r"0?(?P<number>1[3-9][0-9][\s\-]?[0-9]{4}[\s\-]?[0-9]{4})" + _EXTENSION, re.IGNORECASE
).fullmatch
_HANDSET_334: Final = re.compile(
    r"0?(?P<number>1[3-9][0-9][\s\-]?[0-9]{3}[\s\-]?[0-9]{3}[\s\-]?[0-9]{2})(?P<ext>$)?"
).fullmatch
_SERVICE: Final = re.compile(r"95[0-9]{3,4}|96[0-9]{3,4}|1[02][0-9]{3}|11[0-9]|12[0-2]|(?:400|800)[0-9]{7}").fullmatch
_COUNTRY: Final = re.compile(r"(?:\(?\+\s*86\)?|\(?0086\)?|86(?=[\s\-]?1[3-9][0-9]{9}$))[\s\-]*")
_SEPARATOR: Final = re.compile(r"[/;、|\n\r\t]+|,(?=\s*[(+01])|或|和|及")
_NOTE: Final = re.compile(
    r"\([^()0-9]*\)|^[^0-9+(]*[:：]\s*|^(?:手机|电话|联系电话|固话|座机|tel|mobile)\.?\s*", re.IGNORECASE
)
_DIGITS_ONLY: Final = re.compile(r"[0-9+()\s\-.]+").fullmatch
_LONGEST_CELL: Final = 200


class Phone(NamedTuple):
    """One telephone number as read.

    Attributes:
        kind: ``mobile``, ``landline``, ``service`` (955xx, 400 …) or ``unknown``.
        number: Mobile 11 digits; land line ``0573-82123456``; service digits; otherwise as written.
        extension: Digits behind the number, or "".
        problem: None, or ``unassigned_range``, ``area_code_missing``, ``foreign``, ``characters``, ``pattern``.
    """

    kind: PhoneKind
    number: str
    extension: str = ""
    problem: str | None = None


def read_phones(raw: str, area_code: str = "") -> list[Phone]:
    """Read every number in a cell, in order, each once.

    Args:
        raw: Text as delivered; several numbers may stand behind ``/``, ``;``, ``、`` or a space.
        area_code: The branch's area code, for example ``"0573"``, for local numbers without one.

    Returns:
        The numbers; an empty list for an empty marker. Nothing readable is dropped: it comes back as ``unknown``.

    Source: domain facts T9-6, T9-7, section 11 row 20 (digits are checked before a library sees letters).
    """
    if _MOBILE(raw) and _PERSONAL_RANGE(raw):
        return [Phone("mobile", raw)]
    text = narrow(raw)
    if is_empty(text):
        return []
    if len(text) > _LONGEST_CELL:
        return [Phone("unknown", text, "", "characters")]
    pieces = [piece for part in _SEPARATOR.split(text) if (piece := _NOTE.sub("", part.strip()).strip(" .,"))]
    phones = [phone for piece in pieces for phone in _read_piece(piece, area_code)]
    return list(dict.fromkeys(phones)) or [Phone("unknown", text, "", "characters")]


def _read_piece(piece: str, area_code: str) -> list[Phone]:
    whole = _read_one(piece, area_code)
    if whole.kind != "unknown" or " " not in piece:
        return [whole]
    parts = [_read_one(part, area_code) for part in piece.split()]
    return parts if all(part.kind != "unknown" for part in parts) else [whole]


def _read_one(piece: str, area_code: str) -> Phone:
    local = _COUNTRY.sub("", piece, count=1) if _COUNTRY.match(piece) else piece
    if local is not piece and not local.startswith(("0", "1", "(0", "400", "800")):
        local = f"0{local}"
    handset = _HANDSET(local) or _HANDSET_334(local)
    if handset:
        return _mobile(_bare(handset["number"]), handset["ext"] or "")
    service = _bare(local)
    if _SERVICE(service):
        return Phone("service", service)
    line = _LANDLINE(local)
    if line:
        return Phone("landline", f"{line['area']}-{_bare(line['local'])}", line["ext"] or "")
    line = _LOCAL(local)
    if line:
        return _without_area(_bare(line["local"]), line["ext"] or "", area_code)
    return _unknown(piece)


def _mobile(number: str, extension: str) -> Phone:
    assigned = _PERSONAL_RANGE(number) or _is_assigned(number)
    return Phone("mobile", number, extension, None if assigned else "unassigned_range")


def _without_area(local: str, extension: str, area_code: str) -> Phone:
    if area_code:
        return Phone("landline", f"{area_code}-{local}", extension)
    return Phone("landline", local, extension, "area_code_missing")


def _unknown(piece: str) -> Phone:
    if not _DIGITS_ONLY(piece):
        return Phone("unknown", piece, "", "characters")
    abroad = _foreign(_bare(piece))
    return Phone("unknown", abroad, "", "foreign") if abroad else Phone("unknown", piece, "", "pattern")


def _bare(text: str) -> str:
    return re.sub(r"[\s\-().]", "", text)


@lru_cache(maxsize=4096)
def _is_assigned(number: str) -> bool:
    import phonenumbers

    return phonenumbers.is_valid_number(phonenumbers.parse(number, "CN"))


@lru_cache(maxsize=4096)
def _foreign(digits: str) -> str | None:
    """Return a number abroad in E.164 form when it is written with + or 00 and valid there."""
    if not digits.startswith(("+", "00")):
        return None
    import phonenumbers

    try:
        number = phonenumbers.parse(f"+{digits.lstrip('+0')}")
    except phonenumbers.NumberParseException:
        return None
    if number.country_code == 86 or not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
