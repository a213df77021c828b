"""What a person writes into a customer's form is a correction: it wins over every source until it is released."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, event, insert, inspect, select, update
from sqlalchemy.orm import Mapper

from core.api import add_documents, document_number, remove_documents
from core.values.text import fold
from plugins.crm_customers.importing.winners import CORRECTION
from plugins.crm_customers.models import ClassDue, Customer, CustomerSource
from plugins.crm_customers.profile_sources import FIELDS, stored_form
from plugins.crm_customers.search import CUSTOMER_KIND, customer_document


@event.listens_for(Customer, "before_update")
def keep_keys_of_the_name(_mapper: Mapper[Any], connection: Connection, customer: Customer) -> None:
    """Let search and order follow a new name, and have a customer of other credit classified anew."""
    changed = _changed(customer)
    if "credit" in changed:
        connection.execute(insert(ClassDue).values(customer_id=customer.id))
    if "name" not in changed:
        return
    customer.name_key = fold(customer.name)[:200]
    customer.pinyin, tokens = customer_document(customer.name)
    number = document_number(CUSTOMER_KIND, customer.id)
    remove_documents(connection, [number])
    if tokens:
        add_documents(connection, [(number, tokens)])


@event.listens_for(Customer, "after_update")
def keep_correction(_mapper: Mapper[Any], connection: Connection, customer: Customer) -> None:
    """Keep changed fields as delivered by a person, so that imports do not take them back (CU-01)."""
    changed = _changed(customer)
    if not changed:
        return
    mine = (CustomerSource.source == CORRECTION, CustomerSource.source_key == str(customer.id))
    before = connection.execute(select(CustomerSource.id, CustomerSource.delivered).where(*mine)).first()
    said = {**((before.delivered or {}) if before else {}), **changed}
    moment = datetime.now(UTC)
    if before is not None:
        connection.execute(update(CustomerSource).where(*mine).values(delivered=said, delivered_at=moment))
        return
    row = {"customer_id": customer.id, "source": CORRECTION, "source_key": str(customer.id)}
    connection.execute(insert(CustomerSource).values(**row, delivered=said, delivered_at=moment))


def _changed(customer: Customer) -> dict[str, Any]:
    """Return the changed fields that sources deliver, as they deliver them."""
    state: Any = inspect(customer)
    return {name: stored_form(getattr(customer, name)) for name in FIELDS if state.attrs[name].history.has_changes()}
