"""The policyholder or prospect of the portfolio, whoever it is, and where it lives."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from plugins.crm_customers.demo.tables import County, words


@dataclass(slots=True)
class Holder:
    """A person or an organisation.

    ``other_id`` is a person's old 15-digit number, ``other_name`` an organisation's second spelling; empty where none.
    ``nameless`` marks a person whom the core system knows by name and phone only in some rows.
    """

    person: bool
    name: str
    other_name: str
    id_type: str
    id_number: str
    other_id: str
    mobile: str
    landline: str
    address: str
    county: County
    industry: str
    ownership: str
    manager: str = ""
    nameless: bool = False


def draw_address(rng: Random, county: County) -> str:
    """Returns a made-up address in a real township of the county."""
    town = rng.choice(county.townships)[1]
    if rng.random() < 0.5:
        return f"嘉兴市{county.name}{town}{rng.choice(words('street_names', 'road', 'name'))}{rng.randint(1, 899)}号"
    estate = rng.choice(words("street_names", "estate", "name"))
    if estate.endswith("村"):
        return f"嘉兴市{county.name}{town}{estate}{rng.randint(1, 20)}组{rng.randint(1, 99)}号"
    flat = f"{rng.randint(1, 18)}0{rng.randint(1, 4)}室"
    return f"嘉兴市{county.name}{town}{estate}{rng.randint(1, 48)}幢{rng.randint(1, 3)}单元{flat}"


def draw_landline(rng: Random) -> str:
    """Returns a made-up Jiaxing land line, area code 0573."""
    return f"0573-8{rng.randint(2, 9)}{rng.randint(0, 999999):06d}"
