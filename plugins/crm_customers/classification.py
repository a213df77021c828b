"""The rules of the customer classes as pure functions of a customer's figures (SEED1; domain rules 5.3 and 11)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction

from plugins.crm_customers.exposure import NO_COVER, Cover, Earned, latest_start


@dataclass(frozen=True)
class Thresholds:
    """The limits of the class rules on one day; amounts in whole cents, ratios exact, see ``class_settings``."""

    important_premium: int
    good_loss_ratio: Fraction
    good_insured_months: int
    claim_free_months: int
    gap_days: int
    blacklist_claims: int
    blacklist_ratio: Fraction
    blacklist_months: int
    premium_months: int
    overdue_days: int
    grace_days: int
    grow_gap: int
    keep_days: int


@dataclass(frozen=True)
class Day:
    """The day of a classification with the limits valid on it, as day ordinals that are compared as numbers."""

    as_of: date
    limits: Thresholds
    ordinal: int = field(init=False)
    risk_after: int = field(init=False)
    premium_after: int = field(init=False)
    clean_since: int = field(init=False)
    insured_since: int = field(init=False)

    def __post_init__(self) -> None:
        back = {
            "ordinal": 0,
            "risk_after": self.limits.blacklist_months,
            "premium_after": self.limits.premium_months,
            "clean_since": self.limits.claim_free_months,
            "insured_since": self.limits.good_insured_months,
        }
        for name, months in back.items():
            object.__setattr__(self, name, latest_start(self.as_of, months).toordinal())


@dataclass(slots=True)
class Figures:
    """What is known of one customer on a day; amounts in cents, days as ordinals, 0 where there is none.

    Args:
        in_force: Policies with a term in force.
        motor: Whether compulsory or commercial motor is in force; they are one line group (domain rule 11-14).
        other: Whether any other line is in force.
        next_expiry: Earliest last day of the terms in force.
        last_end: Latest last day of cover of terms that have begun.
        first_insured: First day of cover ever.
        insured_before: Whether cover has begun at any time, or a policy without dates is known.
        upcoming: Whether a policy begins later.
        premium: Written premium of policies that began in the rolling year, endorsements included.
        earned: Premium earned since first insured.
        risk_earned: Premium earned inside the window of the blacklist rule.
        cover: Days and latest stretch of cover.
        claims: Claims ever.
        incurred: Paid + outstanding ever.
        last_loss: Day of the latest loss.
        undated_claims: Claims without a day of loss.
        risk_claims: Claims of the blacklist window with something paid or outstanding.
        risk_incurred: Their paid + outstanding.
        receivable: Due less paid.
        overdue_from: Earliest due day with a balance.
        credit_bad: Marked or imported as not good.
        intends: Marked as intending to insure.
        important_mark: Marked as important by a person.
        blacklisted: An approved blacklist mark is in force.
        lost_to: Insurer the customer left for.
    """

    in_force: int = 0
    motor: bool = False
    other: bool = False
    next_expiry: int = 0
    last_end: int = 0
    first_insured: int = 0
    insured_before: bool = False
    upcoming: bool = False
    premium: int = 0
    earned: Earned = field(default_factory=Earned)
    risk_earned: Earned = field(default_factory=Earned)
    cover: Cover = NO_COVER
    claims: int = 0
    incurred: int = 0
    last_loss: int = 0
    undated_claims: int = 0
    risk_claims: int = 0
    risk_incurred: int = 0
    receivable: int = 0
    overdue_from: int = 0
    credit_bad: bool = False
    intends: bool = False
    important_mark: bool = False
    blacklisted: bool = False
    lost_to: str | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the rules say: the headline class, the axes behind it, and each test of the quality rule.

    Args:
        class_code: Headline, ``blacklist`` > ``important`` > ``good`` > ``standard`` > ``lead`` > ``unattached``.
        relation: ``unattached``, ``lead`` or ``standard``.
        good: Quality axis.
        important: Value axis by premium.
        candidate: The blacklist rule holds; the class needs an approved mark besides.
        link: Process link (CU-27).
        claim_free: The claim-free way to ``good`` is reached.
        low_ratio: The loss ratio is low enough; ``None`` without earned premium.
        seasoned: Insured long enough for the loss-ratio way.
        credit_good: Credit is good.
        risk_ratio_high: The ratio of the blacklist rule is passed; ``None`` without earned premium.
    """

    class_code: str
    relation: str
    good: bool
    important: bool
    candidate: bool
    link: str
    claim_free: bool
    low_ratio: bool | None
    seasoned: bool
    credit_good: bool
    risk_ratio_high: bool | None


