"""Masks: how personal data is shown to those who may not see it in full."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from core.values.names import surname_length
from core.values.uscc import read_uscc

HIDDEN: Final = "***"
_RESIDENT_ID: Final = re.compile(r"(?:\d{17}[\dXx]|\d{15})").fullmatch
_MOBILE: Final = re.compile(r"1\d{10}").fullmatch
_LANDLINE: Final = re.compile(r"(0\d{2,3})-(\d{3,4})(\d{4})(?:\D.*)?").fullmatch
_MASKED_NUMBER: Final = re.compile(
    r"\d{3}\*{4}\d{4}|0\d{2,3}-\*{3,4}\d{4}|\d{6}\*{5,8}\d{3}[\dXx]|\S\*{3}@\S+"
).fullmatch
_LONGEST_SERVICE_NUMBER: Final = 6
_PLATE: Final = re.compile(r"[\u4e00-\u9fff][A-Z][A-Z0-9\u4e00-\u9fff]{5,6}").fullmatch
# A character that can stand in the name of a county or above, not one that begins the private part of an address.
_PART: Final = (
    r"(?:(?![路街道巷弄村园号小楼幢])(?!乡(?![市县]))(?!镇(?!市|江|海区|平县|安县|坪县|康县|巴县|原[县区]|雄县|宁|远县|赉))"
    r"[\u4e00-\u9fff])"
)
_ADDRESS: Final = re.compile(
    rf"(?:{_PART}{{2,6}}?(?:省|自治区)|(?:北京|天津|上海|重庆)市?)?(?:{_PART}{{2,8}}?(?:市|自治州|地区|盟))?"
    rf"(?:{_PART}{{1,9}}?(?:自治县|自治旗|区|县|市|旗))?"
)


def mask_name(name: str) -> str:
    """Show the surname only: ``张*``, ``欧阳*``; the first letter of a Latin name.

    Args:
        name: Name of a person.
    """
    return f"{name[: surname_length(name)]}*" if name else ""


def mask_resident_id(number: str) -> str:
    """Show the first 6 and last 4 places: ``330402********1237``.

    Args:
        number: 18 or 15 places; anything else is hidden whole.
    """
    if not _RESIDENT_ID(number):
        return HIDDEN if number else ""
    return f"{number[:6]}{'*' * (len(number) - 10)}{number[-4:]}"


def mask_phone(number: str) -> str:
    """Show ``138****5678`` or ``0573-****3456``; an extension is not shown.

    Args:
        number: Canonical mobile or land line; anything else is hidden whole.
    """
    if _MOBILE(number):
        return f"{number[:3]}****{number[-4:]}"
    line = _LANDLINE(number)
    if line:
        return f"{line[1]}-{'*' * len(line[2])}{line[3]}"
    return HIDDEN if number else ""


def mask_card(number: str) -> str:
    """Show the first 6 and last 4 digits of a bank card of at least 13 digits.

    Args:
        number: Card number, spaces allowed.
    """
    digits = "".join(number.split())
    if len(digits) < 13:
        return HIDDEN if digits else ""
    return f"{digits[:6]}{'*' * (len(digits) - 10)}{digits[-4:]}"


def mask_plate(plate: str) -> str:
    """Show sign, letter and the last two places: ``浙F***45``.

    Args:
        plate: Canonical plate; one of another shape is hidden whole.
    """
    if not _PLATE(plate):
        return HIDDEN if plate else ""
    return f"{plate[:2]}{'*' * (len(plate) - 4)}{plate[-2:]}"


def mask_vin(number: str) -> str:
    """Hide the last 6 of 17 places.

    Args:
        number: Vehicle identification number; one of another length is hidden whole.
    """
    if len(number) != 17:
        return HIDDEN if number else ""
    return f"{number[:11]}******"


def mask_address(text: str) -> str:
    """Show an address down to its county: ``浙江省嘉兴市南湖区***``.

    Args:
        text: Address; one without a recognisable province, city or county is hidden whole.
    """
    found = _ADDRESS.match(text)
    return f"{found[0] if found else ''}{HIDDEN}" if text else ""


def mask_contact(text: str) -> str:
    """Mask a telephone number or e-mail address; service numbers (955xx) are public.

    Args:
        text: The value in canonical form, or one that is stored masked, which stays.
    """
    if _MASKED_NUMBER(text) or (text.isdigit() and len(text) <= _LONGEST_SERVICE_NUMBER):
        return text
    name, at, host = text.partition("@")
    return f"{name[:1]}***@{host}" if at else mask_phone(text)


def mask_identity(number: str) -> str:
    """Mask the number of an identity document; that of an organisation is public.

    Args:
        number: The number in canonical form, or one that is stored masked, which stays.
    """
    if _MASKED_NUMBER(number):
        return number
    organisation = read_uscc(number)
    return number if organisation and organisation.valid else mask_resident_id(number)


# Source: domain facts section 6; the keys are the names a field declaration uses.
MASKS: Final[dict[str, Callable[[str], str]]] = {
    "name": mask_name,
    "resident_id": mask_resident_id,
    "phone": mask_phone,
    "card": mask_card,
    "plate": mask_plate,
    "vin": mask_vin,
    "address": mask_address,
    "contact": mask_contact,
    "identity": mask_identity,
}
