"""The figures of customers inside the reader's branches, for the rows of a page: without the right to company totals.

The stored figures are those of the whole company. They are also those of the reader's branches where no other branch
has to do with the customer; only of the few others the facts are read, by the very rules of the classes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import bindparam, func, select

from core.api import Column, Label, ScopedSession, today_here
from plugins.crm_customers.class_settings import thresholds_on
from plugins.crm_customers.class_terms import Terms
from plugins.crm_customers.classification import Day, Figures
from plugins.crm_customers.exposure import is_cancellation
from plugins.crm_customers.models import (
    TOTALS,
    Claim,
    Customer,
    Endorsement,
    Policy,
    PolicyTerm,
    Receivable,
    foreign_relations,
)

CUSTOMER = "crm_customers.customer"
FIGURES = (
    "next_expiry", "policies_in_force", "premium_12m", "earned", "incurred", "claim_count", "receivable",
)  # fmt: skip
"""Fields that hold figures of the whole company."""
CLAIMS = "crm_customers.claim.view"
_MEMO = "crm_customers.own_figures"
_IDS: Any = bindparam("ids", expanding=True)


@dataclass(frozen=True)
class OwnFigures:
    """Figures of one customer inside the reader's branches."""

    next_expiry: date | None
    policies_in_force: int
    premium_12m: Decimal
    earned: Decimal
    incurred: Decimal
    claim_count: int
    receivable: Decimal

    @property
    def loss_ratio(self) -> Decimal | None:
        """Claims incurred by earned premium; without earned premium there is none."""
        return self.incurred / self.earned if self.earned > 0 else None


def columns() -> list[Column]:
    """Return the columns that stand in for the fields where the reader may not see company totals."""
    fields = {name: Customer.__table__.c[name].info["field"] for name in FIGURES}
    kinds = {"next_expiry": "date", "policies_in_force": "integer", "claim_count": "integer"}
    rights = {"incurred": "claim", "claim_count": "claim", "receivable": "receivable"}
    return [
        Column(
            CUSTOMER,
            name,
            field.label,
            _loader(name),
            kinds.get(name, "money"),
            f"crm_customers.{rights.get(name, 'policy')}.view",
            field.listed,
            place,
        )
        for place, (name, field) in enumerate(fields.items(), 10)
    ] + [Column(CUSTOMER, "loss_ratio", Label("Loss ratio %", "赔付率 %"), _loader("loss_ratio"), "ratio", CLAIMS)]


def _loader(name: str) -> Any:
    return lambda session, ids: {row_id: getattr(row, name) for row_id, row in own_figures(session, ids).items()}


def own_figures(session: ScopedSession, ids: Sequence[int]) -> Mapping[int, OwnFigures]:
    """Return the figures of the customers of a page, of the company for who may see those; read once for all columns.

    Args:
        session: Session of the reader.
        ids: The customers.
    """
    known = session.info.get(_MEMO)
    if known is None or known[0] != tuple(ids):
        known = session.info[_MEMO] = (tuple(ids), _read(session, ids))
    found: Mapping[int, OwnFigures] = known[1]
    return found


def _read(session: ScopedSession, ids: Sequence[int]) -> dict[int, OwnFigures]:
    actor = session.actor
    if actor is None or actor.sees_all_branches or actor.may(TOTALS):
        return {row[0]: OwnFigures(*row[1:]) for row in session.rows(_STORED, {"ids": ids})}
    rows = session.rows(_STORED_AND_SHARED, {"ids": ids, "mine": sorted(actor.branch_ids)})
    shared = [row[0] for row in rows if row.elsewhere]
    return {**{row[0]: OwnFigures(*row[1:-1]) for row in rows}, **(_computed(session, shared) if shared else {})}


_STORED = select(Customer.id, *(getattr(Customer, name) for name in FIGURES)).where(Customer.id.in_(_IDS))
_STORED_AND_SHARED = _STORED.add_columns(foreign_relations(Customer.id).scalar_subquery().label("elsewhere"))
_TERMS = (
    select(
        Policy.holder_id,
        Policy.id,
        Policy.line,
        Policy.state,
        Policy.cancelled_on,
        PolicyTerm.start_on,
        PolicyTerm.end_on,
        PolicyTerm.premium,
    )
    .outerjoin(PolicyTerm, PolicyTerm.policy_id == Policy.id)
    .where(Policy.holder_id.in_(_IDS))
)
_ENDORSEMENTS = (
    select(
        Policy.holder_id,
        Policy.id,
        Endorsement.kind,
        Endorsement.effective_on,
        Endorsement.premium_change.label("change"),
    )
    .join(Policy, Policy.id == Endorsement.policy_id)
    .where(Policy.holder_id.in_(_IDS))
)
_CLAIMS = (
    select(
        Policy.holder_id,
        func.count(Claim.id),
        func.sum(Claim.paid),
        func.sum(Claim.outstanding),
    )
    .join(Policy, Policy.id == Claim.policy_id)
    .where(Policy.holder_id.in_(_IDS), (Claim.loss_on.is_(None)) | (Claim.loss_on <= bindparam("as_of")))
    .group_by(Policy.holder_id)
)
_RECEIVABLES = (
    select(Policy.holder_id, func.sum(Receivable.amount_due), func.sum(Receivable.amount_paid))
    .join(Policy, Policy.id == Receivable.policy_id)
    .where(Policy.holder_id.in_(_IDS))
    .group_by(Policy.holder_id)
)


def _computed(session: ScopedSession, ids: Sequence[int]) -> dict[int, OwnFigures]:
    today = today_here()
    day, key = Day(today, thresholds_on(session, today)), {"ids": ids, "as_of": today}
    figures = {row_id: Figures() for row_id in ids}
    _add_policies(session, figures, day, key)
    for holder, number, paid, outstanding in session.rows(_CLAIMS, key):
        figures[holder].claims, figures[holder].incurred = number, _cents(paid) + _cents(outstanding)
    for holder, due, paid in session.rows(_RECEIVABLES, key):
        figures[holder].receivable = _cents(due) - _cents(paid)
    return {row_id: _shown(each) for row_id, each in figures.items()}


def _add_policies(session: ScopedSession, figures: dict[int, Figures], day: Day, key: dict[str, Any]) -> None:
    changes = session.rows(_ENDORSEMENTS, key)
    terms = Terms(day, figures, (change.id for change in changes))
    for change in changes:
        if change.effective_on is not None and is_cancellation(change.kind):
            terms.cancel(change.id, change.effective_on.toordinal())
    terms.add((*row[:7], _cents(row.premium)) for row in session.rows(_TERMS, key))
    for change in changes:
        effective = change.effective_on.toordinal() if change.effective_on else None
        if effective is None or effective <= day.ordinal:
            refund, cents = is_cancellation(change.kind), _cents(change.change)
            terms.amend(figures[change.holder_id], change.id, effective, cents, refund=refund)


def _shown(figures: Figures) -> OwnFigures:
    return OwnFigures(
        date.fromordinal(figures.next_expiry) if figures.next_expiry else None,
        figures.in_force,
        _yuan(figures.premium),
        _yuan(figures.earned.cents()),
        _yuan(figures.incurred),
        figures.claims,
        _yuan(figures.receivable),
    )


def _cents(amount: Decimal | None) -> int:
    return int((amount or Decimal(0)).scaleb(2))


def _yuan(cents: int) -> Decimal:
    return Decimal(cents).scaleb(-2)
