"""The panel "why is this customer …": the tests that decide the class, and what would change it (NH-01)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.api import ScopedSession
from plugins.crm_customers.class_explain import Line, change_lines, check_lines, explain_on
from plugins.crm_customers.models import TOTALS
from plugins.crm_customers.profile_facts import CustomerFacts
from plugins.crm_customers.profile_tables import Reader

LADDER = ("blacklist", "unattached", "lead", "standard", "good", "important")
"""From the class nobody wants upwards; a change leads up or down this ladder."""
DECISIVE: Mapping[str, tuple[str, ...]] = {
    "unattached": ("in_force", "first_insured", "intention"),
    "lead": ("in_force", "first_insured", "intention"),
    "standard": ("in_force", "claim_free", "loss_ratio", "insured_months", "credit"),
    "good": ("claim_free", "loss_ratio", "insured_months", "credit"),
    "important": ("premium", "importance_mark"),
    "blacklist": ("blacklist_mark", "risk_claims", "risk_ratio"),
}
"""Tests that decide a class; the others are shown on request."""
SIGNS: Mapping[str, str] = {"loss_ratio": "≤", "credit": "≤", "risk_ratio": ">"}
AT_LEAST = "≥"
FALLS: Mapping[str, frozenset[str]] = {"good": frozenset({"claims_above", "cover_ends", "claims_more"})}
ALWAYS_FALLS = frozenset({"cover_ends", "claims_more"})
"""Changes that lower the headline; further claims take "good" away, and "important" not."""


@dataclass(frozen=True)
class Reasons:
    """The panel's content; without ``numbers`` the reader only learns which tests passed.

    The class counts what the customer has with the whole company. Where branches of others are involved, the numbers
    are for those who may see company-wide totals.
    """

    numbers: bool
    decisive: list[Line]
    others: list[Line]
    upwards: list[Line]
    downwards: list[Line]

    @property
    def checks(self) -> list[Line]:
        """All tests."""
        return [*self.decisive, *self.others]


def reasons_for(session: ScopedSession, reader: Reader, facts: CustomerFacts) -> Reasons:
    """Return why the customer is in its class, computed now, as far as the reader may know."""
    customer = facts.customer
    classified = customer.merged_into_id is None and customer.class_since is not None
    found: dict[str, Any] = explain_on(session, customer.id, facts.day).reasons if classified else {}
    code = facts.customer.class_code
    checks = check_lines(found, reader.locale)
    changes = change_lines(found, reader.locale)
    named = DECISIVE.get(code, ())
    place, falls = LADDER.index(code), FALLS.get(code, ALWAYS_FALLS)
    return Reasons(
        numbers=not facts.shared_with or reader.may(TOTALS),
        decisive=[line for line in checks if line.code in named],
        others=[line for line in checks if line.code not in named],
        upwards=[line for line in changes if LADDER.index(line.target) > place],
        downwards=[line for line in changes if line.code in falls and LADDER.index(line.target) < place],
    )


def sign_of(line: Line) -> str:
    """Return the sign between a test and its limit."""
    return SIGNS.get(line.code, AT_LEAST)
