"""Draws the 社会车辆 list of a county: our insured vehicles, vehicles insured elsewhere, vehicles nobody knows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from plugins.crm_customers.demo.holders import Holder
from plugins.crm_customers.demo.scene import Scene
from plugins.crm_customers.demo.tables import County
from plugins.crm_customers.demo.terms import Term, plus_years
from plugins.crm_customers.demo.vehicles import Vehicle

# The most of a county's registry that our vehicles may make up.
_OUR_SHARE = 0.40


@dataclass(frozen=True, slots=True)
class RegistryRow:
    """A vehicle of the registry; the owner's ID and phone are shown only where the flags say so."""

    vehicle: Vehicle
    compulsory_until: date | None
    inspection_until: date
    with_id: bool
    with_phone: bool
    ours: bool


def draw_registry(scene: Scene, county: County, ours: dict[str, Term], number: int) -> Iterator[RegistryRow]:
    """Yields ``number`` registry rows of a county in random order.

    Args:
        scene: Chance, the day, and the makers of the vehicles and owners we do not know.
        county: Where the unknown owners live.
        ours: The last motor term of each of our vehicles, by VIN.
        number: Rows wanted; at most four in ten are our own vehicles.
    """
    rng = scene.rng
    left = min(int(number * _OUR_SHARE), round(len(ours) * 0.985))
    waiting = iter(rng.sample(list(ours.values()), left))
    for place in range(number):
        if rng.random() * (number - place) < left:
            left -= 1
            yield _our_row(rng, scene.as_of, next(waiting))
        else:
            yield _strange_row(scene, _owner(scene, county))


def _owner(scene: Scene, county: County) -> Holder:
    return scene.people.draw(county) if scene.rng.random() < 0.93 else scene.companies.draw(county)


def _our_row(rng: Random, as_of: date, term: Term) -> RegistryRow:
    if term.vehicle is None:
        raise ValueError(f"policy {term.number} insures no vehicle")
    until = term.end
    if until < as_of and rng.random() < 0.8:
        until = plus_years(until, 1 + (as_of - until).days // 366)  # insured elsewhere since
    return RegistryRow(term.vehicle, until, _inspection(rng, term.vehicle, as_of), True, True, True)


def _strange_row(scene: Scene, owner: Holder) -> RegistryRow:
    rng, as_of = scene.rng, scene.as_of
    vehicle = scene.vehicles.draw(owner)
    until = as_of + timedelta(days=rng.randint(-40, 364)) if rng.random() < 0.62 else None
    inspection = _inspection(rng, vehicle, as_of)
    return RegistryRow(vehicle, until, inspection, rng.random() < 0.55, rng.random() < 0.7, ours=False)


def _inspection(rng: Random, vehicle: Vehicle, as_of: date) -> date:
    """Returns the end of the month of the next two-yearly inspection, sometimes missed."""
    years = (as_of.year - vehicle.first_registered.year) // 2 * 2 + rng.choice((0, 2, 2, 2))
    day = plus_years(vehicle.first_registered.replace(day=1), years) + timedelta(days=32)
    return day.replace(day=1) - timedelta(days=1)
