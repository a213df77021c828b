"""Clear text of values that are stored sealed; right, reason, limit and audit are the core's."""

from __future__ import annotations

from sqlalchemy import select

from core.api import ScopedSession, Vault
from plugins.crm_customers.models import ContactPoint, CustomerIdentity


def reveal_sealed(session: ScopedSession, model_id: str, row_id: int, field: str) -> str | None:
    """Return the clear text of a contact point or identity document, ``None`` for anything else.

    Args:
        session: Session of the person who asks, which knows the vault; the row rule decides what exists.
        model_id: Model id.
        row_id: The record.
        field: Name of the masked field.
    """
    if field != "masked":
        return None
    vault: Vault = session.info["vault"]
    if model_id == ContactPoint.__model__.id:
        sealed = session.scalar(select(ContactPoint.value_sealed).where(ContactPoint.id == row_id))
        return vault.open(sealed, ContactPoint.place, row_id) if sealed else None
    if model_id == CustomerIdentity.__model__.id:
        sealed = session.scalar(select(CustomerIdentity.number_sealed).where(CustomerIdentity.id == row_id))
        return vault.open(sealed, CustomerIdentity.place, row_id) if sealed else None
    return None
