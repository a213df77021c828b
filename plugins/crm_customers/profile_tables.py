"""Tables of a customer's page: policies, claims, vehicles, receivables, contacts, for the macros of the web kit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from core.api import Choice
from core.values.masks import mask_address, mask_plate, mask_vin
from plugins.crm_customers.models.options import CONTACT_KINDS, ID_KINDS, LINES, SOURCES
from plugins.crm_customers.profile_facts import CustomerFacts, Rows
from plugins.crm_customers.profile_figures import ZERO, PolicyFigures

Words = Callable[[str], str]
Cell = dict[str, Any]
SOON_DAYS = 30
VIEWS = ("12m", "in_force", "all")
"""What the policies tab shows: those the 12-month premium counts, those in force, all."""


@dataclass(frozen=True)
class Reader:
    """Who looks: translation, language, permissions, day, and the address of a record by model and id."""

    words: Words
    locale: str
    may: Callable[[str], bool]
    today: date
    record_url: Callable[[str, int], str]

    def batch_url(self, batch_id: int | None) -> str | None:
        """Return the address of an import batch, if the reader may open it."""
        allowed = batch_id is not None and self.may("core.import_batch.view")
        return self.record_url("core.import_batch", batch_id or 0) if allowed else None

    def url(self, noun: str, path: str) -> str | None:
        """Return an address if the reader may open records of a noun."""
        return path if self.may(f"crm_customers.{noun}.view") else None

    def unmask_url(self, noun: str, row_id: int, field: str) -> str | None:
        """Return the address that shows a masked value, if the reader may ask."""
        return f"/unmask/crm_customers.{noun}/{row_id}/{field}" if self.may(f"crm_customers.{noun}.unmask") else None

    def label(self, options: Sequence[Choice], code: str | None) -> str | None:
        """Return the label of a choice."""
        found = next((option for option in options if option.code == code), None)
        return found.label.of(self.locale) if found else code


def cell(value: Any, kind: str = "text", **more: Any) -> Cell:
    """Return a cell; see ui/cells.html."""
    return {"kind": kind, "value": value, **more}


def table(
    title: str, heads: Iterable[tuple[str, str, str | None]], rows: Sequence[Mapping[str, Any]], empty: str, **more: Any
) -> dict[str, Any]:
    """Return a table; heads are (label, kind, place on the phone)."""
    columns = [
        {"name": f"column{place}", "label": label, "kind": kind, "phone": phone}
        for place, (label, kind, phone) in enumerate(heads)
    ]
    return {"title": title, "columns": columns, "rows": rows, "empty": empty, "totals": [], **more}


def chosen(policies: Sequence[PolicyFigures], view: str) -> list[PolicyFigures]:
    """Return the policies of a view of the tab."""
    if view == "in_force":
        return [policy for policy in policies if policy.in_force or policy.upcoming]
    return [policy for policy in policies if view == "all" or (policy.own and policy.counted)]


def policy_table(reader: Reader, policies: Sequence[PolicyFigures], view: str) -> dict[str, Any]:
    """Return the policies of a view; the foot is their sum, in the first view the 12-month premium itself."""
    _ = reader.words
    counted = view == "12m"
    shown = chosen(policies, view)
    heads = [
        (_("Product"), "text", "title"),
        (_("Insured object"), "text", None),
        (_("Policy number"), "text", None),
        (_("Last day"), "date", "figure"),
        (_("New / renewal"), "text", None),
        (_("Sum insured"), "money", None),
        (_("12-month premium") if counted else _("Premium"), "money", "figure"),
        (_("Receivable"), "money", "figure"),
    ]
    rows = [_policy_row(reader, policy, policy.counted if counted else policy.premium) for policy in shown]
    own = [policy for policy in shown if policy.own]
    premium = sum((policy.counted if counted else policy.premium for policy in own), ZERO)
    receivable = sum((policy.receivable for policy in own), ZERO)
    total = cell(_("Total of %(number)s") % {"number": len(own)})
    blank = cell("\u00a0")
    totals = [total, blank, blank, blank, blank, blank, cell(premium, "money"), cell(receivable or None, "money")]
    return table(_("Policies"), heads, rows, _("No policy in this view."), totals=totals)


def _policy_row(reader: Reader, policy: PolicyFigures, premium: Decimal) -> dict[str, Any]:
    _, row = reader.words, policy.row
    objects = _objects(_, policy.objects)
    renewal = None if row.is_renewal is None else _("Renewal") if row.is_renewal else _("New business")
    name = row.product or reader.label(LINES, row.line) or row.policy_no
    cells = [
        cell(name, hint="" if policy.own else _("insured only")),
        cell(objects),
        cell(row.policy_no),
        _end_cell(reader, policy),
        cell(renewal),
        cell(row.sum_insured, "money"),
        cell(premium, "money"),
        cell(policy.receivable or None, "money"),
    ]
    return {"id": row.id, "url": reader.url("policy", f"/crm_customers/policies/{row.id}"), "cells": cells}


def _objects(_: Words, objects: Sequence[str]) -> str | None:
    if not objects:
        return None
    more = _(" and %(number)s more") % {"number": len(objects) - 1} if len(objects) > 1 else ""
    plate, _blank, model = objects[0].partition(" ")
    hidden = mask_plate(plate)
    return (f"{hidden} {model}".strip() if "*" in hidden and hidden != "***" else objects[0]) + more


def _end_cell(reader: Reader, policy: PolicyFigures) -> Cell:
    _ = reader.words
    if policy.row.state == "cancelled":
        return cell(policy.end_on, "date", hint=_("cancelled"))
    if policy.upcoming and not policy.in_force:
        return cell(policy.end_on, "date", hint=_("starts %(day)s") % {"day": policy.start_on})
    left = (policy.end_on - reader.today).days if policy.end_on else None
    if policy.in_force and left is not None and left <= SOON_DAYS:
        return cell(policy.end_on, "date", tone="warn", hint=_("%(number)s days") % {"number": left})
    return cell(policy.end_on, "date")


def claim_table(reader: Reader, claims: Rows) -> dict[str, Any]:
    """Return the claims, newest first; the foot is the incurred amount of the key figures (CU-12)."""
    _ = reader.words
    ordered = sorted(claims, key=lambda each: (each.loss_on or date.min, each.id), reverse=True)
    heads = [
        (_("Claim number"), "text", "title"),
        (_("Loss date"), "date", "figure"),
        (_("Cause"), "text", None),
        (_("State"), "text", None),
        (_("Paid"), "money", "figure"),
        (_("Outstanding"), "money", "figure"),
        (_("Incurred"), "money", None),
    ]
    rows: list[Mapping[str, Any]] = [
        {
            "id": row.id,
            "url": reader.url("claim", f"/crm_customers/claims/{row.id}"),
            "cells": [
                cell(row.claim_no or f"#{row.id}"),
                cell(row.loss_on, "date"),
                cell(row.cause),
                cell(row.state),
                cell(row.paid, "money"),
                cell(row.outstanding, "money"),
                cell(row.paid + row.outstanding, "money"),
            ],
        }
        for row in ordered
    ]
    paid = sum((row.paid for row in ordered), ZERO)
    outstanding = sum((row.outstanding for row in ordered), ZERO)
    blank, total = cell("\u00a0"), cell(_("Total of %(number)s") % {"number": len(rows)})
    foot = [total, blank, blank, blank, *(cell(sum_, "money") for sum_ in (paid, outstanding, paid + outstanding))]
    return table(_("Claims"), heads, rows, _("No claim is known."), totals=foot)


def receivable_table(reader: Reader, receivables: Rows, policies: Sequence[PolicyFigures]) -> dict[str, Any]:
    """Return the plan rows of premiums, open ones first; the foot is the receivable of the key figures."""
    _ = reader.words
    numbers = {policy.row.id: policy.row.policy_no for policy in policies}
    ordered = sorted(receivables, key=lambda row: (row.amount_due <= row.amount_paid, row.due_on or date.max, row.id))
    heads = [
        (_("Policy number"), "text", "title"),
        (_("Instalment"), "count", None),
        (_("Due on"), "date", "figure"),
        (_("Amount due"), "money", None),
        (_("Amount paid"), "money", "figure"),
        (_("Still open"), "money", "figure"),
    ]
    rows: list[Mapping[str, Any]] = [_receivable_row(reader, row, numbers) for row in ordered]
    sums = [sum((getattr(row, name) for row in ordered), ZERO) for name in ("amount_due", "amount_paid")]
    blank, total = cell("\u00a0"), cell(_("Total of %(number)s") % {"number": len(rows)})
    foot = [total, blank, blank, *(cell(value, "money") for value in (*sums, sums[0] - sums[1]))]
    return table(_("Receivables"), heads, rows, _("No receivable is known."), totals=foot)


def _receivable_row(reader: Reader, row: Any, numbers: Mapping[int, str]) -> dict[str, Any]:
    _, left = reader.words, row.amount_due - row.amount_paid
    due = cell(row.due_on, "date")
    if left > 0 and row.due_on and row.due_on < reader.today:
        days = _("%(number)s days overdue") % {"number": (reader.today - row.due_on).days}
        due = cell(row.due_on, "date", tone="danger", hint=days)
    return {
        "id": row.id,
        "url": reader.url("receivable", f"/crm_customers/receivables/{row.id}"),
        "cells": [
            cell(numbers.get(row.policy_id)),
            cell(row.installment, "count"),
            due,
            cell(row.amount_due, "money"),
            cell(row.amount_paid, "money"),
            cell(left or None, "money"),
        ],
    }


def vehicle_table(reader: Reader, vehicles: Rows, customer_id: int) -> dict[str, Any]:
    """Return the vehicles that the customer owns or insures."""
    _ = reader.words
    heads = [
        (_("Plate"), "text", "title"),
        (_("VIN"), "text", None),
        (_("Make"), "text", None),
        (_("Model"), "text", "figure"),
        (_("First registered"), "date", "figure"),
        (_("Use"), "text", None),
        (_("Relation"), "text", "figure"),
    ]
    rows: list[Mapping[str, Any]] = [
        {
            "id": row.id,
            "url": reader.url("vehicle", f"/crm_customers/vehicles/{row.id}"),
            "cells": [
                cell(mask_plate(row.plate or "") or _("without plate")),
                cell(mask_vin(row.vin or "")),
                cell(row.make),
                cell(row.model),
                cell(row.first_registered_on, "date"),
                cell(row.usage),
                cell(_("Owner") if row.owner_id == customer_id else _("Insures it")),
            ],
        }
        for row in vehicles
    ]
    return table(_("Vehicles"), heads, rows, _("No vehicle is known."))


def contact_tables(reader: Reader, facts: CustomerFacts) -> list[dict[str, Any]]:
    """Return numbers, documents and addresses with validity and source; ended ones stay in sight."""
    _ = reader.words
    heads = [
        (_("Kind"), "text", "figure"),
        (_("Number"), "text", "title"),
        (_("Since"), "date", "figure"),
        (_("Until"), "date", "figure"),
        (_("Check"), "text", None),
        (_("Source"), "text", None),
    ]
    ordered = sorted(facts.numbers, key=lambda row: (row.until is not None, row.place, row.id))
    rows: list[Mapping[str, Any]] = [_number_row(reader, row) for row in ordered]
    places = [
        (_("Address"), "text", "title"),
        (_("County"), "text", "figure"),
        (_("Township"), "text", "figure"),
        (_("Since"), "date", None),
        (_("Until"), "date", None),
        (_("Check"), "text", "figure"),
        (_("Source"), "text", None),
    ]
    found: list[Mapping[str, Any]] = [_address_row(reader, row) for row in facts.addresses]
    return [
        table(_("Numbers and documents"), heads, rows, _("No number is known.")),
        table(_("Addresses"), places, found, _("No address is known.")),
    ]


def _number_row(reader: Reader, row: Any) -> dict[str, Any]:
    _, is_contact = reader.words, row.place == "contact"
    noun, options = ("contact_point", CONTACT_KINDS) if is_contact else ("customer_identity", ID_KINDS)
    masked = cell(
        row.masked,
        "masked",
        field_id=f"{row.place}-{row.id}",
        url=reader.unmask_url(noun, row.id, "masked") if "*" in row.masked else None,
    )
    check = _("fails the check") if not row.valid else "" if is_contact else _("passes the check")
    cells = [
        cell(reader.label(options, row.kind)),
        {**masked, "hint": f"-{row.extension}" if row.extension else ""},
        cell(row.since, "date"),
        cell(row.until, "date"),
        cell(check),
        cell(_origin(reader, row)),
    ]
    return {"id": row.id, "url": None, "cells": cells}


def _address_row(reader: Reader, row: Any) -> dict[str, Any]:
    _ = reader.words
    url = reader.unmask_url("address", row.id, "text")
    cells = [
        cell(mask_address(row.text), "masked", field_id=f"address-{row.id}", url=url),
        cell(row.county),
        cell(row.street),
        cell(row.since, "date"),
        cell(row.until, "date"),
        cell(_("complete") if row.complete else _("not parsed"), "status", tone="ok" if row.complete else "warn"),
        cell(_origin(reader, row)),
    ]
    return {"id": row.id, "url": None, "cells": cells}


def _origin(reader: Reader, row: Any) -> str:
    if row.batch_id is None:
        return str(reader.label(SOURCES, row.source))
    return reader.words("%(source)s, import %(batch)s row %(row)s") % {
        "source": reader.label(SOURCES, row.source),
        "batch": row.batch_id,
        "row": row.batch_row or "—",
    }