def classify(figures: Figures, day: Day) -> Verdict:
    """Return the class of a customer and the axes behind it (SEED1, domain rules 5.3, 11-8 to 11-12, 11-27, 11-29).

    Args:
        figures: The customer's figures on that day.
        day: The day and its limits.
    """
    limits = day.limits
    relation = relation_of(figures, day)
    claim_free = is_claim_free(figures, day)
    above = exceeds(figures.incurred, figures.earned.ratio(), limits.good_loss_ratio)
    low_ratio = None if above is None else not above
    seasoned = figures.cover.days > 0 and day.ordinal - figures.cover.days <= day.insured_since
    credit_good = has_good_credit(figures, day)
    good = figures.in_force > 0 and credit_good and (claim_free or (seasoned and low_ratio is True))
    important = figures.premium >= limits.important_premium
    high = exceeds(figures.risk_incurred, figures.risk_earned.ratio(), limits.blacklist_ratio)
    candidate = figures.risk_claims >= limits.blacklist_claims and high is True
    if figures.blacklisted:
        code = "blacklist"
    elif important:
        code = "important"
    else:
        code = "good" if good else relation
    safe = credit_good and not candidate and not figures.blacklisted
    link = link_of(figures, relation, day, safe=safe)
    return Verdict(code, relation, good, important, candidate, link, claim_free, low_ratio, seasoned, credit_good, high)


def relation_of(figures: Figures, day: Day) -> str:
    """Return the relation: ``standard`` in force, ``lead`` when intending or lapsed, else ``unattached``.

    A lapse counts once more than the days of grace have passed (domain rule 11-29).
    """
    lapsed_days = day.ordinal - figures.last_end
    if figures.in_force or (figures.last_end and lapsed_days <= day.limits.grace_days):
        return "standard"
    return "lead" if figures.insured_before or figures.intends or figures.upcoming else "unattached"


def is_claim_free(figures: Figures, day: Day) -> bool:
    """Whether the months without a claim are reached, counted from the day after the last loss (domain rule 11-27).

    A claim without a day of loss leaves the claim-free way unproven.
    """
    start = claim_free_anchor(figures)
    return start > 0 and start <= day.clean_since and not figures.undated_claims


def claim_free_anchor(figures: Figures) -> int:
    """Return the day before the claim-free stretch begins, ordinal; 0 without cover."""
    if not figures.cover.unbroken_from:
        return 0
    return max(figures.cover.unbroken_from - 1, figures.last_loss)


def has_good_credit(figures: Figures, day: Day) -> bool:
    """Whether credit is good: not marked otherwise and nothing overdue for too long (domain rule 11-30)."""
    overdue = figures.overdue_from and day.ordinal - figures.overdue_from > day.limits.overdue_days
    return not figures.credit_bad and not overdue


def exceeds(amount: int, earned: tuple[int, int], limit: Fraction) -> bool | None:
    """Whether amount ÷ earned is above a limit, compared exactly (domain rule 11-8).

    Args:
        amount: Cents.
        earned: Premium earned as numerator and denominator.
        limit: The ratio that may be reached but not passed.

    Returns:
        ``None`` where nothing is earned: a ratio without denominator has no value.
    """
    numerator, denominator = earned
    if numerator <= 0:
        return None
    return amount * denominator * limit.denominator > limit.numerator * numerator


def link_of(figures: Figures, relation: str, day: Day, *, safe: bool) -> str:
    """Return the process link, one for each customer (CU-27).

    Unattached: ``acquire``; lead: ``contact``. Insured: ``keep``, but ``grow`` when nothing ends within the keeping
    window, the customer is no risk, and premium is close to important or only one line group is in force.

    Args:
        figures: The customer's figures.
        relation: The relation axis.
        day: The day and its limits.
        safe: Credit is good, and the customer is neither blacklisted nor a candidate.
    """
    if relation != "standard":
        return "contact" if relation == "lead" else "acquire"
    limits = day.limits
    ends_soon = figures.next_expiry - day.ordinal <= limits.keep_days
    if not safe or ends_soon:
        return "keep"
    gap = limits.important_premium - figures.premium
    near = 0 < gap <= limits.grow_gap
    return "grow" if near or figures.motor != figures.other else "keep"
