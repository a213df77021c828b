"""A customer as a file row describes it, with the blind indexes that only the holder of the keys can make."""

from __future__ import annotations

import marshal
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from core.api import Reader
from plugins.crm_customers.importing.readers import read_customer

if TYPE_CHECKING:
    from core.api import Vault

ID_PLACE = "crm_customers_customer_identity.number"
CONTACT_PLACE = "crm_customers_contact_point.value"
CUSTOMER = Reader(
    ("name", "kind", "id_kind", "id_number", "phone", "landline", "email", "address"), ("reading",), read_customer
)


@dataclass(slots=True)
class Document:
    """An identity document; ``index`` is its blind index, and only a valid number is a key."""

    index: bytes
    kind: str
    number: str
    valid: bool
    problem: str | None
    birth_on: str | None
    sex: str | None


@dataclass(slots=True)
class Number:
    """A telephone number or e-mail address with its blind index."""

    kind: str
    value: str
    extension: str
    index: bytes


class Place(NamedTuple):
    """An address: folded for comparison, and by level."""

    folded: str
    province: str
    city: str
    county: str
    street: str
    detail: str
    division_code: str | None
    complete: bool


class CustomerReading:
    """A customer as one file row describes it; numbers are keyed when asked for, most rows are known by their document.

    Args:
        said: What `customer_words` made of the row.
        vault: Makes blind indexes.
        area_code: The branch's telephone area, for local numbers.
    """

    def __init__(self, said: bytes, vault: Vault, area_code: str) -> None:
        fields = marshal.loads(said)  # noqa: S302 -- our own child wrote it
        self.name, self.name_key, self.kind, self.pinyin, self.tokens, document, self._numbers, place = fields
        self.document = document and Document(vault.index(document[1], ID_PLACE), *document)
        self.place = place and Place(*place)
        self._vault = vault
        self._area_code = area_code

    @cached_property
    def numbers(self) -> list[Number]:
        """Telephone numbers and e-mail addresses, each once."""
        found: dict[str, Number] = {}
        for kind, read, extension, is_local in self._numbers:
            value = f"{self._area_code}-{read}" if is_local and self._area_code else read
            if value not in found:
                spelled = value.casefold() if kind == "email" else value
                found[value] = Number(kind, value, extension, self._vault.index(spelled, CONTACT_PLACE))
        return list(found.values())

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
