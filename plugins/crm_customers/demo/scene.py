"""What all generators of one portfolio share: chance, the day, and the makers of unique things."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from random import Random

from plugins.crm_customers.demo.companies import Companies
from plugins.crm_customers.demo.people import People
from plugins.crm_customers.demo.vehicles import Vehicles


@dataclass(frozen=True, slots=True)
class Scene:
    """The only source of chance, the portfolio's day, and the makers of persons, organisations and vehicles."""

    rng: Random
    as_of: date
    people: People
    companies: Companies
    vehicles: Vehicles

    @classmethod
    def of(cls, seed: int, as_of: date) -> Scene:
        """Returns the scene of a seed; the same seed and day give the same portfolio."""
        # Reproducible made-up data is the purpose; nothing secret depends on it.
        rng = Random(f"{seed}:{as_of}")  # noqa: S311 - demonstration data, not security
        return cls(rng, as_of, People(rng, as_of), Companies(rng), Vehicles(rng, as_of))
