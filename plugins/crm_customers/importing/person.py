"""Read what a file row says of a customer: identity, numbers, and the keys by which it is known."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from core.values.phones import read_phones
from core.values.resident_id import read_resident_id
from core.values.text import fold
from core.values.uscc import read_uscc
from plugins.crm_customers.customer_kind import guess_kind

if TYPE_CHECKING:
    from core.api import Vault

ID_PLACE = "crm_customers_customer_identity.number"
CONTACT_PLACE = "crm_customers_contact_point.value"
_USCC_LENGTH = 18


@dataclass(slots=True)
class Document:
    """An identity document; ``index`` is its blind index, and only a valid number is a key."""

    kind: str
    number: str
    valid: bool
    problem: str | None
    index: bytes
    birth_on: str | None = None
    sex: str | None = None


@dataclass(slots=True)
class Number:
    """A telephone number or e-mail address with its blind index."""

    kind: str
    value: str
    extension: str
    index: bytes


class CustomerReading:
    """A customer as one file row describes it; numbers are read when asked for, most rows are known by their document.

    Args:
        values: Staged fields of one record.
        vault: Makes blind indexes.
        area_code: The branch's telephone area, for local numbers.
    """

    def __init__(self, values: dict[str, Any], vault: Vault, area_code: str) -> None:
        self._values = values
        self._vault = vault
        self._area_code = area_code
        self.name: str = values.get("name") or ""
        self.document = _document(values, vault)

    @cached_property
    def name_key(self) -> str:
        """The folded name."""
        return fold(self.name)

    @cached_property
    def kind(self) -> str:
        """``person`` or ``organisation``."""
        return self._values.get("kind") or _kind(self.name, self.document)

    @cached_property
    def numbers(self) -> list[Number]:
        """Telephone numbers and e-mail addresses."""
        return _numbers(self._values, self._vault, self._area_code)

    @cached_property
    def name_phones(self) -> list[bytes]:
        """Keys of the softer rule: blind indexes over folded name and number."""
        numbers = [number for number in self.numbers if number.kind != "email" and self.name_key]
        return [self._vault.index(f"{self.name_key}|{number.value}", "name_phone") for number in numbers]

    @property
    def own_key(self) -> str | None:
        """Key by which a source knows the customer when it gives no number of its own."""
        if self.document is not None and self.document.valid:
            return f"id:{self.document.index.hex()}"
        return f"np:{self.name_phones[0].hex()}" if self.name_phones else None


def _kind(name: str, document: Document | None) -> str:
    if document is not None and document.valid:
        return "organisation" if document.kind == "uscc" else "person"
    guessed = guess_kind(name, document.kind if document else None)
    return "person" if guessed == "unknown" else guessed


def _document(values: dict[str, Any], vault: Vault) -> Document | None:
    raw = values.get("id_number")
    if not raw:
        return None
    kind = values.get("id_kind")
    resident = read_resident_id(raw)
    if resident is not None and resident.valid and kind in {None, "resident_id", "other"}:
        born = None if resident.birth_on is None else resident.birth_on.isoformat()
        index = vault.index(resident.number, ID_PLACE)
        return Document("resident_id", resident.number, True, None, index, born, resident.sex)
    uscc = read_uscc(raw)
    if uscc is not None and uscc.valid and kind != "resident_id":
        return Document("uscc", uscc.number, True, uscc.warning, vault.index(uscc.number, ID_PLACE))
    if kind in {"passport", "other", "org_code"}:
        return Document(kind, raw, False, None, vault.index(raw, ID_PLACE))
    found = "uscc" if kind == "uscc" or _looks_like_uscc(raw) else "resident_id"
    problem = (uscc.problem if uscc else None) if found == "uscc" else (resident.problem if resident else None)
    return Document(found, raw, False, problem or "characters", vault.index(raw, ID_PLACE))


def _looks_like_uscc(raw: str) -> bool:
    return len(raw) == _USCC_LENGTH and not raw[:-1].isdigit()


def _numbers(values: dict[str, Any], vault: Vault, area_code: str) -> list[Number]:
    found: dict[str, Number] = {}
    for name in ("phone", "landline"):
        raw = values.get(name)
        for phone in read_phones(raw, area_code) if raw else ():
            if phone.number not in found:
                index = vault.index(phone.number, CONTACT_PLACE)
                found[phone.number] = Number(phone.kind, phone.number, phone.extension, index)
    email = values.get("email")
    if email:
        found[email] = Number("email", email, "", vault.index(email.casefold(), CONTACT_PLACE))
    return list(found.values())
