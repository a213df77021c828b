"""What file rows say of customers, covers, losses and vehicles, worked out while the file is read: without any key."""

from __future__ import annotations

import marshal
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from core.values.dates import add_years, last_day_of_cover
from core.values.phones import read_phones
from core.values.plates import read_plate
from core.values.resident_id import read_resident_id
from core.values.text import fold
from core.values.uscc import read_uscc
from core.values.vin import read_vin
from plugins.crm_customers.addresses import parse_address
from plugins.crm_customers.customer_kind import guess_kind
from plugins.crm_customers.search import customer_document, vehicle_tokens

NAMES_REMEMBERED = 20_000
"""Names and addresses whose reading is remembered, some 10 MB: many people share one of them."""
CUSTOMERS_REMEMBERED = 100_000
"""Customers of one file who are not read a second time, some 8 MB."""
_said: set[int] = set()
_CHINA = ZoneInfo("Asia/Shanghai")
_USCC_LENGTH = 18


@lru_cache(maxsize=10_000)
def last_day(start_on: str | None, end_on: str | None) -> tuple[str | None]:
    """Turn the end of a cover into its last day: the same day a year later is exclusive, a missing end is one year.

    Source: domain facts 5.2 (T5-3), 11 rows 4 and 5.

    Raises:
        InvalidValueError: The end is before the start.
    """
    if start_on is None:
        return (end_on,)
    start = date.fromisoformat(start_on)
    if end_on is None:
        return ((add_years(start, 1) - timedelta(days=1)).isoformat(),)
    return (last_day_of_cover(start, date.fromisoformat(end_on)).isoformat(),)


def loss_day(loss_on: str | None, loss_at: str | None) -> tuple[str | None]:
    """Return the civil day of a loss, from its instant where the file gives no day."""
    if loss_on is not None or not loss_at:
        return (loss_on,)
    return (datetime.fromisoformat(loss_at).replace(tzinfo=UTC).astimezone(_CHINA).date().isoformat(),)


def vehicle(
    vin: str | None, plate: str | None, plate_kind: str | None
) -> tuple[str | None, str | None, str | None, str]:
    """Read a vehicle's numbers: plate as it is kept, identity key, plate where it is valid, search tokens.

    The identity is the VIN, else plate and plate kind (domain facts 9.2); a wrong VIN is kept but is no key.
    """
    found, worn = read_vin(vin or ""), read_plate(plate or "")
    valid = worn.text if worn is not None and worn.kind != "invalid" else None
    identity = None if valid is None else f"plate:{valid}|{plate_kind or ''}"
    if found is not None and found.valid_form:
        identity = f"vin:{found.number}"
    shown = valid or plate
    return shown, identity, valid, vehicle_tokens(shown, vin)


def read_customer(*fields: str | None) -> tuple[bytes | None]:
    """Read a customer the first time that a file says so of him.

    Args:
        *fields: Those of `customer_words`, in its order.

    Returns:
        What `CustomerReading` takes; none for a customer said before in the same words, who is known by then mostly.
    """
    spelled = hash(fields)
    if spelled in _said:
        return (None,)
    if len(_said) >= CUSTOMERS_REMEMBERED:
        _said.clear()
    _said.add(spelled)
    return (customer_words(*fields),)


def customer_words(  # noqa: PLR0917 -- a reader gets its fields by place
    name: str | None,
    kind: str | None,
    id_kind: str | None,
    id_number: str | None,
    phone: str | None,
    landline: str | None,
    email: str | None,
    address: str | None,
) -> bytes:
    """Return all that can be read of a customer without a key, packed for `CustomerReading`."""
    name_key, pinyin, tokens = _name(name or "")
    document = _document(id_kind, id_number) if id_number else None
    numbers: list[tuple[str, str, str, bool]] = [
        (found.kind, found.number, found.extension, found.problem == "area_code_missing")
        for raw in (phone, landline)
        if raw
        for found in read_phones(raw)
    ]
    if email:
        numbers.append(("email", email, "", False))
    place = _place(address) if address else None
    kind = kind or _kind(name or "", document)
    return marshal.dumps((name or "", name_key, kind, pinyin, tokens, document, numbers, place))


@lru_cache(maxsize=NAMES_REMEMBERED)
def _name(name: str) -> tuple[str, str, str]:
    return fold(name), *customer_document(name)


@lru_cache(maxsize=NAMES_REMEMBERED)
def _place(text: str) -> tuple[Any, ...]:
    found = parse_address(text)
    levels = (found.province, found.city, found.county, found.street, found.detail)
    return (fold(text), *levels, found.division_code, found.complete)


def _kind(name: str, document: tuple[Any, ...] | None) -> str:
    if document is not None and document[2]:
        return "organisation" if document[0] == "uscc" else "person"
    guessed = guess_kind(name, document[0] if document else None)
    return "person" if guessed == "unknown" else guessed


def _document(kind: str | None, raw: str) -> tuple[Any, ...]:
    """Return the fields of `Document` but the index."""
    resident = read_resident_id(raw)
    if resident is not None and resident.valid and kind in {None, "resident_id", "other"}:
        born = None if resident.birth_on is None else resident.birth_on.isoformat()
        return "resident_id", resident.number, True, None, born, resident.sex
    uscc = read_uscc(raw)
    if uscc is not None and uscc.valid and kind != "resident_id":
        return "uscc", uscc.number, True, uscc.warning, None, None
    if kind in {"passport", "other", "org_code"}:
        return kind, raw, False, None, None, None
    found = "uscc" if kind == "uscc" or _looks_like_uscc(raw) else "resident_id"
    problem = (uscc.problem if uscc else None) if found == "uscc" else (resident.problem if resident else None)
    return found, raw, False, problem or "characters", None, None


def _looks_like_uscc(raw: str) -> bool:
    return len(raw) == _USCC_LENGTH and not raw[:-1].isdigit()
