"""The timeline of a customer: policies, endorsements, claims, payments, class changes, imports, by day."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from core.api import LOCAL_ZONE
from plugins.crm_customers.models.options import CLASSES, LINES, SOURCES
from plugins.crm_customers.profile_facts import CustomerFacts, Rows
from plugins.crm_customers.profile_figures import PolicyFigures
from plugins.crm_customers.profile_tables import Reader

KINDS = ("all", "policy", "claim", "payment", "class", "import")


@dataclass(frozen=True)
class Event:
    """Something that happened on a day.

    Args:
        day: Civil day.
        kind: One of ``KINDS``.
        icon: Symbol of the sprite.
        text: What.
        hint: Further words.
        amount: Amount of money, if any.
        url: Address of the record.
    """

    day: date
    kind: str
    icon: str
    text: str
    hint: str = ""
    amount: Any = None
    url: str | None = None


def timeline_of(reader: Reader, facts: CustomerFacts, policies: Sequence[PolicyFigures], changes: Rows) -> list[Event]:
    """Return all events, newest first (CU-12: a claim stands in date order)."""
    found = [
        *_policies(reader, policies),
        *_endorsements(reader, facts),
        *_claims(reader, facts),
        *_payments(reader, facts),
        *_stages(reader, facts),
        *_imports(reader, facts, changes),
    ]
    return sorted(found, key=lambda event: event.day, reverse=True)


def _policies(reader: Reader, policies: Sequence[PolicyFigures]) -> Iterator[Event]:
    _ = reader.words
    for policy in policies:
        row = policy.row
        url = reader.url("policy", f"/crm_customers/policies/{row.id}")
        name = row.product or reader.label(LINES, row.line) or ""
        if policy.start_on:
            text = (_("Renewed: %(name)s") if row.is_renewal else _("Insured: %(name)s")) % {"name": name}
            yield Event(policy.start_on, "policy", "file-text", text, row.policy_no, policy.premium, url)
        if row.cancelled_on:
            text = _("Cancelled: %(name)s") % {"name": name}
            yield Event(row.cancelled_on, "policy", "x", text, row.policy_no, None, url)


def _endorsements(reader: Reader, facts: CustomerFacts) -> Iterator[Event]:
    _ = reader.words
    for row in facts.endorsements:
        if row.effective_on:
            text = _("Endorsement: %(name)s") % {"name": row.reason or row.kind or row.endorsement_no}
            url = reader.url("endorsement", f"/crm_customers/endorsements/{row.id}")
            yield Event(row.effective_on, "policy", "pencil", text, row.endorsement_no, row.premium_change, url)


def _claims(reader: Reader, facts: CustomerFacts) -> Iterator[Event]:
    _ = reader.words
    for row in facts.claims:
        if row.loss_on:
            text = _("Loss: %(cause)s") % {"cause": row.cause or row.claim_no or ""}
            hint = (
                _("closed %(day)s") % {"day": row.closed_at.astimezone(LOCAL_ZONE).date()}
                if row.closed_at
                else row.state
            )
            url = reader.url("claim", f"/crm_customers/claims/{row.id}")
            yield Event(row.loss_on, "claim", "alert-triangle", text, hint or "", row.paid + row.outstanding, url)


def _payments(reader: Reader, facts: CustomerFacts) -> Iterator[Event]:
    for row in facts.receivables:
        if row.paid_on and row.amount_paid:
            url = reader.url("receivable", f"/crm_customers/receivables/{row.id}")
            yield Event(row.paid_on, "payment", "receipt", reader.words("Premium received"), "", row.amount_paid, url)


def _stages(reader: Reader, facts: CustomerFacts) -> Iterator[Event]:
    _ = reader.words
    for row in facts.stages:
        after, before = reader.label(CLASSES, row.value), reader.label(CLASSES, row.before)
        text = _("Class %(before)s → %(after)s") if before else _("Class %(after)s")
        yield Event(row.since, "class", "star", text % {"before": before, "after": after})


def _imports(reader: Reader, facts: CustomerFacts, changes: Rows) -> Iterator[Event]:
    """One event per delivery of a source, and one per batch that changed values."""
    _ = reader.words
    for row in facts.sources:
        if row.delivered_at:
            day = row.delivered_at.astimezone(LOCAL_ZONE).date()
            text = _("Delivered by %(source)s") % {"source": reader.label(SOURCES, row.source)}
            yield Event(day, "import", "database", text, row.file_name or "", None, reader.batch_url(row.batch_id))
    batches: dict[int, list[Any]] = {}
    for row in changes:
        batches.setdefault(row.batch_id, []).append(row)
    for batch_id, rows in batches.items():
        day = rows[0].created_at.astimezone(LOCAL_ZONE).date()
        text = _("Import changed %(number)s values") % {"number": len(rows)}
        yield Event(day, "import", "refresh", text, rows[0].file_name, None, reader.batch_url(batch_id))
