"""The dirt of real exports: how one branch's system and clerks write a value (domain facts 9.2)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import cache
from random import Random

from plugins.crm_customers.demo.files import Cell
from plugins.crm_customers.demo.holders import Holder

_EXCEL_EPOCH = date(1899, 12, 30).toordinal()
_FULL_WIDTH = str.maketrans("0123456789-.", "０１２３４５６７８９－．")
_MIXED = ("iso", "slash", "dot", "compact", "chinese", "full", "serial", "instant")
_NO_DATE = ("", "", "", "--", "0000-00-00")


_FORMS: dict[str, Callable[[date], Cell]] = {
    "iso": date.isoformat,
    "instant": lambda day: f"{day.isoformat()} 00:00:00",
    "slash": lambda day: f"{day.year}/{day.month}/{day.day}",
    "dot": lambda day: f"{day.year}.{day.month}.{day.day}",
    "compact": lambda day: day.isoformat().replace("-", ""),
    "chinese": lambda day: f"{day.year}年{day.month}月{day.day}日",
    "full": lambda day: day.isoformat().translate(_FULL_WIDTH),
    "serial": lambda day: day.toordinal() - _EXCEL_EPOCH,
    "native": lambda day: day,
}


@cache
def _written(value: date, form: str) -> Cell:
    # Few days come back in many rows; formatting each once saves seconds.
    return _FORMS[form](value)


@dataclass(slots=True)
class Dirt:
    """How one file's values are written.

    Args:
        rng: The only source of chance.
        dates: A form of ``_FORMS`` (``serial`` is the Excel day number, ``native`` a typed cell) or ``mixed``.
        native: The file holds typed cells (XLSX): amounts are numbers.
        per_unit: Yuan in one unit of the file's amounts: 1, or 10 000 for a 万元 file.
    """

    rng: Random
    dates: str = "iso"
    native: bool = False
    per_unit: int = 1

    def day(self, value: date | None) -> Cell:
        """Returns a day in the file's form; no day in one of the ways clerks leave it out."""
        if value is None:
            return "" if self.native else self.rng.choice(_NO_DATE)
        form = self.rng.choice(_MIXED) if self.dates == "mixed" else self.dates
        return _written(value, form)

    def money(self, cents: int) -> Cell:
        """Returns an amount of cents in the file's unit, sometimes with signs and separators."""
        if self.per_unit != 1:
            return f"{cents / 100 / self.per_unit:.6f}"
        if self.native:
            return cents / 100
        chance = self.rng.random()
        if cents < 0:
            forms = ("({:,.2f})", "（{:,.2f}）", "-{:.2f}", "{:,.2f}-")
            return forms[int(chance * 4)].format(-cents / 100)
        if chance < 0.9:
            return f"{cents / 100:.2f}"
        if chance < 0.96:
            return f"{cents / 100:,.2f}"
        return f"￥{cents / 100:,.2f}元" if chance < 0.985 else f"{cents / 100:.2f}".translate(_FULL_WIDTH)

    def phone(self, holder: Holder) -> str:
        """Returns the holder's phones, in the spellings of T9-6 and T9-7."""
        if not holder.mobile:
            return self._landline(holder.landline)
        number, chance = holder.mobile, self.rng.random()
        if chance < 0.9:
            return number
        if chance < 0.95:
            return f"{number[:3]}-{number[3:7]}-{number[7:]}"
        if chance < 0.97:
            return f"+86 {number[:3]} {number[3:]}"
        return number.translate(_FULL_WIDTH) if chance < 0.985 else f"0{number}"

    def _landline(self, number: str) -> str:
        chance = self.rng.random()
        if chance < 0.8:
            return number
        if chance < 0.9:
            return f"({number[:4]}){number[5:]}"
        return number[5:] if chance < 0.95 else f"{number[:4]} {number[5:]}-801"

    def plate(self, plate: str) -> str:
        """Returns a plate in the spellings of T9-8."""
        chance = self.rng.random()
        if chance < 0.88:
            return plate
        if chance < 0.92:
            return f"{plate[:2]}·{plate[2:]}"
        if chance < 0.95:
            return f"{plate[:2]}-{plate[2:]}".lower()
        return f"{plate[:2]} {plate[2:]}" if chance < 0.98 else f"浙Ｆ·{plate[2:]}"

    def name(self, holder: Holder) -> str:
        """Returns the holder's name, an organisation's second spelling or stray spaces at times (T9-13)."""
        chance = self.rng.random()
        if holder.other_name and chance < 0.22:
            return holder.other_name
        if chance > 0.985:
            return f"{holder.name}  " if chance > 0.992 else f"\u3000{holder.name}"
        return holder.name.replace("（", "(").replace("）", ")") if chance < 0.5 else holder.name

    def identity(self, holder: Holder) -> str:
        """Returns the holder's number: quoted, spaced, lower-case, the old 15 digits, or missing (T9-11, T9-19)."""
        chance = self.rng.random()
        if holder.nameless and chance < 0.4:
            return ""
        if holder.other_id and chance < 0.4:
            return holder.other_id
        number = holder.id_number
        if not number or chance < 0.94:
            return number
        if chance < 0.97:
            return f"'{number}"
        return f"{number[:6]} {number[6:14]} {number[14:]}" if chance < 0.985 else number.lower()

    def count(self, value: float) -> Cell:
        """Returns a plain quantity (seats, tonnes, litres), a typed number where the file has types."""
        return value if self.native else f"{value:g}"

    def flag(self, value: bool) -> str:
        """Returns a yes or no in one of the spellings of T9-16."""
        chance = self.rng.random()
        if chance < 0.9:
            return "是" if value else "否"
        return "Y" if value else "N"
