"""The page of one customer (customer 360): what its template shows, from the facts inside the reader's branches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from itertools import pairwise
from typing import Any

from core.api import ScopedSession
from plugins.crm_customers.ages import age_on
from plugins.crm_customers.models.options import CLASSES, CUSTOMER_KINDS, LINKS, SEXES
from plugins.crm_customers.profile_facts import CustomerFacts, read_changes, read_facts, read_vehicles
from plugins.crm_customers.profile_figures import PolicyFigures, Totals, policies_of
from plugins.crm_customers.profile_portrait import portrait_of
from plugins.crm_customers.profile_reasons import reasons_for, sign_of
from plugins.crm_customers.profile_sources import source_tables
from plugins.crm_customers.profile_tables import (
    VIEWS,
    Reader,
    chosen,
    claim_table,
    contact_tables,
    policy_table,
    receivable_table,
    vehicle_table,
)
from plugins.crm_customers.profile_timeline import KINDS, Event, timeline_of

TABS = ("policies", "claims", "vehicles", "receivables", "contacts", "portrait", "sources", "timeline")
NEEDED = {"policies": "policy", "claims": "claim", "vehicles": "vehicle", "receivables": "receivable"}
"""Model a reader must be able to see for a tab."""
LATEST_EVENTS = 8
MARK_TONES = {"blacklist": "danger", "credit": "warn"}


def customer_page(session: ScopedSession, reader: Reader, customer_id: int, asked: dict[str, str]) -> dict[str, Any]:
    """Return what the template shows.

    Args:
        session: Session of the reader.
        reader: Language and permissions.
        customer_id: The customer.
        asked: Query parameters: ``tab``, ``view`` of the policies, ``kind`` of events.

    Raises:
        NotFoundError: No such customer for this reader.
    """
    facts = _permitted(reader, read_facts(session, customer_id, reader.today))
    policies, totals = policies_of(facts)
    tab = _tab(reader, asked.get("tab", ""))
    base = f"/crm_customers/customers/{customer_id}"
    reasons = reasons_for(session, reader, facts)
    page = {
        "customer": facts.customer,
        "base": base,
        "kind_label": reader.label(CUSTOMER_KINDS, facts.customer.kind),
        "link_label": reader.label(LINKS, facts.customer.link_code),
        "sex_label": reader.label(SEXES, facts.customer.sex),
        "age": age_on(reader.today, facts.customer.birth_on),
        "identity": next((row for row in facts.numbers if row.place == "identity" and row.until is None), None),
        "phones": [row for row in facts.numbers if row.place == "contact" and row.until is None][:2],
        "address": facts.addresses[0] if facts.addresses else None,
        "marks": [{"row": row, "tone": MARK_TONES.get(row.what, "")} for row in facts.marks],
        "shared_with": facts.shared_with,
        "stages": stages(reader, facts),
        "reasons": reasons,
        "sign_of": sign_of,
        "totals": totals,
        "tenure": months_of(totals.first_insured, reader.today),
        "today": reader.today,
        "reader": reader,
        "tab": tab,
        "sections": _tabs(reader, facts, policies, base, tab),
    }
    return {**page, **_content(session, reader, facts, (policies, totals), page, asked)}


def _permitted(reader: Reader, facts: CustomerFacts) -> CustomerFacts:
    """Leave out the kinds of facts that the reader may not see at all."""
    may_policy = reader.url("policy", "") is not None
    hidden: dict[str, Any] = {}
    if not may_policy:
        hidden = {"terms": (), "endorsements": ()}
    if not may_policy or reader.url("claim", "") is None:
        hidden["claims"] = ()
    if not may_policy or reader.url("receivable", "") is None:
        hidden["receivables"] = ()
    return replace(facts, **hidden) if hidden else facts


def _tab(reader: Reader, wish: str) -> str:
    open_tabs = [tab for tab in TABS if tab not in NEEDED or reader.url(NEEDED[tab], "") is not None]
    return wish if wish in open_tabs else open_tabs[0]


def _tabs(
    reader: Reader, facts: CustomerFacts, policies: Sequence[PolicyFigures], base: str, now: str
) -> list[dict[str, Any]]:
    _ = reader.words
    known: dict[str, tuple[str, int | None]] = {
        "policies": (_("Policies"), len(policies)),
        "claims": (_("Claims"), len(facts.claims)),
        "vehicles": (_("Vehicles"), facts.customer.vehicles),
        "receivables": (_("Receivables"), len(facts.receivables)),
        "contacts": (_("Contacts"), len(facts.numbers) + len(facts.addresses)),
        "portrait": (_("Portrait"), None),
        "sources": (_("Sources and changes"), len(facts.sources)),
        "timeline": (_("Timeline"), None),
    }
    return [
        {"label": label, "number": number, "url": f"{base}?tab={tab}", "active": tab == now}
        for tab, (label, number) in known.items()
        if tab == _tab(reader, tab)
    ]


def _content(
    session: ScopedSession,
    reader: Reader,
    facts: CustomerFacts,
    measured: tuple[list[PolicyFigures], Totals],
    page: dict[str, Any],
    asked: dict[str, str],
) -> dict[str, Any]:
    policies, totals = measured
    tab, base = page["tab"], page["base"]
    content: dict[str, Any] = {"tables": [], "segments": [], "events": [], "more_events": 0, "portrait": []}
    changes = read_changes(session, facts.customer.id) if tab in {"policies", "sources", "timeline"} else ()
    if tab == "policies":
        view = _view(policies, asked.get("view", ""))
        content["segments"] = _views(reader, policies, base, view)
        content["tables"] = [policy_table(reader, policies, view)]
        events = timeline_of(reader, facts, policies, changes)
        content |= {"events": events[:LATEST_EVENTS], "more_events": max(0, len(events) - LATEST_EVENTS)}
    elif tab == "timeline":
        content |= _timeline(reader, timeline_of(reader, facts, policies, changes), base, asked.get("kind", ""))
    elif tab == "portrait":
        content["portrait"] = portrait_of(reader, facts, policies, totals, page["reasons"].checks)
    else:
        content["tables"] = _tables(session, reader, facts, policies, tab, changes)
    return content


def _tables(
    session: ScopedSession, reader: Reader, facts: CustomerFacts, policies: list[PolicyFigures], tab: str, changes: Any
) -> list[dict[str, Any]]:
    if tab == "claims":
        return [claim_table(reader, facts.claims)]
    if tab == "receivables":
        return [receivable_table(reader, facts.receivables, policies)]
    if tab == "vehicles":
        return [vehicle_table(reader, read_vehicles(session, facts.customer.id), facts.customer.id)]
    return contact_tables(reader, facts) if tab == "contacts" else source_tables(reader, facts, changes)


def _view(policies: Sequence[PolicyFigures], wish: str) -> str:
    """Return the view asked for, else the first one that shows anything."""
    if wish in VIEWS:
        return wish
    return next((view for view in VIEWS if chosen(policies, view)), VIEWS[0])


def _views(reader: Reader, policies: Sequence[PolicyFigures], base: str, now: str) -> list[dict[str, Any]]:
    _ = reader.words
    labels = {"12m": _("12 months"), "in_force": _("In force"), "all": _("All")}
    return [
        {
            "label": labels[view],
            "url": f"{base}?tab=policies&view={view}",
            "active": view == now,
            "number": len(chosen(policies, view)),
        }
        for view in VIEWS
    ]


def _timeline(reader: Reader, events: list[Event], base: str, wish: str) -> dict[str, Any]:
    _ = reader.words
    now = wish if wish in KINDS else KINDS[0]
    labels = {
        "all": _("All"),
        "policy": _("Policies"),
        "claim": _("Claims"),
        "payment": _("Payments"),
        "class": _("Class"),
        "import": _("Imports"),
    }
    segments = [
        {"label": labels[kind], "url": f"{base}?tab=timeline&kind={kind}", "active": kind == now, "number": None}
        for kind in KINDS
    ]
    return {"segments": segments, "events": [event for event in events if now in {"all", event.kind}]}


def stages(reader: Reader, facts: CustomerFacts) -> list[dict[str, Any]]:
    """Return the life cycle: class, first day and complete months of every stage (CU-26)."""
    rows = facts.stages
    ends = [following.since for _row, following in pairwise(rows)] + [reader.today] * bool(rows)
    return [
        {
            "code": row.value,
            "label": reader.label(CLASSES, row.value),
            "since": row.since,
            "months": months_of(row.since, end),
        }
        for row, end in zip(rows, ends, strict=True)
    ]


def months_of(first: date | None, last: date) -> int | None:
    """Return the complete months between two days; ``None`` without a first day."""
    if first is None:
        return None
    months = (last.year - first.year) * 12 + last.month - first.month
    return max(0, months - (last.day < first.day))
