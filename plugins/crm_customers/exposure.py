"""Days of cover and premium earned of insured periods, exact and in whole numbers (domain rules 11-1, 11-4, 11-5)."""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from core.values.dates import add_years

COMMON_YEAR = 365
LEAP_YEAR = 366
YEARS_SCALE = COMMON_YEAR * LEAP_YEAR
"""Denominator that holds terms of 365 and of 366 days exactly."""


def add_months(day: date, months: int) -> date:
    """Return the day that completes so many months; where the month is shorter, its last day (domain rule 11-6).

    Args:
        day: The day counted from.
        months: Any whole number; negative counts back.
    """
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def latest_start(day: date, months: int) -> date:
    """Return the latest day from which ``months`` are complete on ``day``.

    On the last day of a month that is the last day of the earlier month, because shorter months complete there.
    """
    earlier = add_months(day, -months)
    length = monthrange(earlier.year, earlier.month)[1]
    ends_month = day.day == monthrange(day.year, day.month)[1]
    return earlier.replace(day=length) if ends_month else earlier


def last_day_of_year_from(start: date) -> date:
    """Return the last day of a one-year cover: 2024-02-29 gives 2025-02-28 (T5-3)."""
    return date.fromordinal(add_years(start, 1).toordinal() - 1)


def days_run(day: int, start: int, end: int, cancelled: int | None) -> int:
    """Return the days of a term that have run before ``day``; an as-of day is not a day run (domain rule 11-4).

    Args:
        day: As-of day, ordinal.
        start: First day of cover, ordinal.
        end: Last day of cover, ordinal, inclusive.
        cancelled: Day a cancellation takes effect, ordinal; cover ends before it.
    """
    stop = day if cancelled is None or day < cancelled else cancelled
    return min(max(stop - start, 0), end - start + 1)


@dataclass(slots=True)
class Earned:
    """A sum of earned premium in cents, kept exact: whole cents + scaled / 133,590 + rest.

    Terms of one year are added as integers; only terms of other lengths need fractions.
    """

    whole: int = 0
    scaled: int = 0
    rest: Fraction | None = None
    _sum: tuple[int, int] | None = None

    def add(self, premium: int, days: int, term: int) -> None:
        """Add what a premium (cents) has earned after ``days`` of a term of ``term`` days."""
        self._sum = None
        if days == term:
            self.whole += premium
        elif term == COMMON_YEAR:
            self.scaled += premium * days * LEAP_YEAR
        elif term == LEAP_YEAR:
            self.scaled += premium * days * COMMON_YEAR
        elif days:
            self.rest = (self.rest or 0) + Fraction(premium * days, term)

    def ratio(self) -> tuple[int, int]:
        """Return the exact sum as numerator and positive denominator."""
        if self._sum is None:
            numerator = self.whole * YEARS_SCALE + self.scaled
            if self.rest is None:
                self._sum = numerator, YEARS_SCALE
            else:
                total = Fraction(numerator, YEARS_SCALE) + self.rest
                self._sum = total.numerator, total.denominator
        return self._sum

    def cents(self) -> int:
        """Return whole cents, half up once (domain rule 11-2)."""
        numerator, denominator = self.ratio()
        return round_half_up(numerator, denominator)


def round_half_up(numerator: int, denominator: int) -> int:
    """Return the nearest whole number of a quotient with a positive denominator; a half goes away from zero."""
    rounded = (2 * abs(numerator) + denominator) // (2 * denominator)
    return rounded if numerator >= 0 else -rounded


@dataclass(frozen=True, slots=True)
class Cover:
    """How long a customer has been insured.

    Args:
        days: Insured days up to and including the as-of day, each once.
        unbroken_from: First day of the latest stretch without a gap longer than allowed, ordinal; 0 without cover.
    """

    days: int = 0
    unbroken_from: int = 0


NO_COVER = Cover()


def measure_cover(periods: list[tuple[int, int]], day: int, gap_days: int) -> Cover:
    """Unite insured periods.

    Args:
        periods: First and last day of cover, ordinals; later parts than ``day`` are cut off.
        day: As-of day, ordinal.
        gap_days: Gaps up to so many days do not break a stretch (domain rule 11-10).
    """
    days, unbroken, reached = 0, 0, -gap_days - 2
    for start, last in sorted(periods):
        end = last if last < day else day
        if start - reached - 1 > gap_days:
            unbroken = start
        if end > reached:
            days += end - (start - 1 if start > reached else reached)
            reached = end
    return Cover(days, unbroken)


CANCELLATION_CODES = ("13", "16", "68A")
CANCELLATION_WORDS = ("退保", "解除", "注销")


def is_cancellation(kind: str | None) -> bool:
    """Whether an endorsement of this kind ends the policy, so that its premium change is the refund (domain rule 11-1).

    Args:
        kind: Code (13…, 16…, 68A of the core system) or text of the source.
    """
    if not kind:
        return False
    return kind.startswith(CANCELLATION_CODES) or any(word in kind for word in CANCELLATION_WORDS)
