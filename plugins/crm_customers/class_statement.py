"""The class rules as one SQL statement over many customers; what it cannot decide exactly it marks as unsure.

It states the rules of ``classification`` and ``class_stages`` a second time, because a row of Python for each of
millions of customers takes far longer. Tests hold both to the same results.
"""
# ruff: noqa: S608 -- the statement is made of constants, whole numbers and days, never of text from outside

from __future__ import annotations

from plugins.crm_customers.class_facts import PARTS, Facts
from plugins.crm_customers.classification import Day
from plugins.crm_customers.sql_days import SqlDays

OUTCOME = (
    "class_code", "good", "important", "blacklist_candidate", "link_code", "next_expiry", "policies_in_force",
    "premium_12m", "earned", "incurred", "claim_count", "receivable", "first_insured_on", "lost_to",
)  # fmt: skip
"""Columns of a customer that follow from the facts."""


class Statement:
    """Writes the statement for one day on one kind of database.

    Args:
        dialect: ``sqlite`` or ``postgresql``.
        day: The as-of day with its limits.
        scope: SQL that follows a customer's identity: ``BETWEEN 1 AND 9`` or ``IN (1, 2)``.
    """

    def __init__(self, dialect: str, day: Day, scope: str) -> None:
        self._days, self._day = SqlDays(dialect), day
        self._facts = Facts(self._days, day, scope)
        self._today = self._days.literal(day.ordinal)

    def text(self) -> str:
        """Return a SELECT of id, the columns of ``OUTCOME``, ``entered_on``, ``unsure`` and ``previous``.

        Customers that are stored as they should be are left out.
        """
        parts = {
            "held": self._facts.held(),
            "amended": self._facts.amended(),
            "lost": self._facts.claims(),
            "owed": self._facts.receivables(),
            "figures": self._figures(),
            "axes": self._axes(),
            "verdicts": self._verdicts(),
            "outcome": self._outcome(),
        }
        queries = ", ".join(f"{name} AS ({query})" for name, query in parts.items())
        columns = ", ".join(f"o.{name}" for name in ("id", *OUTCOME, "entered_on", "unsure", "previous"))
        return f"""WITH {queries}
SELECT {columns} FROM outcome o CROSS JOIN crm_customers_customer c
WHERE c.id = o.id AND (o.unsure OR c.classified_on IS NULL OR {differs("o")})"""

    def _figures(self) -> str:
        """Everything about a customer in one row."""
        limits, day = self._day.limits, self._day
        overdue = f"o.overdue_from < {self._days.literal(day.ordinal - limits.overdue_days)}"
        return f"""
    SELECT h.id, h.phase, h.in_force, h.first_insured, h.last_end, h.next_expiry, h.next_insurer, h.longest, h.reach,
        h.least_group = h.greatest_group AS one_line, c.lost_to, {self._days.read("c.intention_on")} AS intention,
        l.last_loss, CASE WHEN c.class_since IS NOT NULL THEN c.class_code END AS previous,
        {_sum("h.premium", "a.premium")} AS written, {_sum("h.earned", "a.earned")} AS earned,
        COALESCE(l.claims, 0) AS claims, {_sum("l.incurred")} AS incurred, COALESCE(l.undated, 0) AS undated,
        {_sum("o.balance")} AS balance, c.credit <> 'bad' AND ({overdue}) IS NOT TRUE AS credit_good,
        h.doubts > 0 OR COALESCE(a.doubts > 0 OR {_sum("h.earned", "a.earned")} < 0, 1 = 0)
            OR COALESCE(l.risk_claims >= {limits.blacklist_claims}, 1 = 0)
            OR EXISTS (SELECT 1 FROM crm_customers_customer_mark m WHERE m.customer_id = c.id) AS unsure
    FROM held h CROSS JOIN crm_customers_customer c LEFT JOIN amended a ON a.id = h.id
    LEFT JOIN lost l ON l.id = h.id LEFT JOIN owed o ON o.id = h.id WHERE c.id = h.id {self._days.apart}"""

    def _axes(self) -> str:
        """Relation, and the two ways to ``good``; the stretches of cover are looked at where sums leave it open."""
        limits, day, literal = self._day.limits, self._day, self._days.literal
        year = max(day.ordinal - day.insured_since, 1)
        # a whole number is above a quotient exactly if it is above the quotient rounded down
        num, den = limits.good_loss_ratio.numerator, limits.good_loss_ratio.denominator
        low = f"""earned > 0
            AND incurred * {den} - earned / {PARTS} * {num} <= earned % {PARTS} * {num} / {PARTS}"""
        clean = f"""undated = 0 AND first_insured <= {literal(day.clean_since + 1)}
            AND (last_loss IS NULL OR last_loss <= {literal(day.clean_since)})
            AND reach >= {day.ordinal - day.clean_since}"""
        return f"""
    SELECT *, written >= {limits.important_premium} AS important,
        CASE WHEN in_force > 0 OR last_end >= {literal(day.ordinal - limits.grace_days)} THEN 'standard'
            WHEN phase >= 2 OR intention <= {self._today} THEN 'lead' ELSE 'unattached' END AS relation,
        CASE WHEN in_force > 0 AND credit_good AND {clean}
            THEN {self._facts.unbroken_from("figures.id")} END AS unbroken_from,
        in_force > 0 AND credit_good AND {low} AND (longest >= {year}
            OR (first_insured <= {literal(day.insured_since + 1)} AND reach >= {year}
                AND {self._facts.insured_days("figures.id")} >= {year})) AS low_ratio
    FROM figures {self._days.apart}"""

    def _verdicts(self) -> str:
        return f"""
    SELECT *, claim_free OR low_ratio AS good
    FROM (SELECT *, COALESCE(unbroken_from <= {self._days.literal(self._day.clean_since + 1)}, 1 = 0) AS claim_free
        FROM axes) ways {self._days.apart}"""

    def _outcome(self) -> str:
        limits, days = self._day.limits, self._days
        gap = f"{limits.important_premium} - written"
        values = (
            "CASE WHEN important THEN 'important' WHEN good THEN 'good' ELSE relation END",
            "good",
            "important",
            "1 = 0",
            f"""CASE relation WHEN 'lead' THEN 'contact' WHEN 'unattached' THEN 'acquire' ELSE
        CASE WHEN credit_good AND COALESCE(next_expiry > {days.literal(self._day.ordinal + limits.keep_days)}, 1 = 0)
            AND (one_line OR ({gap} > 0 AND {gap} <= {limits.grow_gap})) THEN 'grow' ELSE 'keep' END END""",
            days.stored("next_expiry"),
            "in_force",
            "written",
            f"(2 * earned + {PARTS}) / {2 * PARTS}",
            "incurred",
            "claims",
            "balance",
            days.stored("first_insured"),
            """COALESCE(NULLIF(lost_to, ''), CASE WHEN relation = 'lead' AND next_insurer <> '' THEN (
        SELECT p.next_insurer FROM crm_customers_policy p WHERE p.holder_id = verdicts.id AND p.next_insurer <> ''
        ORDER BY p.end_on IS NULL, p.end_on DESC, p.id DESC LIMIT 1) END)""",
        )
        named = ", ".join(f"{value} AS {name}" for name, value in zip(OUTCOME, values, strict=True))
        return f"""
    SELECT id, {named}, unsure, previous, {days.stored(self._entered())} AS entered_on FROM verdicts {days.apart}"""

    def _entered(self) -> str:
        """The first day in the class of a customer who is classified for the first time (``class_stages``)."""
        limits, days = self._day.limits, self._days
        lapsed = days.earlier(f"last_end + {1 + limits.grace_days}", self._today)
        anchor = days.later("unbroken_from - 1", "COALESCE(last_loss, unbroken_from - 1)")
        reached = days.later(days.months_after(anchor, limits.claim_free_months), "first_insured")
        return f"""CASE WHEN previous IS NOT NULL OR first_insured IS NULL OR important THEN {self._today}
            WHEN good AND claim_free THEN {reached} WHEN good THEN {self._today}
            WHEN relation = 'standard' THEN first_insured WHEN relation = 'lead' THEN {lapsed} ELSE {self._today} END"""


def differs(found: str) -> str:
    """Return the condition that the outcome of an alias is not what customer ``c`` has."""
    return "(" + " OR ".join(f"c.{name} IS DISTINCT FROM {found}.{name}" for name in OUTCOME) + ")"


def _sum(*columns: str) -> str:
    """The sum of columns that may be missing, as a 64-bit whole number: PostgreSQL sums those to decimals."""
    return f"CAST({' + '.join(f'COALESCE({column}, 0)' for column in columns)} AS BIGINT)"
