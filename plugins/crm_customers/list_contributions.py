"""Further columns and filters of the generated lists: phone, plate, policy number, document, open receivables, me."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, func, select

from core.api import Asked, Column, Filter, InvalidValueError, Label, ListView, ScopedSession, Vault
from core.values.phones import read_phones
from core.values.text import narrow
from plugins.crm_customers import own_figures
from plugins.crm_customers.ages import by_age, load_ages
from plugins.crm_customers.models import Claim, ContactPoint, Policy, Receivable, Vehicle
from plugins.crm_customers.models.options import INSURED_STATES

CUSTOMER = "crm_customers.customer"
POLICY = "crm_customers.policy"
RECEIVABLE = "crm_customers.receivable"
REGISTERED = "crm_customers.registry_vehicle"
YES = frozenset({"yes", "true", "是"})
NO = frozenset({"no", "false", "否"})
TAIL_DIGITS = 4
SOON_DAYS = 30
SHORTEST_PART = 2
"""Signs of a plate; one alone would find nearly all."""
LAST_SIGN = "\uffff"


def columns() -> list[Column]:
    """Return the columns; each reads a whole page with one statement."""
    return [
        Column(
            CUSTOMER,
            "phone",
            Label("Phone", "电话"),
            _phones,
            permission="crm_customers.contact_point.view",
            listed=True,
        ),
        Column(
            CUSTOMER,
            "own_policies",
            Label("Policies of my branches", "本机构保单"),
            _policies,
            "count",
            permission="crm_customers.policy.view",
        ),
        Column(CUSTOMER, "age", Label("Age", "年龄"), load_ages, "integer"),
        *own_figures.columns(),
        Column(POLICY, "claims", Label("Claims", "赔案"), _claims, "count", permission="crm_customers.claim.view"),
    ]


def views() -> list[ListView]:
    """Return the tabs of the lists."""
    soon = f"end_on:<{SOON_DAYS}d state:active"
    states = {option.code: option.label for option in INSURED_STATES}
    ends = Label(f"Ends in {SOON_DAYS} days", f"{SOON_DAYS} 天内到期")
    return [
        ListView(CUSTOMER, "crm_customers.mine", Label("My customers", "我的客户"), "manager_id:me", order=10),
        ListView(CUSTOMER, "crm_customers.renewals", ends, f"expiry:<{SOON_DAYS}d", order=20),
        ListView(CUSTOMER, "crm_customers.important", Label("Important", "重要客户"), "important:yes", order=30),
        ListView(
            CUSTOMER, "crm_customers.blacklist", Label("Blacklist candidates", "黑名单候选"), "blacklist_candidate:yes"
        ),
        ListView(POLICY, "crm_customers.policy_renewals", ends, soon, "end_on", order=10),
        ListView(POLICY, "crm_customers.cancelled", Label("Cancelled", "已退保"), "state:cancelled", order=20),
        ListView(RECEIVABLE, "crm_customers.open", Label("Open", "未收"), "open:yes", order=10),
        ListView(
            RECEIVABLE, "crm_customers.overdue", Label("Overdue", "逾期"), "open:yes due_on:<today", "due_on", order=20
        ),
        *(
            ListView(REGISTERED, f"crm_customers.{code}", label, f"insured_state:{code}", order=place)
            for place, (code, label) in enumerate(states.items())
        ),
    ]


def filters() -> list[Filter]:
    """Return the filters."""
    return [
        Filter(CUSTOMER, "expiry", Label("Policy ends", "保单到期"), by_expiry, "date", ("到期",)),
        Filter(CUSTOMER, "age", Label("Age", "年龄"), by_age, "integer"),
        Filter(CUSTOMER, "phone", Label("Phone", "电话"), by_phone, aliases=("手机", "电话后四位")),
        Filter(CUSTOMER, "plate", Label("Plate", "车牌"), by_plate, aliases=("车牌号码",)),
        Filter(CUSTOMER, "policy", Label("Policy number", "保单号"), by_policy),
        Filter(RECEIVABLE, "open", Label("Open", "未收"), by_open),
    ]


def by_expiry(asked: Asked) -> Select[Any]:
    """Customers with a policy of the reader's branches that ends then and was not cancelled."""
    return select(Policy.holder_id).where(asked.test(Policy.end_on), Policy.state == "active")


