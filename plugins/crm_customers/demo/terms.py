"""The insured facts of the portfolio: policy terms, endorsements, claims; and the desk that numbers them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from plugins.crm_customers.demo.holders import Holder
from plugins.crm_customers.demo.staff import Intermediary
from plugins.crm_customers.demo.tables import County
from plugins.crm_customers.demo.vehicles import Vehicle


@dataclass(frozen=True, slots=True)
class Line:
    """A line of business: three-digit code, group (险类), product name (险种)."""

    code: str
    group: str
    name: str


COMPULSORY = Line("101", "交强险", "机动车交通事故责任强制保险")
COMMERCIAL = Line("102", "商业保险", "机动车商业保险")
PROPERTY = Line("201", "非车", "企业财产综合险")
HOME = Line("202", "非车", "家庭财产保险")
EMPLOYER = Line("301", "非车", "雇主责任保险")
PUBLIC = Line("302", "非车", "公众责任保险")
CARGO = Line("401", "非车", "国内货物运输保险")
DRIVER = Line("501", "非车", "驾乘人员意外伤害保险")
ACCIDENT = Line("502", "非车", "人身意外伤害保险")


@dataclass(slots=True)
class Term:
    """One policy year under its own policy number; money in cents, ``end`` is the last day of cover."""

    number: str
    previous_number: str
    line: Line
    holder: Holder
    vehicle: Vehicle | None
    premium: int
    sum_insured: int
    signed: date
    start: date
    end: date
    new_vehicle: bool
    intermediary: Intermediary | None
    clean_years: int = 0
    cancelled: date | None = None
    coinsured: bool = False
    facultative: bool = False
    previous_insurer: str = ""
    next_insurer: str = ""


@dataclass(slots=True)
class Endorsement:
    """A change of a running term; ``change`` is the premium difference in cents, refunds negative."""

    number: str
    term: Term
    code: str
    kind: str
    effective: date
    change: int
    reason: str


@dataclass(slots=True)
class Claim:
    """A loss on a term; reserve, paid and outstanding in cents."""

    number: str
    report_number: str
    term: Term
    lost: date
    reported: date
    settled: date | None
    cause: str
    place: str
    injury: bool
    estimate: int
    paid: int
    outstanding: int


def plus_years(day: date, years: int) -> date:
    """Returns the day some years on; 29 February becomes 1 March (domain facts 11 row 4)."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return date(day.year + years, 3, 1)


def last_day(start: date) -> date:
    """Returns the last day of a one-year cover (T5-3)."""
    return plus_years(start, 1) - timedelta(days=1)


class Desk:
    """A county branch's underwriting desk: its staff, its intermediaries and its running numbers."""

    def __init__(self, county: County, managers: list[str], intermediaries: list[Intermediary]) -> None:
        self.county = county
        self.managers = managers
        self.intermediaries = intermediaries
        self._weights = [intermediary.weight for intermediary in intermediaries]
        self._last: Counter[str] = Counter()

    def intermediary(self, rng: Random) -> Intermediary:
        """Returns one of the branch's intermediaries, the bigger ones more often."""
        return rng.choices(self.intermediaries, self._weights)[0]

    def policy_number(self, line: Line, signed: date) -> str:
        """Returns the next 22-digit policy number of a line and year."""
        return self._next(f"6{line.code}{self.county.code}{signed.year}")

    def claim_number(self, line: Line, reported: date) -> str:
        """Returns the next 22-digit claim number of a line and year."""
        return self._next(f"9{line.code}{self.county.code}{reported.year}")

    def _next(self, head: str) -> str:
        self._last[head] += 1
        return f"{head}{self._last[head]:08d}"
