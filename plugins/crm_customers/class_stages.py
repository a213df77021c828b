"""Since when a customer classified for the first time is in the class: the true day where history shows it."""

from __future__ import annotations

from datetime import date

from plugins.crm_customers.classification import Day, Figures, Verdict, claim_free_anchor
from plugins.crm_customers.exposure import add_months


def entered_on(figures: Figures, verdict: Verdict, day: Day) -> date:
    """Return the first day in the class, as the history behind a first classification shows it (CU-26).

    Standard from the first day of cover, lead from the day after the last, good from the day on which the claim-free
    months were reached; what shows no day counts from the as-of day.
    """
    if not figures.first_insured:
        return day.as_of
    if verdict.class_code == "standard":
        return date.fromordinal(figures.first_insured)
    if verdict.class_code == "lead":
        return min(date.fromordinal(figures.last_end + 1 + day.limits.grace_days), day.as_of)
    if verdict.class_code == "good" and verdict.claim_free:
        reached = add_months(date.fromordinal(claim_free_anchor(figures)), day.limits.claim_free_months)
        return max(reached, date.fromordinal(figures.first_insured))
    return day.as_of
