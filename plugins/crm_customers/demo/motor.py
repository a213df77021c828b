"""Plays the insured life of one vehicle with us: renewals, lapses, cancellations, accidents."""

from __future__ import annotations

from bisect import bisect_right
from datetime import date, timedelta
from random import Random

from plugins.crm_customers.demo.premiums import (
    commercial_premium,
    compulsory_premium,
    draw_third_party_limit,
    no_claim_percent,
)
from plugins.crm_customers.demo.terms import (
    COMMERCIAL,
    COMPULSORY,
    DRIVER,
    Desk,
    Line,
    Term,
    last_day,
    plus_years,
)
from plugins.crm_customers.demo.vehicles import Vehicle

OTHER_INSURERS = ("人保财险", "平安财险", "太平洋财险", "国寿财险", "大地保险")
_PACKS: tuple[tuple[Line, ...], ...] = (
    (COMPULSORY, COMMERCIAL),
    (COMPULSORY, COMMERCIAL, DRIVER),
    (COMPULSORY,),
    (COMMERCIAL,),
)


class MotorBook:
    """Draws the policy terms and accident days of vehicles at one desk.

    Args:
        rng: The only source of chance.
        as_of: The portfolio's day: no term is signed after it.
        desk: Numbers the policies.
    """

    def __init__(self, rng: Random, as_of: date, desk: Desk) -> None:
        self._rng = rng
        self._as_of = as_of
        self._desk = desk

    def insure(self, vehicle: Vehicle) -> tuple[list[Term], list[date]]:
        """Returns the vehicle's terms in order of time and its accident days."""
        starts = self._starts(vehicle)
        cancelled = self._cancelled(starts[-1])
        accidents = self._accidents(starts, cancelled)
        pack = (COMPULSORY,) if vehicle.model.kind == "moto" else self._rng.choices(_PACKS, (58, 16, 18, 8))[0]
        channel = self._desk.intermediary(self._rng) if self._rng.random() < 0.62 else None
        limit = draw_third_party_limit(self._rng)
        terms: list[Term] = []
        for line in pack:
            terms += self._line_terms(line, vehicle, starts, accidents, limit)
        for term in terms:
            term.intermediary = channel
            if term.start == starts[-1]:
                term.cancelled = cancelled
                term.next_insurer = self._lost_to(term)
        return terms, accidents

    def _starts(self, vehicle: Vehicle) -> list[date]:
        """Returns the first days of the consecutive years with us, none more than five years back."""
        anchor = max(self._as_of - timedelta(days=self._rng.randint(0, 364)), vehicle.first_registered)
        back = self._rng.choices(range(5), (41, 26, 15, 10, 8))[0]
        while back and plus_years(anchor, -back) < vehicle.first_registered:
            back -= 1
        starts = [plus_years(anchor, -back)]
        for year in range(back - 1, -1, -1):
            if self._rng.random() < 0.13:
                return starts
            starts.append(plus_years(anchor, -year))
        due = last_day(starts[-1])
        # Renewals may be signed within thirty days before expiry.
        if (due - self._as_of).days <= 30 and self._rng.random() < 0.2:
            starts.append(due + timedelta(days=1))
        return starts

    def _cancelled(self, start: date) -> date | None:
        day = start + timedelta(days=self._rng.randint(15, 320))
        return day if self._rng.random() < 0.03 and day <= self._as_of else None

    def _accidents(self, starts: list[date], cancelled: date | None) -> list[date]:
        rng = self._rng
        until = min(self._as_of, last_day(starts[-1]), (cancelled or date.max) - timedelta(days=1))
        span = (until - starts[0]).days
        if span <= 0:
            return []
        expected = span / 365 * 0.15
        number = sum(rng.random() < expected / 4 for _ in range(4))
        days = {starts[0] + timedelta(days=rng.randint(0, span)) for _ in range(number)}
        edge = plus_years(self._as_of, -3)
        chance = rng.random()
        if chance < 0.012 and starts[0] <= edge <= until:
            # Exactly 36 clean months: the edge of the good-customer rule (domain facts 11 row 27).
            days = {day for day in days if day < edge} | {edge}
        elif chance > 0.993 and (self._as_of - until).days < 60:
            # Candidates for the blacklist: three or more losses within twelve months.
            year = min(span, 300)
            days |= {until - timedelta(days=rng.randint(0, year)) for _ in range(rng.randint(3, 5))}
        return sorted(days)

    def _line_terms(
        self, line: Line, vehicle: Vehicle, starts: list[date], accidents: list[date], limit: int
    ) -> list[Term]:
        terms: list[Term] = []
        before = self._rng.choice(OTHER_INSURERS)
        for index, start in enumerate(starts):
            signed = min(start - timedelta(days=self._rng.randint(0, 12)), self._as_of)
            new = index == 0 and (start - vehicle.first_registered).days < 45
            clean = index - _years_spoilt(accidents, starts, index)
            premium, cover = self._price(line, vehicle, start, limit, (index, clean, accidents))
            number = self._desk.policy_number(line, signed)
            previous = terms[-1].number if terms else ""
            term = Term(
                number,
                previous,
                line,
                vehicle.owner,
                vehicle,
                premium,
                cover,
                signed,
                start,
                last_day(start),
                new,
                None,
            )
            term.clean_years = clean
            term.previous_insurer = "" if index or new else before
            terms.append(term)
        return terms

    def _price(
        self, line: Line, vehicle: Vehicle, start: date, limit: int, record: tuple[int, int, list[date]]
    ) -> tuple[int, int]:
        """Returns premium and sum insured in cents."""
        years, clean, accidents = record
        if line is COMPULSORY:
            return compulsory_premium(vehicle, clean), 20_000_000
        if line is DRIVER:
            return vehicle.model.seats * self._rng.choice((3_000, 4_500, 6_000)), vehicle.model.seats * 10_000_000
        recent = bisect_right(accidents, start) - bisect_right(accidents, plus_years(start, -3))
        percent = no_claim_percent(years, recent)
        return commercial_premium(self._rng, vehicle, start, limit, percent), limit * 100

    def _lost_to(self, term: Term) -> str:
        gone = term.end < self._as_of or term.cancelled is not None
        return self._rng.choice(OTHER_INSURERS) if gone and self._rng.random() < 0.7 else ""


def _years_spoilt(accidents: list[date], starts: list[date], index: int) -> int:
    """Returns how many of the years up to the last one with an accident do not count as clean."""
    earlier = [day for day in accidents if day < starts[index]]
    return bisect_right(starts, earlier[-1], hi=index) if earlier else 0
