"""What the search box finds: customers by name, number, document; vehicles by plate; policies by number (CU-03)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Integer, bindparam, select

from core.api import Label, ScopedSession, SearchHit, SearchSource, Vault, find_documents
from core.values.masks import mask_plate
from core.values.phones import read_phones
from core.values.resident_id import read_resident_id
from core.values.uscc import read_uscc
from plugins.crm_customers.models import ContactPoint, Customer, CustomerIdentity, Policy, RegistryVehicle, Vehicle
from plugins.crm_customers.models.options import CLASSES
from plugins.crm_customers.search import CUSTOMER_KIND, REGISTRY_KIND, VEHICLE_KIND

CANDIDATES = (200, 1_000)
"""Documents looked at: first few, then more where the reader's branches hold hardly any of those."""
TAIL_DIGITS = 4
SHORTEST_POLICY_NUMBER = 6
LAST_SIGN = "\uffff"

_COLUMNS = (Customer.id, Customer.name, Customer.number, Customer.class_code, Customer.township)


def sources() -> list[SearchSource]:
    """Return the providers in the order in which people look."""
    return [
        SearchSource(
            "crm_customers.customers", Label("Customers", "客户"), find_customers, "crm_customers.customer.view", 10
        ),
        SearchSource(
            "crm_customers.vehicles", Label("Vehicles", "车辆"), find_vehicles, "crm_customers.vehicle.view", 20
        ),
        SearchSource(
            "crm_customers.policies", Label("Policies", "保单"), find_policies, "crm_customers.policy.view", 30
        ),
    ]


def find_customers(session: ScopedSession, typed: str, limit: int) -> list[SearchHit]:
    """Find customers by telephone number, its last four digits, document number, customer number, or name.

    Args:
        session: Session of the reader; only customers of the reader's branches are found.
        typed: As typed: two Chinese characters, pinyin or its initials suffice for a name.
        limit: Most hits.
    """
    rows: dict[int, Any] = {}
    for statement, values in _exact(session, typed):
        rows.update((row.id, row) for row in session.rows(statement, {**values, "row_count": limit}))
    if len(rows) < limit and not typed.isdigit():
        rows.update((row.id, row) for row in _named(session, typed, limit))
    return [_customer_hit(session, row) for row in list(rows.values())[:limit]]


def _exact(session: ScopedSession, typed: str) -> Iterable[tuple[Any, dict[str, Any]]]:
    """Yield look-ups by whole values; personal ones go through their blind index."""
    compact = "".join(typed.split()).upper()
    vault: Vault = session.info["vault"]
    statements = _look_ups()
    if compact.isdigit() and len(compact) == TAIL_DIGITS:
        yield statements["tail"], {"wanted": compact}
        return
    if compact[:1] == "C" and compact[1:].isdigit():
        yield statements["number"], {"wanted": compact}
    numbers = [phone.number for phone in read_phones(typed) if phone.kind in {"mobile", "landline"}]
    if numbers:
        yield statements["contact"], {"wanted": [vault.index(number, ContactPoint.place) for number in numbers]}
    document = _document(compact)
    if document:
        yield statements["document"], {"wanted": vault.index(document, CustomerIdentity.place)}


@cache
def _look_ups() -> dict[str, Any]:
    """Build the statements of every search once: building them costs more than running them."""
    wanted: Any = bindparam("wanted")
    contact, identity = ContactPoint, CustomerIdentity
    through_contact = select(*_COLUMNS).join(contact, contact.customer_id == Customer.id)
    through_identity = select(*_COLUMNS).join(identity, identity.customer_id == Customer.id)
    found = {
        "tail": through_contact.where(contact.tail == wanted, contact.until.is_(None)),
        "number": select(*_COLUMNS).where(Customer.number == wanted),
        "contact": through_contact.where(contact.value_index.in_(_wanted())),
        "ids": _by_ids(),
        "document": through_identity.where(identity.number_index == wanted),
    }
    return {name: statement.limit(_row_count()) for name, statement in found.items()}


def _by_ids() -> Any:
    found = select(*_COLUMNS).where(Customer.id.in_(_wanted()), Customer.merged_into_id.is_(None))
    return found.order_by(Customer.policies_in_force.desc(), Customer.id)


def _wanted() -> Any:
    return bindparam("wanted", expanding=True)


def _row_count() -> Any:
    return bindparam("row_count", type_=Integer)


def _document(compact: str) -> str | None:
    """Return a document number in its stored form; one of 15 digits is extended to 18."""
    if len(compact) not in {15, 18} or not compact.isascii():
        return None
    resident = read_resident_id(compact)
    if resident is not None and resident.valid:
        return resident.number
    organisation = read_uscc(compact)
    return organisation.number if organisation is not None and organisation.valid else None


