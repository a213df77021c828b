"""The figures of one customer, policy by policy, by the very rules of the classes, so that rows and totals agree."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from plugins.crm_customers.class_terms import TermRow, Terms
from plugins.crm_customers.classification import Figures
from plugins.crm_customers.exposure import is_cancellation
from plugins.crm_customers.profile_facts import CustomerFacts

ZERO = Decimal(0)


@dataclass
class PolicyFigures:
    """One policy as the page shows it.

    Args:
        row: The policy's columns.
        own: The customer is the policyholder, so that it counts; else it only insures them.
        premium: Premium of all terms with all endorsements.
        counted: Part of it that the 12-month premium counts.
        in_force: A term is in force on the as-of day.
        start_on: First day of cover.
        end_on: Last day of cover.
        objects: What it insures: plates with models, or descriptions.
        receivable: Due less paid.
        paid: Claims paid.
        outstanding: Claims outstanding.
    """

    row: Any
    own: bool
    premium: Decimal = ZERO
    counted: Decimal = ZERO
    in_force: bool = False
    upcoming: bool = False
    start_on: date | None = None
    end_on: date | None = None
    terms: int = 0
    objects: list[str] = field(default_factory=list)
    receivable: Decimal = ZERO


@dataclass(frozen=True)
class Totals:
    """Sums over the policies of a customer inside the reader's branches; ``loss_ratio`` needs earned premium."""

    premium_12m: Decimal
    in_force: int
    incurred: Decimal
    claims: int
    last_loss: date | None
    earned: Decimal
    loss_ratio: Decimal | None
    first_insured: date | None
    receivable: Decimal
    overdue_since: date | None
    next_due: date | None


def policies_of(facts: CustomerFacts) -> tuple[list[PolicyFigures], Totals]:
    """Return the policies, latest end first, and their totals."""
    policies = _read_policies(facts)
    figures = _measure(facts, policies)
    for policy_id, policy in policies.items():
        measured = figures[policy_id]
        policy.counted = _yuan(measured.premium)
        policy.in_force, policy.upcoming = measured.in_force > 0, measured.upcoming
    for row in facts.receivables:
        policies[row.policy_id].receivable += row.amount_due - row.amount_paid
    ordered = sorted(policies.values(), key=lambda each: (each.end_on or date.min, each.row.id), reverse=True)
    return ordered, _totals(facts, policies, figures)


def _read_policies(facts: CustomerFacts) -> dict[int, PolicyFigures]:
    policies: dict[int, PolicyFigures] = {}
    seen: set[int] = set()
    for row in facts.terms:
        policy = policies.get(row.id)
        if policy is None:
            policy = policies[row.id] = PolicyFigures(row, row.holder_id == facts.customer.id)
        insured = " ".join(filter(None, (row.plate, row.model))) or row.description
        if insured and insured not in policy.objects:
            policy.objects.append(insured)
        if row.term_id is not None and row.term_id not in seen:
            seen.add(row.term_id)
            policy.terms += 1
            policy.premium += row.premium
            policy.start_on = min(filter(None, (policy.start_on, row.start_on)), default=None)
            policy.end_on = max(filter(None, (policy.end_on, row.end_on)), default=None)
    for change in facts.endorsements:
        policies[change.policy_id].premium += change.premium_change
    return policies


def _measure(facts: CustomerFacts, policies: dict[int, PolicyFigures]) -> dict[int, Figures]:
    """Measure every policy alone: the rules add up by holder, and here each policy stands for one."""
    figures = {policy_id: Figures() for policy_id in policies}
    changes: Sequence[Any] = facts.endorsements
    terms = Terms(facts.day, figures, (change.policy_id for change in changes))
    for change in changes:
        if change.effective_on is not None and is_cancellation(change.kind):
            terms.cancel(change.policy_id, change.effective_on.toordinal())
    terms.add(_term_rows(facts.terms))
    for change in changes:
        effective = change.effective_on.toordinal() if change.effective_on else None
        if effective is None or effective <= facts.day.ordinal:
            cents, refund = _cents(change.premium_change), is_cancellation(change.kind)
            terms.amend(figures[change.policy_id], change.policy_id, effective, cents, refund=refund)
    return figures


def _term_rows(rows: Iterable[Any]) -> Iterable[TermRow]:
    seen: set[tuple[int, int | None]] = set()
    for row in rows:
        if (row.id, row.term_id) not in seen:
            seen.add((row.id, row.term_id))
            yield (
                row.id,
                row.id,
                row.line,
                row.state,
                row.cancelled_on,
                row.start_on,
                row.end_on,
                _cents(row.premium or ZERO),
            )


def _totals(facts: CustomerFacts, policies: dict[int, PolicyFigures], figures: dict[int, Figures]) -> Totals:
    own = [number for number, policy in policies.items() if policy.own]
    claims = [claim for claim in facts.claims if claim.loss_on is None or claim.loss_on <= facts.day.as_of]
    incurred = sum((claim.paid + claim.outstanding for claim in claims), ZERO)
    earned = _yuan(sum(figures[number].earned.cents() for number in own))
    open_plans = [row for row in facts.receivables if row.amount_due > row.amount_paid and row.due_on]
    dues = defaultdict(list)
    for row in open_plans:
        dues[row.due_on < facts.day.as_of].append(row.due_on)
    starts = [figures[number].first_insured for number in own if figures[number].first_insured]
    return Totals(
        premium_12m=sum((policies[number].counted for number in own), ZERO),
        in_force=sum(policies[number].in_force for number in own),
        incurred=incurred,
        claims=len(claims),
        last_loss=max((claim.loss_on for claim in claims if claim.loss_on), default=None),
        earned=earned,
        loss_ratio=incurred / earned if earned > 0 else None,
        first_insured=date.fromordinal(min(starts)) if starts else None,
        receivable=sum((policies[number].receivable for number in own), ZERO),
        overdue_since=min(dues[True], default=None),
        next_due=min(dues[False], default=None),
    )


def _cents(amount: Decimal) -> int:
    return int(amount.scaleb(2))


def _yuan(cents: int) -> Decimal:
    return Decimal(cents).scaleb(-2)
