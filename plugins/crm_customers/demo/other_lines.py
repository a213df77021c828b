"""Plays the property, liability, cargo, home and accident covers of one holder over the years."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from plugins.crm_customers.demo.holders import Holder
from plugins.crm_customers.demo.motor import OTHER_INSURERS
from plugins.crm_customers.demo.terms import (
    ACCIDENT,
    CARGO,
    EMPLOYER,
    HOME,
    PROPERTY,
    PUBLIC,
    Desk,
    Line,
    Term,
    last_day,
    plus_years,
)

# The reserve of one risk we keep ourselves in cents; above it a share is placed elsewhere.
_COINSURED_ABOVE, _FACULTATIVE_ABOVE = 8_000_000_000, 15_000_000_000


@dataclass(frozen=True, slots=True)
class _Offer:
    """How a line sells: share of holders, sum insured in yuan (mean of a skewed draw), rate range in per mille."""

    line: Line
    person: bool
    share: float
    sum_insured: int
    rate: tuple[float, float]


_OFFERS = (
    _Offer(HOME, True, 0.07, 600_000, (0.25, 0.6)),
    _Offer(ACCIDENT, True, 0.06, 300_000, (0.5, 1.2)),
    _Offer(PROPERTY, False, 0.36, 18_000_000, (0.35, 1.3)),
    _Offer(EMPLOYER, False, 0.42, 9_000_000, (0.8, 2.5)),
    _Offer(PUBLIC, False, 0.16, 4_000_000, (0.8, 2.4)),
    _Offer(CARGO, False, 0.09, 12_000_000, (0.3, 1.2)),
)


class OtherBook:
    """Draws the non-motor terms of holders at one desk.

    Args:
        rng: The only source of chance.
        as_of: The portfolio's day: no term is signed after it.
        desk: Numbers the policies.
    """

    def __init__(self, rng: Random, as_of: date, desk: Desk) -> None:
        self._rng = rng
        self._as_of = as_of
        self._desk = desk

    def insure(self, holder: Holder, needed: bool) -> list[Term]:
        """Returns the holder's terms; ``needed`` makes sure of one line at least."""
        offers = [o for o in _OFFERS if o.person == holder.person]
        taken = [o for o in offers if self._rng.random() < o.share]
        if needed and not taken:
            taken = [self._rng.choices(offers, [o.share for o in offers])[0]]
        return [term for offer in taken for term in self._years(offer, holder)]

    def _years(self, offer: _Offer, holder: Holder) -> list[Term]:
        rng = self._rng
        anchor = self._as_of - timedelta(days=rng.randint(0, 364))
        back = rng.choices(range(5), (30, 25, 18, 15, 12))[0]
        cover = round(offer.sum_insured * rng.lognormvariate(-0.4, 0.9), -4) * 100
        rate = rng.uniform(*offer.rate)
        agent = self._desk.intermediary(rng) if rng.random() < 0.4 else None
        terms: list[Term] = []
        for year in range(back, -1, -1):
            terms.append(self._term(offer.line, holder, plus_years(anchor, -year), round(cover), rate))
            terms[-1].intermediary = agent
            terms[-1].previous_number = terms[-2].number if len(terms) > 1 else ""
            if rng.random() < 0.16:
                break
            rate *= rng.uniform(0.92, 1.08)
        self._close(terms[-1])
        return terms

    def _term(self, line: Line, holder: Holder, start: date, cover: int, rate: float) -> Term:
        signed = start - timedelta(days=self._rng.randint(0, 9))
        number = self._desk.policy_number(line, signed)
        premium = max(5_000, round(cover * rate / 1000))
        term = Term(number, "", line, holder, None, premium, cover, signed, start, last_day(start), False, None)
        term.coinsured = cover > _COINSURED_ABOVE
        term.facultative = cover > _FACULTATIVE_ABOVE
        return term

    def _close(self, term: Term) -> None:
        day = term.start + timedelta(days=self._rng.randint(30, 300))
        if self._rng.random() < 0.02 and day <= self._as_of:
            term.cancelled = day
        if (term.cancelled or term.end < self._as_of) and self._rng.random() < 0.6:
            term.next_insurer = self._rng.choice(OTHER_INSURERS)
