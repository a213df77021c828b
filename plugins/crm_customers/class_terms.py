"""Insured periods and endorsements of many customers, added up into their figures."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from typing import Any

from plugins.crm_customers.classification import Day, Figures
from plugins.crm_customers.exposure import days_run, last_day_of_year_from

MOTOR = frozenset({"ctp", "commercial"})


class _Days(dict[Any, int]):
    """Ordinals of the days of the database: ISO texts on SQLite, dates on PostgreSQL; each is read once."""

    def __missing__(self, day: str | date) -> int:
        ordinal = (date.fromisoformat(day) if isinstance(day, str) else day).toordinal()
        self[day] = ordinal
        return ordinal


DAYS = _Days()
Span = tuple[int, int, int | None]
"""First and last day of a term, and the day its cancellation takes effect; ordinals."""
TermRow = tuple[int, int, str | None, str, str | date | None, str | date | None, str | date | None, int]
"""Holder, policy, line, state, cancelled on, start, last day, premium in cents."""


class Terms:
    """Adds terms, then endorsements, into the figures of their holders.

    Args:
        day: The as-of day.
        figures_of: Figures by customer, changed in place.
        amended: Policies with endorsements; their terms are remembered.
    """

    def __init__(self, day: Day, figures_of: dict[int, Figures], amended: Iterable[int]) -> None:
        self.day = day
        self.figures_of = figures_of
        self.periods: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)
        self._spans: dict[int, list[Span]] = {policy: [] for policy in amended}
        self._cancelled: dict[int, int] = {}
        self._in_force: set[int] = set()

    def cancel(self, policy: int, effective: int) -> None:
        """Take the effective day of a cancellation endorsement; it counts where the policy itself states no day."""
        self._cancelled[policy] = min(effective, self._cancelled.get(policy, effective))

    def add(self, rows: Iterable[TermRow]) -> None:
        """Add terms to the figures of their holders.

        A term without start, or cancelled on an unknown day, only says that the customer was insured once.
        """
        today, figures_of = self.day.ordinal, self.figures_of
        for holder, policy, line, state, cancelled, start, end, premium in rows:
            figures = figures_of.get(holder)
            if figures is None:
                continue
            stop = self._cancelled.get(policy) if cancelled is None else DAYS[cancelled]
            if start is None or (stop is None and state == "cancelled"):
                figures.insured_before = True
                continue
            first = DAYS[start]
            if first > today:
                figures.upcoming |= stop is None or stop > first
                continue
            last = max(_last_day(first, end), first)
            if policy in self._spans:
                self._spans[policy].append((first, last, stop))
            self._premium(figures, premium, (first, last, stop), first)
            final = last if stop is None or stop > last else stop - 1
            if final >= first:
                self._insure(figures, holder, policy, (first, final), line)

    def amend(self, figures: Figures, policy: int, effective: int | None, change: int, *, refund: bool) -> None:
        """Add the premium change (cents) of an endorsement to the term it falls into.

        It earns from its effective day to that term's end; the refund of a cancellation only lowers written premium,
        because the premium itself stops earning (domain rules 11-1, 11-5).
        """
        spans = sorted(self._spans[policy], key=lambda span: span[:2])
        if not spans:
            return
        begun = [span for span in spans if effective is not None and span[0] <= effective]
        first, last, stop = begun[-1] if begun else spans[0]
        start = min(max(effective or first, first), last)
        if refund:
            figures.premium += change if first > self.day.premium_after else 0
            return
        self._premium(figures, change, (start, last, stop), first)

    def _premium(self, figures: Figures, premium: int, span: Span, begun: int) -> None:
        """Add a premium that earns over ``span`` and belongs to the year of ``begun``."""
        start, last, stop = span
        if begun > self.day.premium_after:
            figures.premium += premium
        run = days_run(self.day.ordinal, start, last, stop)
        figures.earned.add(premium, run, last - start + 1)
        if last >= self.day.risk_after:
            before = days_run(self.day.risk_after, start, last, stop)
            figures.risk_earned.add(premium, run - before, last - start + 1)

    def _insure(self, figures: Figures, holder: int, policy: int, span: tuple[int, int], line: str | None) -> None:
        first, final = span
        figures.insured_before = True
        figures.first_insured = min(figures.first_insured or first, first)
        figures.last_end = max(figures.last_end, final)
        self.periods[holder].append(span)
        if final < self.day.ordinal:
            return
        figures.next_expiry = min(figures.next_expiry or final, final)
        if line in MOTOR:
            figures.motor = True
        else:
            figures.other = True
        if policy not in self._in_force:
            self._in_force.add(policy)
            figures.in_force += 1


def _last_day(first: int, end: str | date | None) -> int:
    return DAYS[end] if end is not None else last_day_of_year_from(date.fromordinal(first)).toordinal()
