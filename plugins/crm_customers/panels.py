"""Panels of this plugin on its generated pages: shares of other insurers on a policy, the customer on its records."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select

from core.api import Label, Panel, ScopedSession
from plugins.crm_customers.models import Endorsement, Policy, PolicyTerm, ReinsuranceShare
from plugins.crm_customers.models.options import SHARE_KINDS
from plugins.crm_customers.reinsurance import retention


def panels() -> list[Panel]:
    """Return the panels."""
    return [
        Panel(
            "crm_customers.shares",
            "crm_customers.policy.side",
            Label("Reinsurance and coinsurance", "再保与共保"),
            "crm_customers/shares.html",
            load_shares,
            "crm_customers.reinsurance_share.view",
        )
    ]


def load_shares(session: ScopedSession, context: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the shares of a policy with retained premium (CU-08)."""
    policy_id = int(context["record_id"])
    terms = select(func.sum(PolicyTerm.premium)).where(PolicyTerm.policy_id == policy_id).scalar_subquery()
    changes = select(func.sum(Endorsement.premium_change)).where(Endorsement.policy_id == policy_id).scalar_subquery()
    head = session.execute(
        select(Policy.branch_id, terms.label("premium"), changes.label("change")).where(Policy.id == policy_id)
    ).one_or_none()
    if head is None:
        return None
    shares = session.execute(
        select(
            ReinsuranceShare.id,
            ReinsuranceShare.kind,
            ReinsuranceShare.counterparty,
            ReinsuranceShare.share,
            ReinsuranceShare.lead,
        )
        .where(ReinsuranceShare.policy_id == policy_id)
        .order_by(ReinsuranceShare.kind, ReinsuranceShare.id)
    ).all()
    premium = (head.premium or Decimal(0)) + (head.change or Decimal(0))
    locale = session.actor.locale if session.actor else "en"
    labels = {option.code: option.label.of(locale) for option in SHARE_KINDS}
    return {
        "shares": [{"row": row, "label": labels.get(row.kind, row.kind)} for row in shares],
        "premium": premium,
        "retention": retention(premium, ((row.kind, row.share) for row in shares)),
        "new_url": f"/crm_customers/reinsurance_shares/new?policy_id={policy_id}&branch_id={head.branch_id}",
        "may_edit": session.actor is not None and session.actor.may("crm_customers.reinsurance_share.edit"),
    }
