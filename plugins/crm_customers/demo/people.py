"""Makes up persons: weighted names, resident IDs with right check digits, mobile phones."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from operator import mul
from random import Random

from plugins.crm_customers.demo.holders import Holder, draw_address
from plugins.crm_customers.demo.tables import County, given_characters, surnames

_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_MOBILE_HEADS = (
    "135",
    "136",
    "137",
    "138",
    "139",
    "150",
    "151",
    "158",
    "159",
    "187",
    "188",
    "130",
    "186",
    "133",
    "189",
)


def id_check_digit(body: str) -> str:
    """Returns the 18th character of a resident ID for its first 17 digits (GB 11643)."""
    total = sum(map(mul, map(int, body), _ID_WEIGHTS))
    return "10X98765432"[total % 11]


def draw_name(rng: Random, sex: str) -> str:
    """Returns a surname with one or two given-name characters, weighted as in life."""
    table = given_characters(sex)
    given = table.draw(rng) if rng.random() < 0.32 else table.draw(rng) + table.draw(rng)
    return surnames().draw(rng) + given


class People:
    """Draws persons of a portfolio; no two share a resident ID or a mobile number.

    Args:
        rng: The only source of chance.
        as_of: The portfolio's day; persons are 19 to 82 years old on it.
    """

    def __init__(self, rng: Random, as_of: date) -> None:
        self._rng = rng
        self._as_of = as_of
        self._ids: set[str] = set()
        self._mobiles: set[str] = set()

    def draw(self, county: County) -> Holder:
        """Returns one person living in the county."""
        rng = self._rng
        sex = "m" if rng.random() < 0.6 else "f"
        id_number = self._unused(self._ids, lambda: self._resident_id(county, sex))
        mobile = self._unused(self._mobiles, lambda: rng.choice(_MOBILE_HEADS) + f"{rng.randint(0, 99999999):08d}")
        chance = rng.random()
        # Old cards had no century, so only the twentieth fits into 15 digits.
        old = id_number[:6] + id_number[8:17] if id_number[6:8] == "19" and chance < 0.03 else ""
        name = draw_name(rng, sex)
        address = draw_address(rng, county)
        return Holder(
            True, name, "", "身份证", id_number, old, mobile, "", address, county, "", "", nameless=chance > 0.98
        )

    def _resident_id(self, county: County, sex: str) -> str:
        rng = self._rng
        birth = self._as_of - timedelta(days=round(rng.triangular(19 * 365.25, 82 * 365.25, 41 * 365.25)))
        order = rng.randint(0, 499) * 2 + (1 if sex == "m" else 0)
        body = f"{county.code}{birth:%Y%m%d}{order:03d}"
        return body + id_check_digit(body)

    @staticmethod
    def _unused(used: set[str], draw: Callable[[], str]) -> str:
        value = draw()
        while value in used:
            value = draw()
        used.add(value)
        return value
