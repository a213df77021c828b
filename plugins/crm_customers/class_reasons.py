"""Why a customer is in a class, and what would change it: every test with its number, limit and outcome (NH-01)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from functools import lru_cache
from typing import Any

from core.api import Label
from plugins.crm_customers.classification import Day, Figures, Verdict, claim_free_anchor
from plugins.crm_customers.exposure import Earned, add_months, round_half_up

Check = tuple[str, Any, Any, bool]
"""Code, number found, limit, passed. Amounts in cents, ratios in millionths, days as ISO texts."""
Change = tuple[str, str, Any]
"""Code, class it would lead to, what is missing in the unit of the code."""

MILLION = 1_000_000
_encode = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode


@dataclass(frozen=True)
class Text:
    """How a code reads: the rule in both languages, and the unit of its number."""

    label: Label
    unit: str


CHECKS: Mapping[str, Text] = {
    "in_force": Text(Label("Policies in force", "有效保单"), "count"),
    "first_insured": Text(Label("Ever insured with us", "曾在我司投保"), "date"),
    "intention": Text(Label("Intends to insure", "有投保意向"), "flag"),
    "claim_free": Text(Label("Months without a claim", "连续无赔案月数"), "months"),
    "loss_ratio": Text(Label("Cumulative loss ratio", "累计赔付率"), "ratio"),
    "insured_months": Text(Label("Months insured", "承保月数"), "months"),
    "credit": Text(Label("Good credit (days overdue)", "信用良好（逾期天数）"), "days"),
    "premium": Text(Label("Premium of the rolling year", "12 个月保费"), "money"),
    "importance_mark": Text(Label("Marked important", "人工标记重要"), "flag"),
    "risk_claims": Text(Label("Claims of the last 12 months", "近 12 个月赔案"), "count"),
    "risk_ratio": Text(Label("Loss ratio of the last 12 months", "近 12 个月赔付率"), "ratio"),
    "blacklist_mark": Text(Label("Approved blacklist entry", "黑名单已审批"), "flag"),
}
CHANGES: Mapping[str, Text] = {
    "more_premium": Text(Label("More premium in a year", "年保费再增"), "money"),
    "claim_free_on": Text(Label("No claim until", "无赔案满"), "date"),
    "more_earned": Text(Label("Earned premium still needed", "满期保费再增"), "money"),
    "insured_on": Text(Label("Insured for long enough on", "承保满"), "date"),
    "credit": Text(Label("Good credit again", "信用恢复良好"), "flag"),
    "claims_above": Text(Label("Another claim, and claims in total above", "再出险且累计赔款超过"), "money"),
    "cover_ends": Text(Label("Not renewed after", "到期未续保"), "date"),
    "insure": Text(Label("A policy in force", "在我司投保"), "flag"),
    "claims_more": Text(Label("Further claims in 12 months, with a high loss ratio", "12 个月内再出险"), "count"),
}


def reasons_of(figures: Figures, verdict: Verdict, day: Day) -> str:
    """Return the reasons as JSON text: ``{"checks": [Check…], "changes": [Change…], "relation": …}``.

    Nothing in it depends on the day alone, so that an unchanged customer keeps the same text.
    """
    return _encode(
        {
            "relation": verdict.relation,
            "checks": checks_of(figures, verdict, day),
            "changes": changes_of(figures, verdict, day),
        }
    )


def checks_of(figures: Figures, verdict: Verdict, day: Day) -> list[Check]:
    """Return every rule that was checked, in the order of the class ladder."""
    limits = day.limits
    months = _months(claim_free_anchor(figures), day) if figures.in_force else 0
    return [
        ("in_force", figures.in_force, 1, figures.in_force > 0),
        ("first_insured", iso_day(figures.first_insured), None, figures.insured_before),
        ("intention", figures.intends or figures.upcoming, None, figures.intends or figures.upcoming),
        ("claim_free", months, limits.claim_free_months, verdict.claim_free),
        (
            "loss_ratio",
            millionths(figures.incurred, figures.earned),
            _limit_millionths(limits.good_loss_ratio),
            verdict.low_ratio is True,
        ),
        ("insured_months", _insured_months(figures, day), limits.good_insured_months, verdict.seasoned),
        ("credit", _overdue_days(figures, day), limits.overdue_days, verdict.credit_good),
        ("premium", figures.premium, limits.important_premium, verdict.important),
        ("importance_mark", figures.important_mark, None, figures.important_mark),
        ("risk_claims", figures.risk_claims, limits.blacklist_claims, figures.risk_claims >= limits.blacklist_claims),
        (
            "risk_ratio",
            millionths(figures.risk_incurred, figures.risk_earned),
            _limit_millionths(limits.blacklist_ratio),
            verdict.risk_ratio_high is True,
        ),
        ("blacklist_mark", figures.blacklisted, None, figures.blacklisted),
    ]


def changes_of(figures: Figures, verdict: Verdict, day: Day) -> list[Change]:
    """Return what would lift or lower the class, with the exact gap."""
    changes: list[Change] = []
    if not verdict.important:
        changes.append(("more_premium", "important", day.limits.important_premium - figures.premium))
    if verdict.relation != "standard":
        return [("insure", "standard", None), *changes]
    if figures.in_force:
        changes += _falling(figures, verdict, day) if verdict.good else _towards_good(figures, verdict, day)
        changes.append(("cover_ends", "lead", iso_day(figures.last_end)))
    if figures.risk_claims and not verdict.candidate:
        changes.append(("claims_more", "blacklist", max(day.limits.blacklist_claims - figures.risk_claims, 1)))
    return changes


def _towards_good(figures: Figures, verdict: Verdict, day: Day) -> list[Change]:
    changes: list[Change] = []
    if not verdict.credit_good:
        changes.append(("credit", "good", None))
    anchor = claim_free_anchor(figures)
    if not verdict.claim_free and anchor and not figures.undated_claims:
        changes.append(("claim_free_on", "good", _after(anchor, day.limits.claim_free_months)))
    if verdict.low_ratio is False and day.limits.good_loss_ratio:
        changes.append(("more_earned", "good", _missing_premium(figures, day)))
    if not verdict.seasoned:
        changes.append(("insured_on", "good", _after(day.ordinal - figures.cover.days, day.limits.good_insured_months)))
    return changes


def _falling(figures: Figures, verdict: Verdict, day: Day) -> list[Change]:
    """A further claim ends the claim-free way; the class then hangs on the loss ratio."""
    numerator, denominator = figures.earned.ratio()
    limit = day.limits.good_loss_ratio
    allowed = numerator * limit.numerator // (denominator * limit.denominator) if verdict.seasoned else 0
    return [("claims_above", "standard", max(allowed, 0))]


def _missing_premium(figures: Figures, day: Day) -> int:
    numerator, denominator = figures.earned.ratio()
    limit = day.limits.good_loss_ratio
    needed = figures.incurred * limit.denominator * denominator - numerator * limit.numerator
    return -(-needed // (limit.numerator * denominator))


def millionths(amount: int, earned: Earned) -> int | None:
    """Return amount ÷ earned in millionths, half up; ``None`` where nothing is earned."""
    numerator, denominator = earned.ratio()
    return round_half_up(amount * denominator * MILLION, numerator) if numerator > 0 else None


def _overdue_days(figures: Figures, day: Day) -> int:
    return max(day.ordinal - figures.overdue_from, 0) if figures.overdue_from else 0


def _insured_months(figures: Figures, day: Day) -> int:
    return _months(day.ordinal - figures.cover.days, day) if figures.in_force else 0


def _months(anchor: int, day: Day) -> int:
    return months_between(anchor, day.ordinal) if 0 < anchor <= day.ordinal else 0


# The few thousand days of a portfolio recur for every customer, so what is derived from a day is kept.
@lru_cache(maxsize=50_000)
def months_between(first: int, last: int) -> int:
    """Return the months complete between two days, ordinals; a month completes on its day number or the last day."""
    start, end = date.fromordinal(first), date.fromordinal(last)
    months = (end.year - start.year) * 12 + end.month - start.month
    return months if add_months(start, months) <= end else months - 1


@lru_cache(maxsize=50_000)
def _after(anchor: int, months: int) -> str:
    return add_months(date.fromordinal(max(anchor, 1)), months).isoformat()


@lru_cache(maxsize=50_000)
def iso_day(ordinal: int) -> str | None:
    """Return the ISO text of a day ordinal; ``None`` for 0."""
    return date.fromordinal(ordinal).isoformat() if ordinal else None


@lru_cache(maxsize=100)
def _limit_millionths(ratio: Fraction) -> int:
    return int(ratio * MILLION)
