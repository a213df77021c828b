"""The class rules a second time: day by day, with fractions, without any of the product's code."""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction

DAY = timedelta(days=1)


@dataclass
class RefPolicy:
    start: date
    end: date
    premium: int
    cancelled: date | None = None
    refund: int = 0
    line: str = "ctp"
    endorsements: list[tuple[date, int]] = field(default_factory=list)
    claims: list[tuple[date, int]] = field(default_factory=list)

    def covers(self, day: date) -> bool:
        return self.start <= day <= self.end and (self.cancelled is None or day < self.cancelled)

    def earned(self, first: date, until: date) -> Fraction:
        """Premium earned on the days from ``first`` up to the one before ``until``."""
        total = Fraction(0)
        parts = [(self.start, self.premium), *self.endorsements]
        for begin, premium in parts:
            days = (self.end - begin).days + 1
            stop = min(until, self.cancelled or until, self.end + DAY)
            total += Fraction(premium * max((stop - max(begin, first)).days, 0), days)
        return total


def months_before(day: date, months: int) -> date:
    """Return the latest day on which a stretch that is complete on ``day`` may have begun, found by trying."""
    for back in range(months * 31 + 5, 0, -1):
        start = day - back * DAY
        if months_after(start, months) > day:
            return start - DAY
    raise AssertionError


def months_after(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def reference(policies: list[RefPolicy], as_of: date) -> dict[str, object]:
    """Return class, marks and figures of a customer; amounts in cents."""
    for policy in policies:
        policy.endorsements = [each for each in policy.endorsements if each[0] <= as_of]
        policy.claims = [each for each in policy.claims if each[0] <= as_of]
    begun = [policy for policy in policies if policy.start <= as_of]
    year_ago = months_before(as_of, 12)
    insured = insured_days(begun, as_of)
    in_force = sum(policy.covers(as_of) for policy in begun)
    earned = sum((policy.earned(date.min, as_of) for policy in begun), Fraction(0))
    claims = [claim for policy in begun for claim in policy.claims]
    incurred = sum(amount for _, amount in claims)
    recent = [amount for day, amount in claims if day > year_ago and amount > 0]
    window = sum((policy.earned(year_ago, as_of) for policy in begun), Fraction(0))
    premium = sum(
        policy.premium
        + sum(change for _, change in policy.endorsements)
        + (policy.refund if policy.cancelled and policy.cancelled <= as_of else 0)
        for policy in begun
        if policy.start > year_ago
    )
    low = earned > 0 and Fraction(incurred) / earned <= Fraction(3, 10) and len(insured) >= (as_of - year_ago).days
    good = in_force > 0 and (low or claim_free(insured, claims, as_of))
    candidate = len(recent) >= 3 and window > 0 and Fraction(sum(recent)) / window > Fraction(3, 2)
    upcoming = any(policy.start > as_of for policy in policies)
    relation = "standard" if in_force else "lead" if insured or upcoming else "unattached"
    code = "important" if premium >= 5_000_000 else "good" if good else relation
    return {
        "class_code": code,
        "good": good,
        "important": premium >= 5_000_000,
        "blacklist_candidate": candidate,
        "policies_in_force": in_force,
        "premium": premium,
        "earned": int(earned + Fraction(1, 2)),
        "incurred": incurred,
        "claim_count": len(claims),
        "first_insured_on": min(insured, default=None),
    }


def insured_days(policies: list[RefPolicy], as_of: date) -> set[date]:
    days = set()
    for policy in policies:
        day = policy.start
        while day <= min(policy.end, as_of):
            if policy.covers(day):
                days.add(day)
            day += DAY
    return days


def claim_free(insured: set[date], claims: list[tuple[date, int]], as_of: date) -> bool:
    """Walk back from the as-of day until a claim or a gap of more than 30 days ends the stretch."""
    losses = {day for day, _ in claims}
    day, first, gap = as_of, None, 0
    while gap <= 30 and day not in losses and day > date(2015, 1, 1):
        if day in insured:
            first, gap = day, 0
        else:
            gap += 1
        if day - DAY in losses and first is not None:
            first = day
        day -= DAY
    return first is not None and first - DAY <= months_before(as_of, 36)
