"""Cards of the home page: process links, covers that end, blacklist candidates, freshness of the data (CU-27)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Any, Literal
from urllib.parse import urlencode

from sqlalchemy import case, func, select, type_coerce

from core.api import LOCAL_ZONE, Actor, HomeCard, ImportBatch, Label, Money, ScopedSession, today_here, utc_now
from plugins.crm_customers.models import Customer, Policy, PolicyTerm, Receivable
from plugins.crm_customers.models.options import CLASSES, LINKS

LIST = "/crm_customers/customers"
SPANS = ((0, 7), (8, 30), (31, 60), (61, 90))
"""Days until a cover ends, both ends included."""
LAPSED_DAYS = 30
ROWS = 8
WEEKS = 12
STALE_AFTER = timedelta(days=2)
_MEMO = "crm_customers.link_counts"


def cards() -> list[HomeCard]:
    """Return the cards in their order."""
    weeks, overdue = _lazy("premium_due"), _lazy("overdue")
    return [
        _card("links", "top", Label("Process links", "流程环节"), load_links, 10),
        _card("renewals", "main", Label("Covers that end", "待续保"), load_renewals, 10),
        _card("premium_due", "main", Label("Premium by week", "到期保费"), weeks, 30, "policy_term", "lazy"),
        _card("overdue", "side", Label("Overdue receivables", "逾期应收"), overdue, 20, "receivable", "lazy"),
        _card("candidates", "side", Label("Blacklist candidates", "黑名单候选"), load_candidates, 30),
        _card("freshness", "side", Label("Data as of", "数据截至"), load_freshness, 40),
    ]


def _card(
    name: str,
    place: Literal["top", "main", "side"],
    title: Label,
    load: Callable[[ScopedSession, Actor], Mapping[str, Any] | None],
    order: int,
    noun: str = "customer",
    template: str = "",
) -> HomeCard:
    file = f"crm_customers/home_{template or name}.html"
    return HomeCard(f"crm_customers.{name}", place, title, file, load, f"crm_customers.{noun}.view", order)


def filtered(base: str, *conditions: str) -> str:
    """Return the address of a list with conditions."""
    return f"{base}?{urlencode({'q': ' '.join(conditions)})}"


def _link_counts(session: ScopedSession) -> list[Any]:
    """Count customers by process link and class once a request; two cards show the numbers."""
    known: list[Any] | None = session.info.get(_MEMO)
    if known is None:
        today = today_here()
        soon = case((Customer.next_expiry.between(today, today + timedelta(days=SPANS[-1][1])), 1), else_=0)
        statement = select(
            Customer.link_code,
            Customer.class_code,
            func.count(Customer.id).label("number"),
            func.sum(soon).label("ending"),
            func.sum(case((Customer.blacklist_candidate, 1), else_=0)).label("candidates"),
        ).group_by(Customer.link_code, Customer.class_code)
        known = session.info[_MEMO] = list(session.execute(statement))
    return known


def load_links(session: ScopedSession, actor: Actor) -> Mapping[str, Any] | None:
    """Return the four process links; each customer is in exactly one, so the sum is the list of customers (CU-27)."""
    counts = _link_counts(session)
    tiles = [_tile(option.code, option.label.of(actor.locale), counts, actor.locale) for option in LINKS]
    return {"tiles": tiles, "total": sum(row.number for row in counts), "list_url": LIST}


def _tile(code: str, label: str, counts: list[Any], locale: str) -> dict[str, Any]:
    rows = sorted((row for row in counts if row.link_code == code), key=lambda row: -row.number)
    condition = f"link_code:{code}"
    labels = {option.code: option.label.of(locale) for option in CLASSES}
    return {
        "code": code,
        "label": label,
        "number": sum(row.number for row in rows),
        "url": filtered(LIST, condition),
        "ending": sum(int(row.ending or 0) for row in rows),
        "ending_url": filtered(LIST, condition, f"next_expiry:<{SPANS[-1][1]}d"),
        "classes": [
            {
                "label": labels.get(row.class_code, row.class_code),
                "number": row.number,
                "url": filtered(LIST, condition, f"class_code:{row.class_code}"),
            }
            for row in rows[:2]
        ],
    }


def load_renewals(session: ScopedSession, actor: Actor) -> Mapping[str, Any] | None:
    """Return customers whose cover ends: how many by span of days, those who lapsed, and the nearest ones."""
    today = today_here()
    spans = [(today + timedelta(days=first), today + timedelta(days=last)) for first, last in SPANS]
    counts = session.execute(
        select(
            *(func.sum(case((Customer.next_expiry.between(*span), 1), else_=0)) for span in spans),
        ).where(Customer.next_expiry.between(spans[0][0], spans[-1][1]))
    ).one()
    since = today - timedelta(days=LAPSED_DAYS)
    lapsed = (Customer.class_code == "lead", Customer.first_insured_on.is_not(None), Customer.class_since >= since)
    nearest = (
        select(
            Customer.id,
            Customer.name,
            Customer.number,
            Customer.class_code,
            Customer.next_expiry,
            Customer.policies_in_force,
            Customer.premium_12m,
            Customer.incurred,
            Customer.earned,
        )
        .where(Customer.next_expiry >= today)
        .order_by(Customer.next_expiry, Customer.id)
        .limit(ROWS)
    )
    return {
        "spans": [
            {"days": days, "number": int(number or 0), "url": filtered(LIST, f"next_expiry:{first}..{last}")}
            for days, number, (first, last) in zip(SPANS, counts, spans, strict=True)
        ],
        "lapsed": session.scalar(select(func.count(Customer.id)).where(*lapsed)) or 0,
        "lapsed_days": LAPSED_DAYS,
        "lapsed_url": filtered(LIST, "class_code:lead", "-first_insured_on:empty", f"class_since:>={since}"),
        "rows": session.execute(nearest).all(),
        "today": today,
        "url": f"{filtered(LIST, f'next_expiry:<{SPANS[-1][1]}d')}&sort=next_expiry",
        "locale": actor.locale,
    }


def load_candidates(session: ScopedSession, _actor: Actor) -> Mapping[str, Any] | None:
    """Return customers who meet the blacklist rule; hidden while there is none."""
    number = sum(int(row.candidates or 0) for row in _link_counts(session))
    if not number:
        return None
    rows = session.execute(
        select(Customer.id, Customer.name, Customer.claim_count, Customer.incurred)
        .where(Customer.blacklist_candidate)
        .order_by(Customer.incurred.desc())
        .limit(ROWS)
    ).all()
    return {"number": number, "rows": rows, "url": filtered(LIST, "blacklist_candidate:yes")}


def load_freshness(session: ScopedSession, _actor: Actor) -> Mapping[str, Any] | None:
    """Return when each kind of file was last imported; old ones are marked."""
    latest = func.max(ImportBatch.finished_at).label("finished_at")
    statement = select(ImportBatch.source, ImportBatch.profile_id, latest).where(ImportBatch.state == "done")
    rows = session.execute(statement.group_by(ImportBatch.source, ImportBatch.profile_id)).all()
    if not rows:
        return None
    now = utc_now()
    return {
        "rows": [
            {
                "source": row.source,
                "profile": row.profile_id,
                "at": row.finished_at.astimezone(LOCAL_ZONE),
                "stale": now - row.finished_at > STALE_AFTER,
                "days": (now - row.finished_at).days,
            }
            for row in sorted(rows, key=lambda row: row.finished_at)
        ],
        "year": today_here().year,
    }


def premium_due(session: ScopedSession) -> dict[str, Any]:
    """Return the premium of terms that end in each of the next weeks, in units of 10,000 yuan."""
    today = today_here()
    last = today + timedelta(days=7 * WEEKS - 1)
    statement = (
        select(PolicyTerm.end_on, type_coerce(func.sum(PolicyTerm.premium), Money).label("premium"))
        .join(Policy, Policy.id == PolicyTerm.policy_id)
        .where(PolicyTerm.end_on.between(today, last), Policy.state == "active")
        .group_by(PolicyTerm.end_on)
    )
    weeks = [0.0] * WEEKS
    for row in session.execute(statement):
        weeks[(row.end_on - today).days // 7] += float(row.premium) / 10_000
    return {"bars": [_week(today, place, value) for place, value in enumerate(weeks)], "top": max(weeks) or 1}


def _week(today: date, place: int, value: float) -> dict[str, Any]:
    first = today + timedelta(days=7 * place)
    span = f"end_on:{first}..{first + timedelta(days=6)}"
    return {
        "label": first.strftime("%m-%d"),
        "value": value,
        "shown": f"{value:,.1f}",
        "url": filtered("/crm_customers/policy_terms", span),
    }


def overdue(session: ScopedSession) -> dict[str, Any]:
    """Return number and sum of the receivables that are overdue, and the largest."""
    today = today_here()
    left = type_coerce(Receivable.amount_due - Receivable.amount_paid, Money)
    late = (Receivable.due_on < today, Receivable.amount_due > Receivable.amount_paid)
    number, amount = session.execute(
        select(func.count(Receivable.id), type_coerce(func.sum(left), Money)).where(*late)
    ).one()
    largest = (
        select(Receivable.id, Receivable.due_on, left.label("left"), Customer.id.label("customer"), Customer.name)
        .join(Policy, Policy.id == Receivable.policy_id)
        .join(Customer, Customer.id == Policy.holder_id)
        .where(*late)
        .order_by(left.desc())
        .limit(5)
    )
    rows = session.execute(largest).all() if number else []
    return {
        "number": number,
        "amount": amount,
        "rows": rows,
        "today": today,
        "url": filtered("/crm_customers/receivables", "due_on:<today", "open:yes"),
    }


def _lazy(name: str) -> Any:
    """Return the loader of a card that is fetched after the page: its sum reads many rows."""
    return lambda _session, _actor: {"name": name, "url": f"/crm_customers/home/{name}"}
