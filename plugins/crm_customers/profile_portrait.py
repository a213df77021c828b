"""The portrait of a customer: class, value, needs, risk, channel, reach, each with its evidence (CU-25)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from plugins.crm_customers.class_explain import Line
from plugins.crm_customers.models.options import CLASSES, LINES
from plugins.crm_customers.profile_facts import CustomerFacts
from plugins.crm_customers.profile_figures import PolicyFigures, Totals
from plugins.crm_customers.profile_tables import Reader

MOST_EVIDENCE = 6
LINE_CODES = ("ctp", "commercial", "non_motor")


@dataclass(frozen=True)
class Evidence:
    """What a statement of the portrait rests on: a text, perhaps with an amount and an address."""

    text: str
    amount: Any = None
    url: str | None = None


@dataclass(frozen=True)
class Trait:
    """One statement of the portrait."""

    label: str
    value: str
    evidence: list[Evidence] = field(default_factory=list)
    tone: str = ""


def portrait_of(
    reader: Reader, facts: CustomerFacts, policies: Sequence[PolicyFigures], totals: Totals, checks: Sequence[Line]
) -> list[Trait]:
    """Return the statements; one without evidence says so by an empty list."""
    own = [policy for policy in policies if policy.own]
    return [
        _class(reader, facts, checks),
        _value(reader, own, totals),
        _needs(reader, own),
        _risk(reader, facts, totals),
        _channel(reader, own),
        _reach(reader, facts),
    ]


def _class(reader: Reader, facts: CustomerFacts, checks: Sequence[Line]) -> Trait:
    label = reader.label(CLASSES, facts.customer.class_code) or ""
    passed = [Evidence(line.label) for line in checks if line.passed]
    return Trait(reader.words("Class"), label, passed)


def _value(reader: Reader, own: Sequence[PolicyFigures], totals: Totals) -> Trait:
    _ = reader.words
    largest = sorted((policy for policy in own if policy.counted), key=lambda policy: policy.counted, reverse=True)
    evidence = [_of_policy(reader, policy, policy.counted) for policy in largest[:MOST_EVIDENCE]]
    value = _("%(amount)s in 12 months") % {"amount": f"{totals.premium_12m:,.2f}"}
    return Trait(_("Value"), value if totals.premium_12m else _("no premium in 12 months"), evidence)


def _needs(reader: Reader, own: Sequence[PolicyFigures]) -> Trait:
    """A line that is not in force although another one is: the gap is the need."""
    _ = reader.words
    in_force = [policy for policy in own if policy.in_force]
    lines = {policy.row.line for policy in in_force}
    wanted = LINE_CODES if lines & {"ctp", "commercial"} else ("non_motor",)
    missing = [reader.label(LINES, code) or code for code in wanted if code not in lines]
    value = _("not insured with us: %(lines)s") % {"lines": _(", ").join(missing)}
    evidence = [_of_policy(reader, policy, policy.premium) for policy in in_force[:MOST_EVIDENCE]]
    return Trait(_("Needs"), value if missing else _("no gap between the lines"), evidence)


def _risk(reader: Reader, facts: CustomerFacts, totals: Totals) -> Trait:
    _ = reader.words
    customer = facts.customer
    latest = sorted((row for row in facts.claims if row.loss_on), key=lambda row: row.loss_on, reverse=True)
    evidence = [
        Evidence(
            f"{row.loss_on} {row.cause or row.claim_no or ''}",
            row.paid + row.outstanding,
            reader.url("claim", f"/crm_customers/claims/{row.id}"),
        )
        for row in latest[:MOST_EVIDENCE]
    ]
    if totals.overdue_since:
        evidence.append(
            Evidence(_("Receivable overdue since %(day)s") % {"day": totals.overdue_since}, totals.receivable)
        )
    if customer.blacklist_candidate:
        return Trait(_("Risk"), _("meets the blacklist rule"), evidence, "danger")
    if customer.credit == "bad" or totals.overdue_since:
        return Trait(_("Risk"), _("credit needs attention"), evidence, "warn")
    value = _("%(number)s claims") % {"number": totals.claims} if totals.claims else _("no claim")
    return Trait(_("Risk"), value, evidence)


def _channel(reader: Reader, own: Sequence[PolicyFigures]) -> Trait:
    _ = reader.words
    counted = Counter(policy.row.channel or policy.row.intermediary_name for policy in own)
    counted.pop(None, None)
    evidence = [
        Evidence(_("%(name)s: %(number)s policies") % {"name": name, "number": number})
        for name, number in counted.most_common(MOST_EVIDENCE)
    ]
    best = counted.most_common(1)
    return Trait(_("Channel"), str(best[0][0]) if best else _("not known"), evidence)


def _reach(reader: Reader, facts: CustomerFacts) -> Trait:
    _ = reader.words
    living = [row for row in facts.numbers if row.place == "contact" and row.until is None]
    evidence = [
        Evidence(_("%(number)s since %(day)s") % {"number": row.masked, "day": row.since or "—"}) for row in living
    ]
    value = _("%(number)s valid numbers") % {"number": len(living)} if living else _("cannot be reached")
    return Trait(_("Reach"), value, evidence[:MOST_EVIDENCE], "" if living else "warn")


def _of_policy(reader: Reader, policy: PolicyFigures, amount: Any) -> Evidence:
    name = policy.row.product or reader.label(LINES, policy.row.line) or ""
    return Evidence(
        f"{name} {policy.row.policy_no}", amount, reader.url("policy", f"/crm_customers/policies/{policy.row.id}")
    )
