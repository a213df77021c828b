"""Cards of the home page: process links, policies that end, blacklist candidates, freshness of the data (CU-27)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Literal
from urllib.parse import urlencode

from sqlalchemy import Date, and_, bindparam, case, func, select, type_coerce

from core.api import Actor, HomeCard, ImportBatch, Label, Money, ScopedSession, today_here, utc_now
from plugins.crm_customers.kept_counts import Counts, KeptCounts
from plugins.crm_customers.models import Customer, Policy, PolicyTerm, Receivable
from plugins.crm_customers.models.options import CLASSES, LINES, LINKS
from plugins.crm_customers.own_figures import own_figures

LIST, POLICIES = "/crm_customers/customers", "/crm_customers/policies"
SPANS = ((0, 7), (8, 30), (31, 60), (61, 90))
"""Days until a policy ends, both ends included."""
LAPSED, LAPSED_DAYS = "lead", 30
"""Class of customers whose cover ended, and for how long that is news."""
ROWS = 8
WEEKS = 12
STALE_AFTER = timedelta(days=2)
_MEMO = "crm_customers.link_counts"


def cards() -> list[HomeCard]:
    """Return the cards in their order."""
    weeks, overdue = _lazy("premium_due"), _lazy("overdue")
    return [
        _card("links", "top", Label("Process links", "流程环节"), load_links, 10),
        _card("renewals", "main", Label("Policies that end", "到期保单"), load_renewals, 10, "policy"),
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


_SINCE: Any = bindparam("since", type_=Date)
_LAPSED_LATELY = and_(Customer.first_insured_on.is_not(None), Customer.class_since >= _SINCE)
_LINK_COUNTS = select(
    Customer.link_code,
    Customer.class_code,
    func.count(Customer.id).label("number"),
    func.sum(case((_LAPSED_LATELY, 1), else_=0)).label("lapsed"),
    func.sum(case((Customer.blacklist_candidate, 1), else_=0)).label("candidates"),
).group_by(Customer.link_code, Customer.class_code)
_counted = KeptCounts()


def _link_counts(session: ScopedSession) -> Counts:
    """Count customers by process link and class once a request; two cards show the numbers."""
    known: Counts | None = session.info.get(_MEMO)
    if known is None:
        since, actor = _lapsed_since(), session.actor
        scope = (session.row_rules, actor and actor.branch_ids, actor and actor.sees_all_branches, since)
        known = session.info[_MEMO] = _counted.get(scope, lambda: session.rows(_LINK_COUNTS, {"since": since}))
    return known


def _lapsed_since() -> date:
    return today_here() - timedelta(days=LAPSED_DAYS)


def load_links(session: ScopedSession, actor: Actor) -> Mapping[str, Any] | None:
    """Return the four process links; each customer is in exactly one, so the sum is the list of customers (CU-27)."""
    counts = _link_counts(session)
    rows = counts.rows
    tiles = [_tile(option.code, option.label.of(actor.locale), rows, actor.locale) for option in LINKS]
    return {"tiles": tiles, "total": sum(row.number for row in rows), "list_url": LIST, "as_of": counts.as_of}


def _tile(code: str, label: str, counts: Sequence[Any], locale: str) -> dict[str, Any]:
    rows = sorted((row for row in counts if row.link_code == code), key=lambda row: -row.number)
    condition = f"link_code:{code}"
    labels = {option.code: option.label.of(locale) for option in CLASSES}
    lapsed = (f"class_code:{LAPSED}", "-first_insured_on:empty", f"class_since:>={_lapsed_since()}")
    return {
        "label": label,
        "number": sum(row.number for row in rows),
        "url": filtered(LIST, condition),
        "lapsed": sum(int(row.lapsed or 0) for row in rows if row.class_code == LAPSED),
        "lapsed_days": LAPSED_DAYS,
        "lapsed_url": filtered(LIST, condition, *lapsed),
        "classes": [
            {
                "label": labels.get(row.class_code, row.class_code),
                "number": row.number,
                "url": filtered(LIST, condition, f"class_code:{row.class_code}"),
            }
            for row in rows[:2]
        ],
    }


_WITHIN = (
    Policy.end_on.between(bindparam("first", type_=Date), bindparam("last", type_=Date)),
    Policy.state == "active",
)
_ENDING = select(Policy.end_on, func.count(Policy.id).label("number")).where(*_WITHIN).group_by(Policy.end_on)
_PREMIUM = select(func.sum(PolicyTerm.premium)).where(PolicyTerm.policy_id == Policy.id).scalar_subquery()
_NEAREST = (
    select(
        Customer.id,
        Customer.name,
        Customer.number,
        Customer.class_code,
        Policy.product,
        Policy.end_on,
        Policy.line,
        Policy.policy_no,
        type_coerce(_PREMIUM, Money).label("premium"),
    )
    .join(Customer, Customer.id == Policy.holder_id)
    .where(*_WITHIN)
    .order_by(Policy.end_on, Policy.id)
    .limit(ROWS)
)


def load_renewals(session: ScopedSession, actor: Actor) -> Mapping[str, Any] | None:
    """Return the policies that end: how many by span of days, and the nearest ones."""
    today = today_here()
    spans = [(today + timedelta(days=first), today + timedelta(days=last)) for first, last in SPANS]
    key = {"first": today, "last": spans[-1][1]}
    ending = session.rows(_ENDING, key)
    counts = [sum(row.number for row in ending if first <= row.end_on <= last) for first, last in spans]
    conditions = [f"end_on:{first}..{last}" for first, last in (*spans, (today, spans[-1][1]))]
    urls = [f"{filtered(POLICIES, condition, 'state:active')}&sort=end_on" for condition in conditions]
    return {
        "spans": [
            {"days": days, "number": number, "url": url} for days, number, url in zip(SPANS, counts, urls, strict=False)
        ],
        "rows": session.rows(_NEAREST, key),
        "line_labels": {option.code: option.label.of(actor.locale) for option in LINES},
        "today": today,
        "url": urls[-1],
    }


def load_candidates(session: ScopedSession, _actor: Actor) -> Mapping[str, Any] | None:
    """Return customers who meet the blacklist rule; hidden while there is none."""
    number = sum(int(row.candidates or 0) for row in _link_counts(session).rows)
    if not number:
        return None
    named = select(Customer.id, Customer.name).where(Customer.blacklist_candidate)
    rows = session.execute(named.order_by(Customer.id.desc()).limit(ROWS)).all()
    figures = own_figures(session, [row.id for row in rows])
    return {
        "number": number,
        "rows": [(row, figures[row.id]) for row in rows],
        "url": filtered(LIST, "blacklist_candidate:yes"),
    }


def load_freshness(session: ScopedSession, actor: Actor) -> Mapping[str, Any] | None:
    """Return when each kind of file was last imported; old ones are marked."""
    latest = select(func.max(ImportBatch.id)).where(ImportBatch.state == "done")
    columns = (ImportBatch.source, ImportBatch.profile_id, ImportBatch.profile, ImportBatch.finished_at)
    of_each = latest.group_by(ImportBatch.source, ImportBatch.profile_id)
    rows = session.execute(select(*columns).where(ImportBatch.id.in_(of_each))).all()
    if not rows:
        return None
    language = actor.locale.partition("_")[0]
    now = utc_now()
    return {
        "rows": [
            {
                "title": (row.profile or {}).get("title", {}).get(language) or f"{row.source} · {row.profile_id}",
                "at": row.finished_at,
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
