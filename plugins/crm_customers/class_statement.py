"""The class rules as one SQL statement over many customers; what it cannot decide exactly it marks as unsure.

It states the rules of ``class_terms``, ``measures`` and ``classification`` a second time, because a row of Python for
each of millions of customers takes far longer. Tests hold both to the same results.
"""
# ruff: noqa: S608 -- the statement is made of constants, whole numbers and days, never of text from outside

from __future__ import annotations

from datetime import date

from plugins.crm_customers.class_terms import MOTOR
from plugins.crm_customers.classification import Day
from plugins.crm_customers.exposure import CANCELLATION_CODES, CANCELLATION_WORDS, YEARS_SCALE

PARTS = YEARS_SCALE
"""Earned premium is summed as whole cents and parts of a cent; terms of 365 and 366 days divide into parts exactly."""
OUTCOME = (
    "class_code", "good", "important", "blacklist_candidate", "link_code", "next_expiry", "policies_in_force",
    "premium_12m", "earned", "incurred", "claim_count", "receivable", "first_insured_on", "lost_to",
)  # fmt: skip
"""Columns of a customer that follow from the facts."""


class Statement:
    """Writes the statement for one day on one kind of database.

    Phases of a term: 0 none, 1 cancelled from its first day, 2 begins later, 3 says only "insured once", 4 ended,
    5 in force.

    Args:
        dialect: ``sqlite`` or ``postgresql``.
        day: The as-of day with its limits.
        scope: SQL that follows a customer's identity: ``BETWEEN 1 AND 9`` or ``IN (1, 2)``.
    """

    def __init__(self, dialect: str, day: Day, scope: str) -> None:
        self._sqlite = dialect == "sqlite"
        self._least = "MIN" if self._sqlite else "LEAST"
        self._greatest = "MAX" if self._sqlite else "GREATEST"
        self._day, self._scope = day, scope
        self._today = self._literal(day.ordinal)
        self._year_ago = self._literal(day.premium_after)

    def text(self) -> str:
        """Return a SELECT of id, the columns of ``OUTCOME``, ``entered_on``, ``unsure`` and ``previous``."""
        parts = {
            "spans": self._spans(),
            "held": self._held(),
            "amended": self._amended(),
            "lost": self._claims(),
            "owed": self._receivables(),
            "figures": self._figures(),
            "axes": self._axes(),
            "stretches": self._stretches(),
            "cover": self._cover(),
            "verdicts": self._verdicts(),
        }
        # SQLite would compute again wherever they are named
        kept = {"spans": "MATERIALIZED ", "axes": "MATERIALIZED "}
        queries = (f"{name} AS {kept.get(name, '')}({query})" for name, query in parts.items())
        return "WITH " + ",\n".join(queries) + self._outcome()

    def _spans(self) -> str:
        """Each term with its phase; what only terms that count have is empty for the others."""
        today = self._today
        cut = "p.cancelled_on <= t.end_on"
        motor = ", ".join(f"'{line}'" for line in sorted(MOTOR))
        return f"""
    SELECT c.id, p.id AS policy_id, p.cancelled_on, p.next_insurer, t.premium, t.start_on, t.end_on,
        CASE WHEN p.id IS NULL THEN 0
             WHEN t.start_on IS NULL OR (p.state = 'cancelled' AND p.cancelled_on IS NULL) THEN 3
             WHEN p.cancelled_on <= t.start_on THEN CASE WHEN t.start_on > {today} THEN 0 ELSE 1 END
             WHEN t.start_on > {today} THEN 2
             WHEN t.end_on < {today} OR p.cancelled_on <= {today} THEN 4 ELSE 5 END AS phase,
        CASE WHEN {cut} THEN {self._day_before("p.cancelled_on")} ELSE t.end_on END AS final,
        CASE WHEN p.line IN ({motor}) THEN 1 ELSE 2 END AS line_group,
        CASE WHEN t.end_on >= {today} OR {cut}
             THEN {self._days("t.start_on", self._lesser(today, "p.cancelled_on"))} END AS run,
        CASE WHEN t.end_on >= {today} OR {cut} THEN {self._days("t.start_on", "t.end_on")} + 1 END AS term,
        CASE WHEN t.start_on IS NOT NULL AND (t.end_on IS NULL OR t.end_on < t.start_on) THEN 1 ELSE 0 END AS odd
    FROM crm_customers_customer c LEFT JOIN crm_customers_policy p ON p.holder_id = c.id
    LEFT JOIN crm_customers_policy_term t ON t.policy_id = p.id
    WHERE c.id {self._scope} AND c.merged_into_id IS NULL"""

    def _held(self) -> str:
        return f"""
    SELECT id, MAX(phase) AS phase, MIN(start_on) FILTER (WHERE phase >= 4) AS first_insured,
        MAX(final) FILTER (WHERE phase >= 4) AS last_end,
        COUNT(DISTINCT policy_id) FILTER (WHERE phase = 5) AS in_force,
        MIN(final) FILTER (WHERE phase = 5) AS next_expiry,
        MIN(line_group) FILTER (WHERE phase = 5) AS least_group,
        MAX(line_group) FILTER (WHERE phase = 5) AS greatest_group,
        SUM(premium) FILTER (WHERE start_on > {self._year_ago} AND phase IN (1, 4, 5)) AS premium,
        {_earned("premium", "phase >= 4")}, MAX(next_insurer) AS next_insurer, MAX(odd) AS odd
    FROM spans GROUP BY id"""

    def _amended(self) -> str:
        """Endorsements of policies with one term; others, and cancellations the policy does not know of, are odd."""
        begins = f"{self._least}({self._greatest}(COALESCE(e.effective_on, s.start_on), s.start_on), s.end_on)"
        run = self._days(begins, f"{self._least}({self._today}, {self._day_after('s.final')})")
        seen = f"(e.effective_on IS NULL OR e.effective_on <= {self._today})"
        return f"""
    SELECT id, SUM(change) FILTER (WHERE phase IN (1, 4, 5) AND start_on > {self._year_ago}) AS premium,
        {_earned("change", "phase >= 4 AND NOT refund")}, MAX(CASE WHEN odd THEN 1 ELSE 0 END) AS odd
    FROM (SELECT s.id, s.phase, s.start_on, CASE WHEN {seen} THEN e.premium_change ELSE 0 END AS change,
            {_is_cancellation("e.kind")} AS refund,
            {self._greatest}({run}, 0) AS run, {self._days(begins, "s.end_on")} + 1 AS term,
            (SELECT COUNT(*) FROM crm_customers_policy_term t WHERE t.policy_id = s.policy_id) > 1
                OR ({_is_cancellation("e.kind")} AND s.cancelled_on IS NULL AND e.effective_on IS NOT NULL) AS odd
        FROM spans s JOIN crm_customers_endorsement e ON e.policy_id = s.policy_id) changes
    GROUP BY id"""

    def _claims(self) -> str:
        amount = "COALESCE(c.paid, 0) + COALESCE(c.outstanding, 0)"
        recent = f"c.loss_on > {self._literal(self._day.risk_after)} AND {amount} > 0"
        return f"""
    SELECT p.holder_id AS id, COUNT(*) AS claims, SUM({amount}) AS incurred, MAX(c.loss_on) AS last_loss,
        COUNT(*) - COUNT(c.loss_on) AS undated, SUM(CASE WHEN {recent} THEN 1 ELSE 0 END) AS risk_claims
    FROM crm_customers_policy p JOIN crm_customers_claim c ON c.policy_id = p.id
    WHERE p.holder_id {self._scope} AND (c.loss_on IS NULL OR c.loss_on <= {self._today}) GROUP BY p.holder_id"""

    def _receivables(self) -> str:
        return f"""
    SELECT p.holder_id AS id, SUM(r.amount_due - r.amount_paid) AS balance,
        MIN(CASE WHEN r.amount_due > r.amount_paid THEN r.due_on END) AS overdue_from
    FROM crm_customers_policy p JOIN crm_customers_receivable r ON r.policy_id = p.id
    WHERE p.holder_id {self._scope} GROUP BY p.holder_id"""

    def _figures(self) -> str:
        oldest = self._literal(self._day.ordinal - self._day.limits.overdue_days)
        return f"""
    SELECT h.*, c.lost_to, c.intention_on, l.last_loss,
        CASE WHEN c.class_since IS NOT NULL THEN c.class_code END AS previous,
        {_sum("h.premium", "a.premium")} AS written,
        {_sum("h.whole", "a.whole")} AS whole_cents, {_sum("h.parts", "a.parts")} AS parts_sum,
        COALESCE(l.claims, 0) AS claims, {_sum("l.incurred")} AS incurred, COALESCE(l.undated, 0) AS undated,
        {_sum("o.balance")} AS balance,
        c.credit <> 'bad' AND (o.overdue_from IS NULL OR o.overdue_from >= {oldest}) AS credit_good,
        {_sum("h.odd", "a.odd", "h.inexact", "a.inexact")} > 0
            OR COALESCE(l.risk_claims, 0) >= {self._day.limits.blacklist_claims}
            OR EXISTS (SELECT 1 FROM crm_customers_customer_mark m WHERE m.customer_id = c.id) AS unsure
    FROM held h JOIN crm_customers_customer c ON c.id = h.id LEFT JOIN amended a ON a.id = h.id
    LEFT JOIN lost l ON l.id = h.id LEFT JOIN owed o ON o.id = h.id"""

    def _axes(self) -> str:
        """Relation, loss ratio, and whether the claim-free months may be reached."""
        limits, day = self._day.limits, self._day
        ratio = limits.good_loss_ratio
        clean = self._literal(day.clean_since)
        # a whole number is above a quotient exactly if it is above the quotient rounded down
        low = f"""incurred * {ratio.denominator} - cents * {ratio.numerator} <= rest * {ratio.numerator} / {PARTS}
            AND (cents > 0 OR (cents = 0 AND rest > 0))"""
        return f"""
    SELECT *, {low} AS low_ratio, in_force > 0 AND undated = 0 AND first_insured <= {self._literal(day.clean_since + 1)}
            AND (last_loss IS NULL OR last_loss <= {clean}) AS clean,
        CASE WHEN in_force > 0 OR last_end >= {self._literal(day.ordinal - limits.grace_days)} THEN 'standard'
            WHEN phase >= 2 OR intention_on <= {self._today} THEN 'lead' ELSE 'unattached' END AS relation
    FROM (SELECT *, whole_cents + (parts_sum - carried) / {PARTS} AS cents, carried AS rest
        FROM (SELECT *, ((parts_sum % {PARTS} + {PARTS}) % {PARTS}) AS carried FROM figures) scaled) normal"""

    def _stretches(self) -> str:
        """Each term of cover beside the day up to which earlier ones had reached (``exposure.measure_cover``)."""
        year_ago = self._literal(self._day.insured_since + 1)
        return f"""
    SELECT id, start_on, {self._least}(final, {self._today}) AS last, MAX({self._least}(final, {self._today})) OVER (
        PARTITION BY id ORDER BY start_on ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS reached
    FROM spans WHERE phase >= 4 AND id IN (SELECT id FROM axes
        WHERE in_force > 0 AND credit_good AND (clean OR (low_ratio AND first_insured <= {year_ago})))"""

    def _cover(self) -> str:
        return f"""
    SELECT id, SUM(CASE WHEN reached IS NULL OR start_on > reached THEN {self._days("start_on", "last")} + 1
            WHEN last > reached THEN {self._days("reached", "last")} ELSE 0 END) AS days,
        MAX(CASE WHEN reached IS NULL OR {self._days("reached", "start_on")} - 1 > {self._day.limits.gap_days}
            THEN start_on END) AS unbroken_from
    FROM stretches GROUP BY id"""

    def _verdicts(self) -> str:
        limits = self._day.limits
        begun = self._day_before("v.unbroken_from")
        anchor = f"{self._greatest}({begun}, COALESCE(last_loss, {begun}))"
        free = f"COALESCE(clean AND v.unbroken_from <= {self._literal(self._day.clean_since + 1)}, 1 = 0)"
        year = max(self._day.ordinal - self._day.insured_since, 1)
        return f"""
    SELECT axes.*, {free} AS claim_free, {anchor} AS clean_from, written >= {limits.important_premium} AS important,
        in_force > 0 AND credit_good AND ({free} OR (low_ratio AND COALESCE(v.days, 0) >= {year})) AS good
    FROM axes LEFT JOIN cover v ON v.id = axes.id"""

    def _outcome(self) -> str:
        limits, today = self._day.limits, self._today
        gap = f"{limits.important_premium} - written"
        lapsed = self._day_after("last_end", 1 + limits.grace_days)
        clean = f"{self._greatest}({self._months_after('clean_from', limits.claim_free_months)}, first_insured)"
        return f"""
SELECT id, CASE WHEN important THEN 'important' WHEN good THEN 'good' ELSE relation END, good, important, 1 = 0,
    CASE relation WHEN 'lead' THEN 'contact' WHEN 'unattached' THEN 'acquire' ELSE
        CASE WHEN credit_good AND COALESCE(next_expiry > {self._literal(self._day.ordinal + limits.keep_days)}, 1 = 0)
            AND (({gap} > 0 AND {gap} <= {limits.grow_gap}) OR least_group = greatest_group)
            THEN 'grow' ELSE 'keep' END END,
    next_expiry, in_force, written,
    cents + CASE WHEN 2 * rest > {PARTS} OR (2 * rest = {PARTS} AND cents >= 0) THEN 1 ELSE 0 END,
    incurred, claims, balance, first_insured,
    COALESCE(NULLIF(lost_to, ''), CASE WHEN relation = 'lead' AND next_insurer <> '' THEN (
        SELECT p.next_insurer FROM crm_customers_policy p WHERE p.holder_id = verdicts.id AND p.next_insurer <> ''
        ORDER BY p.end_on IS NULL, p.end_on DESC, p.id DESC LIMIT 1) END),
    CASE WHEN previous IS NOT NULL OR first_insured IS NULL OR important THEN {today}
        WHEN good AND claim_free THEN {clean} WHEN good THEN {today}
        WHEN relation = 'standard' THEN first_insured WHEN relation = 'lead' THEN {self._least}({lapsed}, {today})
        ELSE {today} END,
    unsure, previous
FROM verdicts"""

    def _literal(self, ordinal: int) -> str:
        text = f"'{date.fromordinal(ordinal).isoformat()}'"
        return text if self._sqlite else f"DATE {text}"

    def _days(self, first: str, last: str) -> str:
        if self._sqlite:
            return f"CAST(julianday({last}) - julianday({first}) AS INTEGER)"
        return f"({last} - {first})"

    def _lesser(self, one: str, other: str) -> str:
        """The lesser of two days of which the other may be missing."""
        return f"CASE WHEN {other} < {one} THEN {other} ELSE {one} END"

    def _day_before(self, day: str) -> str:
        return f"date({day}, '-1 day')" if self._sqlite else f"({day} - 1)"

    def _day_after(self, day: str, days: int = 1) -> str:
        return f"date({day}, '+{days} day')" if self._sqlite else f"({day} + {days})"

    def _months_after(self, day: str, months: int) -> str:
        if self._sqlite:
            return f"date({day}, '+{months} months', 'floor')"
        return f"CAST({day} + INTERVAL '{months} months' AS DATE)"


def _earned(premium: str, counts: str) -> str:
    """Earned premium in whole cents and parts, and how many terms do not divide into parts."""
    rest = f"({premium} * run % term) * {PARTS}"
    whole = f"CASE WHEN run IS NULL THEN {premium} ELSE {premium} * run / term END"
    return f"""SUM({whole}) FILTER (WHERE {counts}) AS whole,
        SUM({rest} / term) FILTER (WHERE run IS NOT NULL AND {counts}) AS parts,
        COUNT(*) FILTER (WHERE run IS NOT NULL AND {counts} AND {rest} % term <> 0) AS inexact"""


def _sum(*columns: str) -> str:
    """The sum of columns that may be missing, as a 64-bit whole number: PostgreSQL sums those to decimals."""
    return f"CAST({' + '.join(f'COALESCE({column}, 0)' for column in columns)} AS BIGINT)"


def _is_cancellation(kind: str) -> str:
    codes = [f"substr({kind}, 1, {len(code)}) = '{code}'" for code in CANCELLATION_CODES]
    words = [f"replace({kind}, '{word}', '') <> {kind}" for word in CANCELLATION_WORDS]
    return f"COALESCE({' OR '.join(codes + words)}, 1 = 0)"
