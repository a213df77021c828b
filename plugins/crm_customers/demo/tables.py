"""Reads the packaged word tables (names, places, vehicle models) the portfolio is built from."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import accumulate
from random import Random


@dataclass(frozen=True, slots=True)
class Weighted:
    """Values with running weights, drawn in proportion to them."""

    values: tuple[str, ...]
    cumulative: tuple[int, ...]

    @classmethod
    def of(cls, pairs: Sequence[tuple[str, int]]) -> Weighted:
        """Builds the table from (value, weight) pairs."""
        return cls(tuple(value for value, _ in pairs), tuple(accumulate(weight for _, weight in pairs)))

    def draw(self, rng: Random) -> str:
        """Returns one value, chosen in proportion to its weight."""
        return rng.choices(self.values, cum_weights=self.cumulative)[0]


@dataclass(frozen=True, slots=True)
class Trade:
    """A line of business: the word in a company's name and its GB/T 4754-2017 section and division."""

    word: str
    section: str
    division: str


@dataclass(frozen=True, slots=True)
class Model:
    """A vehicle model: price in yuan, load in tonnes, engine in litres, wmi the VIN's maker code."""

    name: str
    kind: str
    fuel: str
    seats: int
    tonnes: float
    litres: float
    price: int
    wmi: str

    @property
    def new_energy(self) -> bool:
        """True for electric and plug-in vehicles, which wear the eight-character plate (GA 36)."""
        return self.fuel in {"纯电动", "插电混合"}


@dataclass(frozen=True, slots=True)
class County:
    """A county branch: division code, name as in addresses, short name, share of the portfolio, townships."""

    code: str
    name: str
    short: str
    share: float
    townships: tuple[tuple[str, str], ...]


CITY_BRANCH = "330400"

# Shares follow the counties' population order; nothing depends on their exact size.
_COUNTIES = (
    ("330402", "南湖区", "南湖", 0.19),
    ("330411", "秀洲区", "秀洲", 0.13),
    ("330421", "嘉善县", "嘉善", 0.12),
    ("330424", "海盐县", "海盐", 0.09),
    ("330481", "海宁市", "海宁", 0.18),
    ("330482", "平湖市", "平湖", 0.13),
    ("330483", "桐乡市", "桐乡", 0.16),
)


@cache
def read_table(name: str) -> tuple[dict[str, str], ...]:
    """Returns the rows of a packaged CSV table, without its ``.csv`` ending."""
    path = files("plugins.crm_customers.demo") / "data" / f"{name}.csv"
    return tuple(csv.DictReader(path.read_text("utf-8").splitlines()))


@cache
def counties() -> tuple[County, ...]:
    """Returns the seven counties of 嘉兴 with their townships (China division table 2023, MIT/WTFPL)."""
    towns = read_table("townships")
    return tuple(
        County(code, name, short, share, tuple((t["code"], t["name"]) for t in towns if t["county"] == code))
        for code, name, short, share in _COUNTIES
    )


@cache
def surnames() -> Weighted:
    """Returns surnames weighted roughly as in northern Zhejiang."""
    return Weighted.of([(row["surname"], int(row["weight"])) for row in read_table("surnames")])


@cache
def given_characters(sex: str) -> Weighted:
    """Returns given-name characters for sex ``"m"`` or ``"f"``."""
    rows = [row for row in read_table("given_names") if row["sex"] == sex]
    return Weighted.of([(row["character"], int(row["weight"])) for row in rows])


@cache
def words(table: str, kind: str, column: str) -> tuple[str, ...]:
    """Returns one column of the rows of a given kind."""
    return tuple(row[column] for row in read_table(table) if row["kind"] == kind)


@cache
def trades() -> tuple[Trade, ...]:
    """Returns the lines of business with their industry codes."""
    rows = (row for row in read_table("company_words") if row["kind"] == "trade")
    return tuple(Trade(row["word"], row["section"], row["division"]) for row in rows)


@cache
def models(kinds: tuple[str, ...]) -> tuple[tuple[Model, ...], tuple[int, ...]]:
    """Returns the vehicle models of the kinds, and their running weights."""
    rows = [row for row in read_table("vehicle_models") if row["kind"] in kinds]
    found = tuple(
        Model(
            row["name"],
            row["kind"],
            row["fuel"],
            int(row["seats"]),
            float(row["tonnes"]),
            float(row["litres"]),
            int(row["price"]),
            row["wmi"],
        )
        for row in rows
    )
    return found, tuple(accumulate(int(row["weight"]) for row in rows))
