"""Makes up vehicles: model, plate, VIN with the right check digit, use and first registration."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from itertools import count
from operator import mul
from random import Random

from plugins.crm_customers.demo.holders import Holder
from plugins.crm_customers.demo.tables import Model, models

_VIN_WEIGHTS = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
_VIN_VALUES = {digit: int(digit) for digit in "0123456789"} | dict(
    zip("ABCDEFGHJKLMNPRSTUVWXYZ", (*range(1, 9), *range(1, 6), 7, 9, *range(2, 10)), strict=True)
)
_VIN_YEARS = "123456789ABCDEFGHJKLMNPRSTVWXY"  # model year 2001 = 1, as ISO 3779 counts
_PLATE_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"
# A prime step walks through all numbers of a ring once, so plates look random and never repeat.
_STEP = 104729
_ORDINARY, _SMALL_NEW_ENERGY = 24 * 10_000, 100_000


@dataclass(slots=True)
class Vehicle:
    """A vehicle as the registration office knows it; ``use`` is the 使用性质."""

    plate: str
    plate_kind: str
    vin: str
    engine: str
    model: Model
    use: str
    first_registered: date
    owner: Holder


def vin_check_digit(vin: str) -> str:
    """Returns the ninth character of a VIN whose ninth place is not looked at (ISO 3779 / GB 16735)."""
    total = sum(map(mul, map(_VIN_VALUES.__getitem__, vin), _VIN_WEIGHTS))
    return "0123456789X"[total % 11]


class Vehicles:
    """Draws vehicles of a portfolio; no two share a plate or a VIN.

    Args:
        rng: The only source of chance.
        as_of: The portfolio's day; cars were registered in the fourteen years before it.
    """

    def __init__(self, rng: Random, as_of: date) -> None:
        self._rng = rng
        self._as_of = as_of
        self._serial = count(100_001)
        self._ordinary = count(1)
        self._new_energy = count(1)

    def draw(self, owner: Holder) -> Vehicle:
        """Returns one vehicle fitting its owner: persons drive cars, organisations also lorries and buses."""
        rng = self._rng
        kinds = self._kinds(owner)
        found, weights = models(kinds)
        model = rng.choices(found, cum_weights=weights)[0]
        span = 1800 if model.new_energy else 5000
        registered = self._as_of - timedelta(days=rng.randint(5, span))
        plate, plate_kind = self._plate(model)
        engine = f"{rng.choice(_PLATE_LETTERS)}{rng.randint(0, 9999999):07d}"
        return Vehicle(
            plate, plate_kind, self._vin(model, registered), engine, model, self._use(owner, model), registered, owner
        )

    def _kinds(self, owner: Holder) -> tuple[str, ...]:
        chance = self._rng.random()
        if owner.person:
            if chance < 0.9:
                return ("car",)
            return ("van7",) if chance < 0.95 else ("truck",) if chance < 0.97 else ("moto",)
        if chance < 0.5:
            return ("car",)
        return ("van7",) if chance < 0.62 else ("truck",) if chance < 0.93 else ("bus", "special")

    def _use(self, owner: Holder, model: Model) -> str:
        if owner.person and model.kind in {"car", "van7", "moto"}:
            return "家庭自用"
        if owner.ownership == "机关事业":
            return "机关非营业"
        if model.kind in {"truck", "bus"} and (owner.industry[:1] in {"G", "L"} or self._rng.random() < 0.3):
            return "营业货车" if model.kind == "truck" else "公路客运"
        return {"truck": "非营业货车", "special": "特种车"}.get(model.kind, "企业非营业")

    def _vin(self, model: Model, registered: date) -> str:
        rng = self._rng
        body = "".join(rng.choices("ABCDEFGHJKLMNPRSTUVWXYZ0123456789", k=5))
        year = _VIN_YEARS[(registered.year - 2001) % 30]
        draft = f"{model.wmi}{body}0{year}{rng.choice('ABCDEFGH')}{next(self._serial):06d}"
        return f"{draft[:8]}{vin_check_digit(draft)}{draft[9:]}"

    def _plate(self, model: Model) -> tuple[str, str]:
        large = model.kind in {"truck", "bus", "special"} and model.tonnes != 1.6
        if model.new_energy and model.kind != "moto":
            place = next(self._new_energy)
            digits = f"{place * _STEP % _SMALL_NEW_ENERGY:05d}"
            letter = ("D" if model.fuel == "纯电动" else "F") if place < _SMALL_NEW_ENERGY else "A"
            return (f"浙F{digits}{letter}", "51") if large else (f"浙F{letter}{digits}", "52")
        letter_at, tail = divmod(next(self._ordinary) * _STEP % _ORDINARY, 10_000)
        at = letter_at % 3
        text = f"{tail:04d}"
        kind = "07" if model.kind == "moto" else "01" if large else "02"
        return f"浙F{text[:at]}{_PLATE_LETTERS[letter_at]}{text[at:]}", kind
