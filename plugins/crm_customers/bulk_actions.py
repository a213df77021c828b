"""Changes of many customers at once: who looks after them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select, update

from core.api import BulkAction, BulkInput, Label, ScopedSession
from plugins.crm_customers.models import AccountManager, Customer

NOBODY = "nobody"
"""Choice that takes the account manager away."""


def actions() -> list[BulkAction]:
    """Return the actions of the customer list."""
    manager = BulkInput("manager", Label("Account manager", "客户经理"), _managers)
    return [
        BulkAction(
            model="crm_customers.customer",
            id="crm_customers.assign_manager",
            label=Label("Assign account manager", "分配客户经理"),
            permission="crm_customers.customer.edit",
            inputs=(manager,),
            read=_read,
            after=_after,
            write=_write,
            icon="user-star",
            order=10,
        )
    ]


def _managers(session: ScopedSession) -> list[tuple[str, str]]:
    managers = session.execute(select(AccountManager.id, AccountManager.code, AccountManager.name))
    # Of managers without a staff code the code is branch and name, which says nothing more.
    named = sorted(
        (name if code.endswith(f":{name}") else f"{name} ({code})", str(row_id)) for row_id, code, name in managers
    )
    return [(NOBODY, "–"), *((row_id, text) for text, row_id in named)]


def _read(session: ScopedSession, _model: str, ids: Sequence[int], _inputs: Mapping[str, str]) -> dict[int, Any]:
    found = session.execute(select(Customer.id, Customer.manager_id).where(Customer.id.in_(ids)))
    return dict(found.all())


def _after(inputs: Mapping[str, str]) -> int | None:
    return None if inputs["manager"] == NOBODY else int(inputs["manager"])


def _write(session: ScopedSession, _model: str, states: Mapping[int, Any], _inputs: Mapping[str, str]) -> None:
    groups: dict[int | None, list[int]] = {}
    for customer_id, manager_id in states.items():
        groups.setdefault(manager_id, []).append(customer_id)
    for manager_id, ids in groups.items():
        mine = update(Customer).where(Customer.id.in_(ids)).execution_options(synchronize_session=False)
        session.execute(mine.values(manager_id=manager_id, version=Customer.version + 1))