def by_phone(asked: Asked) -> Select[Any]:
    """Customers by a whole number, through its blind index, or by its last four digits: no other part is stored."""
    digits = "".join(sign for sign in asked.text if sign.isdigit())
    if len(digits) == TAIL_DIGITS:
        found: ColumnElement[bool] = ContactPoint.tail == digits
    else:
        numbers = [phone.number for phone in read_phones(asked.text) if phone.kind in {"mobile", "landline"}]
        if not numbers:
            raise _refused("phone", asked.text, "Write the last four digits, or the whole number.")
        vault: Vault = asked.session.info["vault"]
        found = ContactPoint.value_index.in_([vault.index(number, ContactPoint.place) for number in numbers])
    return select(ContactPoint.customer_id).where(found, ContactPoint.until.is_(None))


def by_plate(asked: Asked) -> Select[Any]:
    """Customers who own a vehicle with a part of a plate."""
    part = "".join(sign for sign in narrow(asked.text).upper() if sign.isalnum())
    if len(part) < SHORTEST_PART:
        raise _refused("plate", asked.text, "Write two characters of the plate or more.")
    return select(Vehicle.owner_id).where(Vehicle.plate.contains(part, autoescape=True), Vehicle.owner_id.is_not(None))


def by_policy(asked: Asked) -> Select[Any]:
    """Customers with a policy whose number begins with the text."""
    number = "".join(asked.text.split()).upper()
    if not number:
        raise _refused("policy", asked.text, "Write the beginning of a policy number.")
    begins = Policy.source_key.between(number, number + LAST_SIGN)
    return select(Policy.holder_id).where(begins)


def by_open(asked: Asked) -> Select[Any]:
    """Receivables that are not fully paid (``yes``), or are (``no``)."""
    word = asked.text.casefold()
    if word not in YES | NO:
        raise _refused("open", asked.text, "Write yes or no.")
    is_open = Receivable.amount_due > Receivable.amount_paid
    return select(Receivable.id).where(is_open if word in YES else ~is_open)


def _refused(field: str, value: str, cure: str) -> InvalidValueError:
    return InvalidValueError("filter_value", "{value} is no value of {field}.", cure, field=field, value=value)


@cache
def _shown_phones() -> Select[int, str]:
    """Build the statement of every page once: building it costs as much as running it."""
    shown = (ContactPoint.until.is_(None), ContactPoint.kind != "email")
    wanted = ContactPoint.customer_id.in_(bindparam("ids", expanding=True))
    numbers = select(ContactPoint.customer_id, ContactPoint.masked).where(wanted, *shown)
    return numbers.order_by(ContactPoint.kind.desc(), ContactPoint.id)


def _phones(session: ScopedSession, ids: Sequence[int]) -> Mapping[int, Any]:
    found: dict[int, str] = {}
    for customer_id, masked in session.rows(_shown_phones(), {"ids": ids}):
        found.setdefault(customer_id, masked)
    return found


def _policies(session: ScopedSession, ids: Sequence[int]) -> Mapping[int, Any]:
    counted = (
        select(Policy.holder_id, func.count(Policy.id)).where(Policy.holder_id.in_(ids)).group_by(Policy.holder_id)
    )
    return {row[0]: row[1] for row in session.execute(counted)}


def _claims(session: ScopedSession, ids: Sequence[int]) -> Mapping[int, Any]:
    counted = select(Claim.policy_id, func.count(Claim.id)).where(Claim.policy_id.in_(ids)).group_by(Claim.policy_id)
    return {row[0]: row[1] for row in session.execute(counted)}
