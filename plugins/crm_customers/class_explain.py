"""One customer's class computed now, also with a policy that does not exist yet (NH-01), and its texts."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from core.api import NotFoundError, ScopedSession
from plugins.crm_customers.class_reasons import CHANGES, CHECKS, MILLION, reasons_of
from plugins.crm_customers.class_settings import thresholds_on
from plugins.crm_customers.class_terms import TermRow
from plugins.crm_customers.classification import Day, Figures, Verdict, classify
from plugins.crm_customers.measures import read_figures


@dataclass(frozen=True)
class SupposedPolicy:
    """A policy that is only thought of.

    Args:
        premium: Yuan, with tax.
        start_on: First day.
        end_on: Last day; ``None`` for one year.
        line: Line of ``LINES``.
    """

    premium: Decimal
    start_on: date
    end_on: date | None = None
    line: str = "non_motor"


@dataclass(frozen=True)
class Explanation:
    """Class, figures and reasons of a customer on a day; ``reasons`` as `reasons_of` gives them."""

    as_of: date
    figures: Figures
    verdict: Verdict
    reasons: dict[str, Any]


@dataclass(frozen=True)
class Line:
    """A line of the panel "why is this customer …".

    Args:
        code: Code of the test or change.
        label: Text in the reader's language.
        unit: ``money`` and ``ratio`` come as `Decimal`, ``date`` as `date`, the rest as whole numbers or booleans.
        value: Number found, or what is missing; ``None`` means no value.
        limit: Limit of a test.
        passed: Outcome of a test; ``None`` for a change.
        target: Class a change leads to.
    """

    code: str
    label: str
    unit: str
    value: Any
    limit: Any = None
    passed: bool | None = None
    target: str = ""


def explain(
    session: ScopedSession, customer_id: int, as_of: date, supposed: Sequence[SupposedPolicy] = ()
) -> Explanation:
    """Return the class of a customer on a day without writing anything.

    The class counts what the customer has with the whole company; the caller checks that the reader may see it.

    Raises:
        NotFoundError: ``unknown_customer``; also for one that was merged into another.
    """
    return explain_on(session, customer_id, Day(as_of, thresholds_on(session, as_of)), supposed)


def explain_on(
    session: ScopedSession, customer_id: int, day: Day, supposed: Sequence[SupposedPolicy] = ()
) -> Explanation:
    """Do the same with limits that were read before."""
    terms = [_term(customer_id, -number, policy) for number, policy in enumerate(supposed, 1)]
    found = read_figures(session.connection(), [customer_id], day, terms).get(customer_id)
    if found is None:
        raise NotFoundError("unknown_customer", "There is no customer {id}.", id=customer_id)
    verdict = classify(found.figures, day)
    return Explanation(day.as_of, found.figures, verdict, json.loads(reasons_of(found.figures, verdict, day)))


def _term(customer_id: int, policy_id: int, policy: SupposedPolicy) -> TermRow:
    cents = int(policy.premium * 100)
    return customer_id, policy_id, policy.line, "active", None, policy.start_on, policy.end_on, cents


def check_lines(reasons: Mapping[str, Any], locale: str) -> list[Line]:
    """Return the tests of reasons as lines to show.

    Args:
        reasons: ``Explanation.reasons``, or those of a row of the class history.
        locale: ``zh_CN`` or ``en``.
    """
    lines = []
    for code, value, limit, passed in reasons.get("checks", ()):
        text = CHECKS[code]
        shown, bound = _shown(value, text.unit), _shown(limit, text.unit)
        lines.append(Line(code, text.label.of(locale), text.unit, shown, bound, passed))
    return lines


def change_lines(reasons: Mapping[str, Any], locale: str) -> list[Line]:
    """Return what would change the class as lines to show; arguments as in `check_lines`."""
    return [
        Line(code, CHANGES[code].label.of(locale), CHANGES[code].unit, _shown(value, CHANGES[code].unit), target=target)
        for code, target, value in reasons.get("changes", ())
    ]


def _shown(value: Any, unit: str) -> Any:
    if value is None:
        return None
    if unit == "money":
        return Decimal(value).scaleb(-2)
    if unit == "ratio":
        return Decimal(value) / MILLION
    return date.fromisoformat(value) if unit == "date" else value
