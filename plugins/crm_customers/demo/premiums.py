"""Prices the portfolio's motor covers plausibly: compulsory by the 2008 table, commercial by a sample formula."""

from __future__ import annotations

from datetime import date
from random import Random

from plugins.crm_customers.demo.vehicles import Vehicle

# Lower band ends and yuan a year, T2008 (domain facts 1.1).
_COMPULSORY = {
    "家庭自用": ((0, 950), (6, 1100)),
    "企业非营业": ((0, 1000), (6, 1130), (10, 1220), (20, 1270)),
    "机关非营业": ((0, 950), (6, 1070), (10, 1140), (20, 1320)),
    "公路客运": ((6, 2350), (10, 2620), (20, 3420), (36, 4690)),
    "非营业货车": ((0, 1200), (2, 1470), (5, 1650), (10, 2220)),
    "营业货车": ((0, 1850), (2, 3070), (5, 3450), (10, 4480)),
    "特种车": ((0, 2430),),
}
_THIRD_PARTY = {1_000_000: 900, 1_500_000: 990, 2_000_000: 1060, 3_000_000: 1180, 5_000_000: 1340}
# Level → coefficient of the 2020 no-claim scheme (domain facts 2.2).
_NO_CLAIM = {-4: 50, -3: 60, -2: 70, -1: 80, 0: 100, 1: 120, 2: 140, 3: 160, 4: 180, 5: 200}
_USE_LOAD = {"营业货车": 3.2, "公路客运": 3.4, "特种车": 1.8, "非营业货车": 1.5}


def compulsory_premium(vehicle: Vehicle, clean_years: int) -> int:
    """Returns the compulsory motor premium in cents, region E (domain facts 1.1, 1.3; T1-2: 66500)."""
    if vehicle.model.kind == "moto":
        return 12_000 if vehicle.model.litres <= 0.25 else 40_000  # motorcycles do not float
    by_load = vehicle.use.endswith("货车")
    size = vehicle.model.tonnes if by_load else vehicle.model.seats
    base = [yuan for lower, yuan in _COMPULSORY[vehicle.use] if size >= lower][-1]
    return base * (100 - 10 * min(clean_years, 3))


def no_claim_percent(insured_years: int, recent_claims: int) -> int:
    """Returns the no-claim coefficient in percent (T2-5)."""
    if insured_years >= 4 and recent_claims == 0:
        return _NO_CLAIM[-4]
    return _NO_CLAIM[max(-3, min(5, recent_claims - min(insured_years, 3)))]


def draw_third_party_limit(rng: Random) -> int:
    """Returns a third-party limit in yuan."""
    return rng.choices(tuple(_THIRD_PARTY), (15, 15, 32, 30, 8))[0]


def commercial_premium(rng: Random, vehicle: Vehicle, start: date, limit: int, no_claim: int) -> int:
    """Returns a made-up commercial motor premium in cents; no real rate table lies behind it."""
    months = (start - vehicle.first_registered).days // 30
    value = vehicle.model.price * max(0.2, 1 - 0.006 * months)
    pure = 0.0062 * value + _THIRD_PARTY[limit] * 0.75 * _USE_LOAD.get(vehicle.use, 1.0)
    return round(pure / 0.75 * no_claim / 100 * rng.uniform(0.65, 1.15) * 100)
