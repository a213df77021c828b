"""Prospects by source and township: how many, and how many of them have been swept (CL-03, CL-05)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import ColumnElement, func, select

from core.api import ScopedSession
from plugins.crm_customers.models import AccountManager, Customer
from plugins.crm_customers.profile_tables import Reader

LIST = "/crm_customers/customers"
PAGE = "/crm_customers/prospects"
PROSPECTS = ("unattached", "lead")
"""Classes of customers who have no cover with us now."""
_COUNTS = (func.count(Customer.id).label("prospects"), func.count(Customer.swept_on).label("swept"))


def prospects_page(session: ScopedSession, reader: Reader, asked: dict[str, str]) -> dict[str, Any]:
    """Return the tables of sources and townships, three statements.

    Args:
        session: Session of the reader; only customers of the reader's branches are counted.
        reader: Language and permissions.
        asked: ``manager``, the id of an account manager, and ``origin``, a source; absent or unknown for all.

    Returns:
        ``sources`` and ``townships`` with prospects, swept ones and coverage = swept ÷ prospects as a fraction; the
        rows of either add up to its ``total``. ``managers`` to choose from.
    """
    managers = session.execute(_managers()).all()
    manager = next((row for row in managers if str(row.id) == asked.get("manager")), None)
    mine: list[ColumnElement[bool]] = [Customer.class_code.in_(PROSPECTS)]
    conditions = [f"class_code:{','.join(PROSPECTS)}"]
    if manager is not None:
        mine.append(Customer.manager_id == manager.id)
        conditions.append(f"manager_id:#{manager.id}")
    sources = _table(session, "origin", mine, conditions)
    origin = asked.get("origin", "")
    if any(row["value"] == origin for row in sources["rows"]):
        mine.append(Customer.origin == origin)
        conditions.append(_is("origin", origin))
    else:
        origin = ""
    return {
        "sources": sources,
        "townships": _table(session, "township", mine, conditions),
        "managers": managers,
        "manager": manager,
        "origin": origin,
        "page": PAGE,
        "may_import": reader.may("crm_customers.customer.import"),
    }


def _managers() -> Any:
    """Select the account managers that prospects of the reader have."""
    return (
        select(AccountManager.id, AccountManager.code, AccountManager.name, func.count(Customer.id).label("number"))
        .join(Customer, Customer.manager_id == AccountManager.id)
        .where(Customer.class_code.in_(PROSPECTS))
        .group_by(AccountManager.id, AccountManager.code, AccountManager.name)
        .order_by(AccountManager.name, AccountManager.code)
    )


def _table(
    session: ScopedSession, name: str, mine: Sequence[ColumnElement[bool]], conditions: Sequence[str]
) -> dict[str, Any]:
    column = getattr(Customer, name)
    statement = select(column.label("value"), *_COUNTS).where(*mine).group_by(column)
    found = session.execute(statement.order_by(func.count(Customer.id).desc(), column)).all()
    rows = [_row(row.value, row.prospects, row.swept, [*conditions, _is(name, row.value)]) for row in found]
    total = _row(None, sum(row["prospects"] for row in rows), sum(row["swept"] for row in rows), conditions)
    return {"rows": rows, "total": total}


def _row(value: str | None, prospects: int, swept: int, conditions: Sequence[str]) -> dict[str, Any]:
    return {
        "value": value,
        "prospects": prospects,
        "swept": swept,
        "coverage": swept / prospects if prospects else None,
        "url": _list(*conditions),
        "swept_url": _list(*conditions, "-swept_on:empty"),
        "open_url": _list(*conditions, "swept_on:empty"),
    }


def _is(name: str, value: str | None) -> str:
    """Write the condition that a text is exactly this one; see the filter language."""
    return f'{name}:="{value}"' if value else f"{name}:empty"


def _list(*conditions: str) -> str:
    return f"{LIST}?{urlencode({'q': ' '.join(conditions)})}"
