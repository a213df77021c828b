"""Draws premium instalments: paid, not yet due, partly paid and overdue."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from plugins.crm_customers.demo.terms import Term


@dataclass(frozen=True, slots=True)
class Instalment:
    """One instalment of a term's premium; money in cents, ``place`` counts from 1."""

    term: Term
    place: int
    due: date
    amount: int
    received: int
    received_on: date | None


def draw_instalments(rng: Random, as_of: date, terms: list[Term]) -> list[Instalment]:
    """Returns instalments of the terms signed in the two years before ``as_of``.

    Organisations pay larger non-motor premiums in two to four quarters and some motor premiums on credit; persons
    rarely buy on credit. Cancelled terms are settled by their refund and carry none.
    """
    found: list[Instalment] = []
    for term in terms:
        if (as_of - term.signed).days > 730 or term.cancelled:
            continue
        number = _instalments(rng, term)
        for place in range(1, number + 1):
            found.append(_instalment(rng, as_of, term, place, number))
    return found


def _instalments(rng: Random, term: Term) -> int:
    if term.holder.person:
        return 1 if rng.random() < 0.006 else 0
    if term.vehicle is None and term.premium >= 800_000:
        return rng.randint(2, 4)
    return 1 if rng.random() < 0.15 else 0


def _instalment(rng: Random, as_of: date, term: Term, place: int, number: int) -> Instalment:
    share = term.premium // number
    amount = term.premium - share * (number - 1) if place == number else share
    due = term.signed + timedelta(days=30 if number == 1 else 15 + 90 * (place - 1))
    if due > as_of:
        return Instalment(term, place, due, amount, 0, None)
    if rng.random() < 0.93:
        received_on = min(due + timedelta(days=rng.randint(-10, 20)), as_of)
        return Instalment(term, place, due, amount, amount, received_on)
    part = amount * rng.choice((0, 0, 30, 50)) // 100
    return Instalment(term, place, due, amount, part, min(due, as_of) if part else None)
