"""The figures of some customers, one statement per kind of fact: for explanations and what SQL cannot decide."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from core.api import fetch_in
from plugins.crm_customers.class_terms import DAYS, TermRow, Terms
from plugins.crm_customers.classification import Day, Figures
from plugins.crm_customers.exposure import is_cancellation, measure_cover

_CUSTOMERS = """SELECT id, class_since, lost_to, credit, intention_on
    FROM crm_customers_customer WHERE merged_into_id IS NULL AND id IN {values}"""
_TERMS = """SELECT p.holder_id, p.id, p.line, p.state, p.cancelled_on, t.start_on, t.end_on, t.premium
    FROM crm_customers_policy p LEFT JOIN crm_customers_policy_term t ON t.policy_id = p.id
    WHERE p.holder_id IN {values}"""
_ENDORSEMENTS = """SELECT p.holder_id, p.id, e.kind, e.effective_on, e.premium_change
    FROM crm_customers_policy p JOIN crm_customers_endorsement e ON e.policy_id = p.id WHERE p.holder_id IN {values}"""
_CLAIMS = """SELECT p.holder_id, c.loss_on, COALESCE(c.paid, 0) + COALESCE(c.outstanding, 0)
    FROM crm_customers_policy p JOIN crm_customers_claim c ON c.policy_id = p.id WHERE p.holder_id IN {values}"""
_RECEIVABLES = """SELECT p.holder_id, SUM(r.amount_due - r.amount_paid),
        MIN(CASE WHEN r.amount_due > r.amount_paid THEN r.due_on END)
    FROM crm_customers_policy p JOIN crm_customers_receivable r ON r.policy_id = p.id
    WHERE p.holder_id IN {values} GROUP BY p.holder_id"""
_MARKS = """SELECT customer_id, kind, value, since, until FROM crm_customers_customer_mark
    WHERE customer_id IN {values} ORDER BY since, id"""
_LOST = """SELECT holder_id, next_insurer FROM crm_customers_policy
    WHERE next_insurer <> '' AND holder_id IN {values} ORDER BY end_on IS NOT NULL, end_on, id"""


@dataclass(slots=True)
class Known:
    """A customer's figures, whether they were ever classified, and the insurer they are known to have left for."""

    figures: Figures
    classified: bool
    lost_to: str | None


def read_figures(
    connection: Connection, ids: Sequence[int], day: Day, supposed: Sequence[TermRow] = ()
) -> dict[int, Known]:
    """Return the figures of customers by identity; merged customers are left out.

    Args:
        connection: Any connection.
        ids: Which customers.
        day: The as-of day with its limits; later facts are not seen.
        supposed: Terms that do not exist, added to those that do, to see what they would change.
    """
    known = {}
    for row in fetch_in(connection, _CUSTOMERS, ids):
        figures = Figures(credit_bad=row[3] == "bad", intends=row[4] is not None and DAYS[row[4]] <= day.ordinal)
        known[row[0]] = Known(figures, row[1] is not None, row[2])
    figures_of = {customer: entry.figures for customer, entry in known.items()}
    _read_policies(connection, ids, day, figures_of, supposed)
    _add_claims(fetch_in(connection, _CLAIMS, ids), day, figures_of)
    _add_receivables(fetch_in(connection, _RECEIVABLES, ids), figures_of)
    _add_marks(fetch_in(connection, _MARKS, ids), day, figures_of)
    for customer, insurer in fetch_in(connection, _LOST, ids):
        if customer in figures_of:
            figures_of[customer].lost_to = insurer
    return known


def _read_policies(
    connection: Connection, ids: Sequence[int], day: Day, figures_of: dict[int, Figures], supposed: Sequence[TermRow]
) -> None:
    changes = fetch_in(connection, _ENDORSEMENTS, ids)
    terms = Terms(day, figures_of, (row[1] for row in changes))
    for _, policy, kind, effective, _ in changes:
        if effective is not None and is_cancellation(kind):
            terms.cancel(policy, DAYS[effective])
    terms.add(fetch_in(connection, _TERMS, ids))
    terms.add(supposed)
    for holder, policy, kind, effective, change in changes:
        if holder in figures_of and (effective is None or DAYS[effective] <= day.ordinal):
            terms.amend(figures_of[holder], policy, effective and DAYS[effective], change, refund=is_cancellation(kind))
    for holder, periods in terms.periods.items():
        figures_of[holder].cover = measure_cover(periods, day.ordinal, day.limits.gap_days)


def _add_claims(rows: Iterable[Any], day: Day, figures_of: dict[int, Figures]) -> None:
    for holder, loss_on, amount in rows:
        figures = figures_of.get(holder)
        loss = 0 if loss_on is None else DAYS[loss_on]
        if figures is None or loss > day.ordinal:
            continue
        figures.claims += 1
        figures.incurred += amount
        if not loss:
            figures.undated_claims += 1
            continue
        figures.last_loss = max(figures.last_loss, loss)
        if loss > day.risk_after and amount > 0:
            figures.risk_claims += 1
            figures.risk_incurred += amount


def _add_receivables(rows: Iterable[Any], figures_of: dict[int, Figures]) -> None:
    for holder, balance, due_on in rows:
        if holder in figures_of:
            figures_of[holder].receivable = int(balance)
            figures_of[holder].overdue_from = 0 if due_on is None else DAYS[due_on]


def _add_marks(rows: Iterable[Any], day: Day, figures_of: dict[int, Figures]) -> None:
    """Marks in order of their first day: the latest about credit wins, also over the imported value."""
    for customer, kind, value, since, until in rows:
        figures = figures_of.get(customer)
        if figures is None or DAYS[since] > day.ordinal or (until is not None and DAYS[until] < day.ordinal):
            continue
        if kind == "credit":
            figures.credit_bad = value == "bad"
        elif kind == "intention":
            figures.intends = True
        elif kind == "importance":
            figures.important_mark = True
        elif kind == "blacklist":
            figures.blacklisted = True
