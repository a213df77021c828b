"""What the facts of many customers add up to, as SQL: terms, endorsements, claims and receivables, a row a customer.

It states the rules of ``class_terms``, ``measures`` and ``exposure`` a second time, see ``class_statement``.
"""
# ruff: noqa: S608 -- the statement is made of constants, whole numbers and days, never of text from outside

from __future__ import annotations

from plugins.crm_customers.class_terms import MOTOR
from plugins.crm_customers.classification import Day
from plugins.crm_customers.exposure import CANCELLATION_CODES, CANCELLATION_WORDS, YEARS_SCALE
from plugins.crm_customers.sql_days import SqlDays

PARTS = YEARS_SCALE
"""Earned premium is summed in parts of a cent; terms of 365 and 366 days divide into parts exactly."""
_MOTOR = ", ".join(f"'{line}'" for line in sorted(MOTOR))


class Facts:
    """Writes the queries of one day, each with a row for each customer that has such facts, and column ``id``.

    Phases of a term: 0 none, 1 cancelled from its first day, 2 begins later, 3 says only "insured once", 4 ended,
    5 in force, 6 begun without a last day, or with one before the first.

    Args:
        days: How the database writes days.
        day: The as-of day with its limits.
        scope: SQL that follows a customer's identity: ``BETWEEN 1 AND 9`` or ``IN (1, 2)``.
    """

    def __init__(self, days: SqlDays, day: Day, scope: str) -> None:
        self._days, self._day, self._scope = days, day, scope
        # PostgreSQL reads all policies where it is told the range of the customers only; SQLite looks each up
        self._within = "" if days.sqlite else f"AND p.holder_id {scope}"
        self._today = days.literal(day.ordinal)
        self._year_ago = days.literal(day.premium_after)

    def held(self) -> str:
        """Terms; ``longest`` and ``reach`` bound the days insured. Every customer of the scope has a row."""
        today = self._today
        spans = self._spans(
            f"c.id, p.next_insurer, p.line IN ({_MOTOR}) AS motor",
            f"crm_customers_customer c LEFT JOIN crm_customers_policy p ON p.holder_id = c.id {self._within}",
            f"c.id {self._scope} AND c.merged_into_id IS NULL ORDER BY c.id",
            f", CASE WHEN stop <= last AND stop < {today} THEN stop WHEN last < {today} THEN last + 1 ELSE {today} END"
            " - first AS run, last - first + 1 AS term",
        )
        return f"""
    SELECT id, MAX(phase) AS phase, MIN(first) FILTER (WHERE phase >= 4) AS first_insured,
        MAX(final) FILTER (WHERE phase >= 4) AS last_end, COUNT(*) FILTER (WHERE phase = 5) AS terms_in_force,
        MIN(policy_id) FILTER (WHERE phase = 5) AS least_policy,
        MAX(policy_id) FILTER (WHERE phase = 5) AS greatest_policy,
        COUNT(*) FILTER (WHERE phase = 5 AND motor) AS motor_in_force,
        MIN(final) FILTER (WHERE phase = 5) AS next_expiry,
        SUM(premium) FILTER (WHERE first > {self._year_ago} AND (phase = 1 OR phase >= 4)) AS premium,
        {_earned("premium", "phase >= 4")},
        COUNT(next_insurer) AS next_insurers, MAX(run) FILTER (WHERE phase >= 4) AS longest,
        SUM(run + {1 + self._day.limits.gap_days}) FILTER (WHERE phase >= 4) AS reach
    FROM ({spans} ORDER BY id {self._days.apart}) spans
    GROUP BY id"""

    def amended(self) -> str:
        """Endorsements of policies with one term; others, and cancellations the policy does not know of, are odd."""
        spans = self._spans(
            f"p.holder_id AS id, e.premium_change, {self._days.read('e.effective_on')} AS effective, "
            f"{_is_cancellation('e.kind')} AS refund, "
            "(SELECT COUNT(*) FROM crm_customers_policy_term o WHERE o.policy_id = p.id) AS terms",
            "crm_customers_policy p JOIN crm_customers_endorsement e ON e.policy_id = p.id",
            f"p.holder_id {self._scope} ORDER BY p.holder_id",
        )
        begins = self._days.earlier(self._days.later("COALESCE(effective, first)", "first"), "last")
        begun = f"""SELECT *, {begins} AS begins, {self._days.earlier(self._today, "final + 1")} AS ends,
            CASE WHEN effective > {self._today} THEN 0 ELSE premium_change END AS change
        FROM ({spans}) spans ORDER BY id {self._days.apart}"""
        return f"""
    SELECT id, SUM(change) FILTER (WHERE first > {self._year_ago} AND (phase = 1 OR phase >= 4)) AS premium,
        {_earned("change", "phase >= 4 AND NOT refund")}, COUNT(*) FILTER (WHERE odd) AS odd
    FROM (SELECT id, phase, first, change, refund, last - begins + 1 AS term,
            CASE WHEN ends > begins THEN ends - begins ELSE 0 END AS run,
            terms > 1 OR (refund AND stop IS NULL AND effective IS NOT NULL) AS odd
        FROM ({begun}) begun ORDER BY id {self._days.apart}) changes
    GROUP BY id"""

    def claims(self) -> str:
        """Claims up to the day; ``risk_claims`` are those of the blacklist window with an amount."""
        return f"""
    SELECT id, COUNT(*) AS claims, SUM(amount) AS incurred, MAX(loss) AS last_loss, COUNT(*) - COUNT(loss) AS undated,
        COUNT(*) FILTER (WHERE loss > {self._days.literal(self._day.risk_after)} AND amount > 0) AS risk_claims
    FROM (SELECT p.holder_id AS id, {self._days.read("c.loss_on")} AS loss,
            COALESCE(c.paid, 0) + COALESCE(c.outstanding, 0) AS amount
        FROM crm_customers_policy p JOIN crm_customers_claim c ON c.policy_id = p.id
        WHERE p.holder_id {self._scope} ORDER BY p.holder_id {self._days.apart}) losses
    WHERE loss IS NULL OR loss <= {self._today} GROUP BY id"""

    def receivables(self) -> str:
        """Balance, and the earliest day since when anything is due."""
        return f"""
    SELECT p.holder_id AS id, SUM(r.amount_due - r.amount_paid) AS balance,
        MIN({self._days.read("r.due_on")}) FILTER (WHERE r.amount_due > r.amount_paid) AS overdue_from
    FROM crm_customers_policy p JOIN crm_customers_receivable r ON r.policy_id = p.id
    WHERE p.holder_id {self._scope} GROUP BY p.holder_id"""

    def policies_in_force(self, holder: str) -> str:
        """How many policies of one customer have a term in force."""
        spans = self._spans("p.holder_id", "crm_customers_policy p", f"p.holder_id = {holder}")
        return f"(SELECT COUNT(DISTINCT policy_id) FROM ({spans}) spans WHERE phase = 5)"

    def insured_days(self, holder: str) -> str:
        """The days insured of one customer, each once."""
        return self._cover(
            "SUM(CASE WHEN reached IS NULL OR first > reached THEN last - first + 1 "
            "WHEN last > reached THEN last - reached ELSE 0 END)",
            holder,
        )

    def unbroken_from(self, holder: str) -> str:
        """The first day of the latest stretch of cover of one customer without too long a gap."""
        gap = f"first - reached - 1 > {self._day.limits.gap_days}"
        return self._cover(f"MAX(first) FILTER (WHERE reached IS NULL OR {gap})", holder)

    def _cover(self, value: str, holder: str) -> str:
        """A value of each term of cover and the day that earlier ones had reached (``exposure.measure_cover``)."""
        spans = self._spans("p.holder_id", "crm_customers_policy p", f"p.holder_id = {holder}")
        until = self._days.earlier("final", self._today)
        return f"""(
        SELECT {value} FROM (SELECT first, {until} AS last, MAX({until}) OVER (
                ORDER BY first ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS reached
            FROM ({spans}) spans WHERE phase >= 4) stretches)"""

    def _spans(self, columns: str, policies: str, which: str, derived: str = "") -> str:
        """Terms with first and last day, the day a cancellation stops them, the last day of cover, and the phase."""
        today, read = self._today, self._days.read
        return f"""SELECT *, CASE WHEN stop <= last THEN stop - 1 ELSE last END AS final,
            CASE WHEN stop IS NULL AND first <= {today} AND last >= first AND NOT cancelled
                    THEN CASE WHEN last < {today} THEN 4 ELSE 5 END
                WHEN policy_id IS NULL THEN 0
                WHEN first IS NULL OR (cancelled AND stop IS NULL) THEN 3
                WHEN stop <= first THEN CASE WHEN first > {today} THEN 0 ELSE 1 END
                WHEN first > {today} THEN 2
                WHEN last IS NULL OR last < first THEN 6
                WHEN last < {today} OR stop <= {today} THEN 4 ELSE 5 END AS phase{derived}
        FROM (SELECT {columns}, p.id AS policy_id, p.state = 'cancelled' AS cancelled, t.premium,
                {read("t.start_on")} AS first, {read("t.end_on")} AS last, {read("p.cancelled_on")} AS stop
            FROM {policies} LEFT JOIN crm_customers_policy_term t ON t.policy_id = p.id
            WHERE {which} {self._days.apart}) terms"""


def _earned(premium: str, counts: str) -> str:
    """Earned premium in parts of a cent, each term's rounded towards 0, and how many terms had to be rounded."""
    product = f"{premium} * run"
    earned = f"({product} / term * {PARTS} + {product} % term * {PARTS} / term)"
    rounded = f"run <> term AND {counts} AND {product} % term * {PARTS} % term <> 0"
    return f"""SUM(CASE WHEN run = term THEN {premium} * {PARTS} ELSE {earned} END) FILTER (WHERE {counts}) AS earned,
        COUNT(*) FILTER (WHERE {rounded}) AS rounded"""


def _is_cancellation(kind: str) -> str:
    codes = [f"substr({kind}, 1, {len(code)}) = '{code}'" for code in CANCELLATION_CODES]
    words = [f"replace({kind}, '{word}', '') <> {kind}" for word in CANCELLATION_WORDS]
    return f"COALESCE({' OR '.join(codes + words)}, 1 = 0)"
