"""The figures of some customers, read by one statement: for explanations and what SQL cannot decide."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from core.api import fetch_in
from plugins.crm_customers.class_terms import DAYS, TermRow, Terms
from plugins.crm_customers.classification import Day, Figures
from plugins.crm_customers.exposure import is_cancellation, measure_cover

_FACTS = """WITH wanted AS (SELECT id, lost_to, credit, intention_on
        FROM crm_customers_customer WHERE merged_into_id IS NULL AND id IN {values}),
    own AS (SELECT p.* FROM wanted w JOIN crm_customers_policy p ON p.holder_id = w.id)
SELECT 'customer', id, id, lost_to, credit, intention_on, CAST(NULL AS DATE), CAST(NULL AS DATE), 0 FROM wanted
UNION ALL SELECT 'term', p.holder_id, p.id, p.line, p.state, t.start_on, t.end_on, p.cancelled_on, t.premium
    FROM own p LEFT JOIN crm_customers_policy_term t ON t.policy_id = p.id
UNION ALL SELECT 'endorsement', p.holder_id, p.id, e.kind, NULL, e.effective_on, NULL, NULL, e.premium_change
    FROM own p JOIN crm_customers_endorsement e ON e.policy_id = p.id
UNION ALL SELECT 'claim', p.holder_id, c.id, NULL, NULL, c.loss_on, NULL, NULL,
        COALESCE(c.paid, 0) + COALESCE(c.outstanding, 0)
    FROM own p JOIN crm_customers_claim c ON c.policy_id = p.id
UNION ALL SELECT 'receivable', p.holder_id, r.id, NULL, NULL, r.due_on, NULL, NULL, r.amount_due - r.amount_paid
    FROM own p JOIN crm_customers_receivable r ON r.policy_id = p.id
UNION ALL SELECT 'mark', m.customer_id, m.id, m.kind, m.value, m.since, m.until, NULL, 0
    FROM wanted w JOIN crm_customers_customer_mark m ON m.customer_id = w.id
UNION ALL SELECT 'lost', holder_id, id, next_insurer, NULL, end_on, NULL, NULL, 0 FROM own WHERE next_insurer <> ''"""
"""What, customer, row, two texts, three days, cents: all facts that decide a class, of one branch or several."""


@dataclass(slots=True)
class Known:
    """A customer's figures, and the insurer they are known to have left for."""

    figures: Figures
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
    facts: defaultdict[str, list[Any]] = defaultdict(list)
    for what, *row in fetch_in(connection, _FACTS, ids):
        facts[what].append(row)
    known = {}
    for customer, _, lost_to, credit, intention, *_rest in facts["customer"]:
        figures = Figures(credit_bad=credit == "bad", intends=intention is not None and DAYS[intention] <= day.ordinal)
        known[customer] = Known(figures, lost_to)
    figures_of = {customer: entry.figures for customer, entry in known.items()}
    _add_policies(facts["endorsement"], [*map(_term, facts["term"]), *supposed], day, figures_of)
    _add_claims(facts["claim"], day, figures_of)
    _add_receivables(facts["receivable"], figures_of)
    _add_marks(sorted(facts["mark"], key=lambda row: (DAYS[row[4]], row[1])), day, figures_of)
    for customer, _, insurer, *_rest in sorted(facts["lost"], key=_end_of_policy):
        figures_of[customer].lost_to = insurer
    return known


def _term(row: Sequence[Any]) -> TermRow:
    holder, policy, line, state, start, end, cancelled, cents = row
    return holder, policy, line, state, cancelled, start, end, cents


def _end_of_policy(row: Sequence[Any]) -> tuple[int, int]:
    """The latest end of a policy tells last; one without end tells first."""
    return (0 if row[4] is None else DAYS[row[4]]), row[1]


def _add_policies(changes: Sequence[Any], rows: Iterable[TermRow], day: Day, figures_of: dict[int, Figures]) -> None:
    terms = Terms(day, figures_of, (row[1] for row in changes))
    for _, policy, kind, _, effective, *_rest in changes:
        if effective is not None and is_cancellation(kind):
            terms.cancel(policy, DAYS[effective])
    terms.add(rows)
    for holder, policy, kind, _, effective, *_rest, cents in changes:
        if effective is None or DAYS[effective] <= day.ordinal:
            terms.amend(figures_of[holder], policy, effective and DAYS[effective], cents, refund=is_cancellation(kind))
    for holder, periods in terms.periods.items():
        figures_of[holder].cover = measure_cover(periods, day.ordinal, day.limits.gap_days)


def _add_claims(rows: Iterable[Any], day: Day, figures_of: dict[int, Figures]) -> None:
    for holder, _, _, _, loss_on, *_rest, amount in rows:
        figures = figures_of[holder]
        loss = 0 if loss_on is None else DAYS[loss_on]
        if loss > day.ordinal:
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
    for holder, _, _, _, due_on, *_rest, balance in rows:
        figures = figures_of[holder]
        figures.receivable += balance
        if balance > 0 and due_on is not None:
            figures.overdue_from = min(figures.overdue_from or DAYS[due_on], DAYS[due_on])


def _add_marks(rows: Iterable[Any], day: Day, figures_of: dict[int, Figures]) -> None:
    """Marks in order of their first day: the latest about credit wins, also over the imported value."""
    for customer, _, kind, value, since, until, *_rest in rows:
        figures = figures_of[customer]
        if DAYS[since] > day.ordinal or (until is not None and DAYS[until] < day.ordinal):
            continue
        if kind == "credit":
            figures.credit_bad = value == "bad"
        elif kind == "intention":
            figures.intends = True
        elif kind == "importance":
            figures.important_mark = True
        elif kind == "blacklist":
            figures.blacklisted = True
