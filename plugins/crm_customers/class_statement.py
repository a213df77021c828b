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
        self._today, self._scope = self._days.literal(day.ordinal), scope
        # PostgreSQL reads all customers where it is told no range; told a list twice, it expects one row and loops
        self._near = f"AND c.id {scope}" if scope.startswith("BETWEEN") else ""

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
            "outcome": self._outcome(),
        }
        queries = ", ".join(f"{name} AS ({query})" for name, query in parts.items())
        columns = ", ".join(f"o.{name}" for name in ("id", *OUTCOME, "entered_on", "unsure", "previous"))
        return f"""WITH {queries}
SELECT {columns} FROM outcome o CROSS JOIN crm_customers_customer c
WHERE c.id = o.id {self._near} AND (o.unsure OR o.previous IS NULL OR {differs("o")})"""

    def _figures(self) -> str:
        """Everything about a customer in one row."""
        limits, day, literal = self._day.limits, self._day, self._days.literal
        overdue = f"o.overdue_from < {literal(day.ordinal - limits.overdue_days)}"
        return f"""
    SELECT h.id, CASE WHEN h.terms_in_force < 2 THEN h.terms_in_force WHEN h.least_policy = h.greatest_policy THEN 1
            WHEN h.terms_in_force = 2 THEN 2 ELSE {self._facts.policies_in_force("h.id")} END AS in_force,
        h.first_insured, h.last_end, h.next_expiry, h.next_insurers, h.longest, h.reach,
        h.motor_in_force = 0 OR h.motor_in_force = h.terms_in_force AS one_line, c.lost_to, l.last_loss,
        CASE WHEN c.class_since IS NOT NULL THEN c.class_code END AS previous,
        CASE WHEN h.terms_in_force > 0 OR h.last_end >= {literal(day.ordinal - limits.grace_days)} THEN 'standard'
            WHEN h.phase >= 2 OR {self._days.read("c.intention_on")} <= {self._today} THEN 'lead'
            ELSE 'unattached' END AS relation,
        {_sum("h.premium", "a.premium")} AS written, {_sum("h.earned", "a.earned")} AS earned,
        {_sum("h.rounded", "a.rounded")} AS rounded, {_sum("o.balance")} AS balance,
        COALESCE(l.claims, 0) AS claims, {_sum("l.incurred")} AS incurred, COALESCE(l.undated, 0) AS undated,
        c.credit <> 'bad' AND ({overdue}) IS NOT TRUE AS credit_good,
        h.phase = 6 OR a.odd > 0 OR COALESCE(l.risk_claims, 0) >= {limits.blacklist_claims}
            OR h.id IN (SELECT customer_id FROM crm_customers_customer_mark WHERE customer_id {self._scope}) AS odd
    FROM held h CROSS JOIN crm_customers_customer c LEFT JOIN amended a ON a.id = h.id
    LEFT JOIN lost l ON l.id = h.id LEFT JOIN owed o ON o.id = h.id
    WHERE c.id = h.id {self._near} {self._days.apart}"""

    def _axes(self) -> str:
        """The two ways to ``good``; the stretches of cover are looked at where sums leave it open."""
        day, literal = self._day, self._days.literal
        year = max(day.ordinal - day.insured_since, 1)
        clean = f"""undated = 0 AND first_insured <= {literal(day.clean_since + 1)}
            AND (last_loss IS NULL OR last_loss <= {literal(day.clean_since)})
            AND reach >= {day.ordinal - day.clean_since}"""
        unbroken = f"{self._facts.unbroken_from('figures.id')} <= {literal(day.clean_since + 1)}"
        return f"""
    SELECT *, in_force > 0 AND credit_good AND {clean} AND {unbroken} AS claim_free,
        in_force > 0 AND credit_good AND {self._low("earned")} AND (longest >= {year}
            OR (first_insured <= {literal(day.insured_since + 1)} AND reach >= {year}
                AND {self._facts.insured_days("figures.id")} >= {year})) AS low_ratio
    FROM figures {self._days.apart}"""

    def _low(self, earned: str) -> str:
        """Whether the loss ratio is low enough, where so much premium is earned."""
        num, den = self._day.limits.good_loss_ratio.numerator, self._day.limits.good_loss_ratio.denominator
        # a whole number is above a quotient exactly if it is above the quotient rounded down
        most = f"{earned} / {PARTS} * {num} + {earned} % {PARTS} * {num} / {PARTS}"
        return f"({earned} > 0 AND incurred * {den} <= {most})"

    def _outcome(self) -> str:
        limits, days = self._day.limits, self._days
        gap = f"{limits.important_premium} - written"
        good = "COALESCE(claim_free OR low_ratio, 1 = 0)"
        important = f"written >= {limits.important_premium}"
        values = (
            f"CASE WHEN {important} THEN 'important' WHEN {good} THEN 'good' ELSE relation END",
            good,
            important,
            "1 = 0",
            f"""CASE relation WHEN 'lead' THEN 'contact' WHEN 'unattached' THEN 'acquire' ELSE
        CASE WHEN credit_good AND COALESCE(next_expiry > {days.literal(self._day.ordinal + limits.keep_days)}, 1 = 0)
            AND (one_line OR ({gap} > 0 AND {gap} <= {limits.grow_gap})) THEN 'grow' ELSE 'keep' END END""",
            days.stored("next_expiry"),
            "in_force",
            "written",
            _cents("earned"),
            "incurred",
            "claims",
            "balance",
            days.stored("first_insured"),
            """COALESCE(NULLIF(lost_to, ''), CASE WHEN relation = 'lead' AND next_insurers > 0 THEN (
        SELECT p.next_insurer FROM crm_customers_policy p WHERE p.holder_id = axes.id AND p.next_insurer <> ''
        ORDER BY p.end_on IS NULL, p.end_on DESC, p.id DESC LIMIT 1) END)""",
        )
        named = ", ".join(f"{value} AS {name}" for name, value in zip(OUTCOME, values, strict=True))
        least, most = "(earned - rounded)", "(earned + rounded)"
        return f"""
    SELECT id, {named}, previous, {days.stored(self._entered())} AS entered_on,
        odd OR earned < 0 OR (rounded > 0 AND ({_cents(least)} <> {_cents(most)}
            OR {self._low(least)} <> {self._low(most)})) AS unsure
    FROM axes {days.apart}"""

    def _entered(self) -> str:
        """The first day in the class of a customer who is classified for the first time (``class_stages``)."""
        limits, days = self._day.limits, self._days
        lapsed = days.earlier(f"last_end + {1 + limits.grace_days}", self._today)
        begun = f"{self._facts.unbroken_from('axes.id')} - 1"
        reached = days.months_after(days.later(begun, f"COALESCE(last_loss, {begun})"), limits.claim_free_months)
        return f"""CASE WHEN previous IS NOT NULL OR first_insured IS NULL OR written >= {limits.important_premium}
                THEN {self._today}
            WHEN claim_free THEN {days.later(reached, "first_insured")} WHEN low_ratio THEN {self._today}
            WHEN relation = 'standard' THEN first_insured WHEN relation = 'lead' THEN {lapsed} ELSE {self._today} END"""


def _cents(earned: str) -> str:
    return f"(2 * {earned} + {PARTS}) / {2 * PARTS}"


def differs(found: str) -> str:
    """Return the condition that the outcome of an alias is not what customer ``c`` has."""
    return "(" + " OR ".join(f"c.{name} IS DISTINCT FROM {found}.{name}" for name in OUTCOME) + ")"


def _sum(*columns: str) -> str:
    """The sum of columns that may be missing, as a 64-bit whole number: PostgreSQL sums those to decimals."""
    return f"CAST({' + '.join(f'COALESCE({column}, 0)' for column in columns)} AS BIGINT)"