def _named(session: ScopedSession, typed: str, limit: int) -> Sequence[Any]:
    rows: Sequence[Any] = ()
    for most in CANDIDATES:
        ids = [row_id for _kind, row_id in find_documents(session.connection(), typed, [CUSTOMER_KIND], most)]
        if ids:
            rows = session.rows(_look_ups()["ids"], {"wanted": ids, "row_count": limit})
        if len(rows) >= limit or len(ids) < most:
            break
    return rows


def _customer_hit(session: ScopedSession, row: Any) -> SearchHit:
    locale = session.actor.locale if session.actor else "en"
    label = next((option.label.of(locale) for option in CLASSES if option.code == row.class_code), "")
    detail = " · ".join(filter(None, (row.number, label, row.township)))
    url = f"/crm_customers/customers/{row.id}"
    return SearchHit(url, row.name or row.number, detail, "user", row.class_code)


def find_vehicles(session: ScopedSession, typed: str, limit: int) -> list[SearchHit]:
    """Find vehicles by plate, a part of it, VIN or its last six places; an insured one leads to its owner."""
    if not any(sign.isascii() and sign.isalnum() for sign in typed):
        return []  # Chinese characters alone are no part of a plate worth looking for.
    hits: list[SearchHit] = []
    for most in CANDIDATES:
        found = find_documents(session.connection(), typed, [VEHICLE_KIND, REGISTRY_KIND], most)
        ours = _those(session, _vehicles(), [row_id for kind, row_id in found if kind == VEHICLE_KIND], limit)
        others = _those(session, _registered(), [row_id for kind, row_id in found if kind == REGISTRY_KIND], limit)
        hits = [*map(_vehicle_hit, ours), *map(_registered_hit, others)]
        if len(hits) >= limit or len(found) < most:
            break
    return hits[:limit]


def _those(session: ScopedSession, statement: Any, ids: list[int], limit: int) -> Sequence[Any]:
    return session.rows(statement, {"wanted": ids, "row_count": limit}) if ids else ()


@cache
def _vehicles() -> Any:
    return (
        select(Vehicle.id, Vehicle.plate, Vehicle.model, Vehicle.vin, Customer.id.label("owner"), Customer.name)
        .outerjoin(Customer, Customer.id == Vehicle.owner_id)
        .where(Vehicle.id.in_(_wanted()))
        .order_by(Vehicle.id.desc())
        .limit(_row_count())
    )


def _vehicle_hit(row: Any) -> SearchHit:
    return SearchHit(
        f"/crm_customers/customers/{row.owner}" if row.owner else f"/crm_customers/vehicles/{row.id}",
        mask_plate(row.plate or "") or f"VIN …{(row.vin or '')[-6:]}",
        " · ".join(filter(None, (row.name, row.model))),
        "car",
    )


@cache
def _registered() -> Any:
    """Registered vehicles that are none of ours; ours are found as vehicles."""
    registered = RegistryVehicle
    columns = (registered.id, registered.plate, registered.brand_model, registered.township)
    return (
        select(*columns)
        .where(registered.id.in_(_wanted()), registered.vehicle_id.is_(None))
        .order_by(registered.id.desc())
        .limit(_row_count())
    )


def _registered_hit(row: Any) -> SearchHit:
    return SearchHit(
        f"/crm_customers/registry_vehicles/{row.id}",
        mask_plate(row.plate or "") or f"#{row.id}",
        " · ".join(filter(None, (row.brand_model, row.township))),
        "car",
    )


def find_policies(session: ScopedSession, typed: str, limit: int) -> list[SearchHit]:
    """Find policies whose number begins with what was typed."""
    compact = "".join(typed.split()).upper()
    if len(compact) < SHORTEST_POLICY_NUMBER or not compact.isascii() or not any(sign.isdigit() for sign in compact):
        return []
    values = {"low": compact, "high": compact + LAST_SIGN, "row_count": limit}
    return [
        SearchHit(
            f"/crm_customers/policies/{row.id}",
            row.policy_no,
            " · ".join(filter(None, (row.name, row.product, str(row.end_on or "")))),
            "file-text",
        )
        for row in session.rows(_policies(), values)
    ]


@cache
def _policies() -> Any:
    low: Any = bindparam("low")
    return (
        select(Policy.id, Policy.policy_no, Policy.product, Policy.end_on, Customer.name)
        .join(Customer, Customer.id == Policy.holder_id)
        .where(Policy.source_key >= low, Policy.source_key < bindparam("high"))
        .order_by(Policy.source_key)
        .limit(_row_count())
    )
