"""What of customers and vehicles stands in the search index."""

from __future__ import annotations

from core.values.names import pinyin_key
from core.values.tokens import name_tokens, plate_tokens

CUSTOMER_KIND = 1
VEHICLE_KIND = 2
REGISTRY_KIND = 3


def customer_document(name: str) -> tuple[str, str]:
    """Return (sort key in pinyin, tokens) of a customer's name, both empty without a name."""
    return (pinyin_key(name)[:200], name_tokens(name)) if name else ("", "")


def vehicle_tokens(plate: str | None, vin: str | None) -> str:
    """Return the tokens of a vehicle: every part of the plate, the VIN and its last six places."""
    found = plate_tokens(plate) if plate else ""
    return f"{found} l{vin.casefold()} l{vin[-6:].casefold()}" if vin else found
