"""Plays one county branch: its customers and everything they did with us in five years."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

from plugins.crm_customers.demo.claims import ClaimBook
from plugins.crm_customers.demo.holders import Holder
from plugins.crm_customers.demo.motor import MotorBook
from plugins.crm_customers.demo.other_lines import OtherBook
from plugins.crm_customers.demo.receivables import Instalment, draw_instalments
from plugins.crm_customers.demo.scene import Scene
from plugins.crm_customers.demo.staff import draw_intermediaries, draw_managers
from plugins.crm_customers.demo.tables import County
from plugins.crm_customers.demo.terms import COMMERCIAL, COMPULSORY, Claim, Desk, Endorsement, Term

_ORGANISATION_SHARE = 0.175  # of policyholders; the prospect lists bring all customers to 18 %


@dataclass(slots=True)
class CountyBook:
    """The facts of one county branch; ``vehicles`` holds each vehicle's last motor term by VIN."""

    county: County
    managers: list[str]
    holders: list[Holder] = field(default_factory=list)
    terms: list[Term] = field(default_factory=list)
    endorsements: list[Endorsement] = field(default_factory=list)
    claims: list[Claim] = field(default_factory=list)
    instalments: list[Instalment] = field(default_factory=list)
    vehicles: dict[str, Term] = field(default_factory=dict)


class CountyPlay:
    """Plays one branch on a scene.

    Args:
        scene: Chance, the day, and the makers of persons, organisations and vehicles.
        county: The branch.
    """

    def __init__(self, scene: Scene, county: County) -> None:
        rng, as_of = scene.rng, scene.as_of
        managers = draw_managers(rng, county, 4 if county.share < 0.15 else 5)
        desk = Desk(county, managers, draw_intermediaries(rng, county))
        self._scene = scene
        self._motor = MotorBook(rng, as_of, desk)
        self._others = OtherBook(rng, as_of, desk)
        self._losses = ClaimBook(rng, as_of, desk)
        self._book = CountyBook(county, managers)

    def play(self, customers: int, visitors: list[Holder]) -> CountyBook:
        """Returns the branch's book.

        Args:
            customers: Policyholders to draw.
            visitors: Customers of another branch who also bought here.
        """
        book, scene = self._book, self._scene
        for _ in range(customers):
            organisation = scene.rng.random() < _ORGANISATION_SHARE
            holder = (scene.companies if organisation else scene.people).draw(book.county)
            holder.manager = scene.rng.choice(book.managers)
            book.holders.append(holder)
            self._insure(holder)
        for visitor in visitors:
            self._insure_others(visitor, needed=True)
        book.terms.sort(key=lambda term: (term.signed, term.number))
        book.endorsements.sort(key=lambda change: (change.effective, change.number))
        book.claims.sort(key=lambda claim: (claim.reported, claim.number))
        book.instalments = draw_instalments(scene.rng, scene.as_of, book.terms)
        return book

    def _insure(self, holder: Holder) -> None:
        book = self._book
        fleet = _fleet_size(self._scene.rng, holder)
        for _ in range(fleet):
            vehicle = self._scene.vehicles.draw(holder)
            terms, accidents = self._motor.insure(vehicle)
            book.terms += terms
            book.claims += self._losses.motor(terms, accidents)
            book.endorsements += self._losses.endorsements(terms)
            motor = (term for term in terms if term.line in {COMPULSORY, COMMERCIAL})
            book.vehicles[vehicle.vin] = max(motor, key=lambda term: term.end)
        self._insure_others(holder, needed=not fleet)

    def _insure_others(self, holder: Holder, *, needed: bool) -> None:
        terms = self._others.insure(holder, needed)
        self._book.terms += terms
        self._book.claims += self._losses.other(terms)
        self._book.endorsements += self._losses.endorsements(terms)


def _fleet_size(rng: Random, holder: Holder) -> int:
    if holder.person:
        return rng.choices((0, 1, 2, 3), (10, 80, 9, 1))[0]
    if rng.random() < 0.3:
        return 0
    return min(40, int(rng.lognormvariate(0.6, 0.9)) + 1)
