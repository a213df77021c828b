"""Which delivery wins a field: a person's correction, else the source of highest priority, else the newest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from core.api import Chunk, Entry, canonical, document_number, fetch_in
from core.values.text import fold
from plugins.crm_customers.search import CUSTOMER_KIND, customer_document

_FIELDS = (
    "name", "sex", "birth_on", "occupation", "income", "industry_code", "ownership_code", "origin", "channel",
    "credit", "lost_to", "swept_on",
)  # fmt: skip
CORRECTION = "correction"
"""Source of values that a person set; they win until released."""
PRIORITY = {CORRECTION: 100, "core": 50}
"""Priority of sources; others have 10 (architecture: a person's correction wins, then the source)."""


@dataclass(frozen=True)
class FieldChange:
    """A field of a known customer that a delivery changes."""

    customer_id: int
    row_no: int
    name: str
    old: Any
    new: Any

    def columns(self) -> tuple[tuple[str, ...], tuple[Any, ...]]:
        """Return the columns to write and their values; a name also moves its keys."""
        if self.name == "name":
            return ("name", "name_key", "pinyin"), (self.new, fold(self.new), customer_document(self.new)[0])
        return (self.name,), (self.new,)


def winning_values(chunk: Chunk, entries: Sequence[Entry], managers: dict[int | None, int]) -> Iterator[FieldChange]:
    """Yield what the entries change on customers that are known.

    Args:
        chunk: The chunk.
        entries: Deliveries, the later wins among equals.
        managers: Manager id by customer id.
    """
    by_customer: dict[int, list[Entry]] = {}
    for entry in entries:
        by_customer.setdefault(entry.row_id or 0, []).append(entry)
    ids = list(by_customer)
    listed = ", ".join(("id", *_FIELDS, "manager_id"))
    sql = f"SELECT {listed} FROM crm_customers_customer WHERE id IN {{values}}"  # noqa: S608 -- constants
    stored = {row[0]: row[1:] for row in fetch_in(chunk.connection, sql, ids)}
    rivals = _rivals(chunk, ids)
    for customer_id, deliveries in by_customer.items():
        current = stored.get(customer_id)
        if current is None:
            continue
        for name, old in zip(_FIELDS, current[:-1], strict=True):
            change = _field_change(chunk, customer_id, name, old, deliveries, rivals.get(customer_id, ()))
            if change is not None:
                _reindex(chunk, change)
                yield change
        manager_id = managers.get(customer_id)
        if manager_id is not None and current[-1] is None:
            yield FieldChange(customer_id, deliveries[-1].row_no, "manager_id", None, manager_id)


def _field_change(
    chunk: Chunk,
    customer_id: int,
    name: str,
    old: Any,
    deliveries: Sequence[Entry],
    rivals: Sequence[tuple[str, dict[str, Any]]],
) -> FieldChange | None:
    kind = "date" if name == "birth_on" else "text"
    for entry in reversed(deliveries):
        new = entry.get(name)
        if new is None:
            continue
        before = canonical(kind, old)
        if new == before:
            return None
        own = PRIORITY.get(chunk.batch.source, 10)
        beaten = any(PRIORITY.get(source, 10) > own and values.get(name) is not None for source, values in rivals)
        return None if beaten else FieldChange(customer_id, entry.row_no, name, before, new)
    return None


def _rivals(chunk: Chunk, ids: Sequence[int]) -> dict[int, list[tuple[str, dict[str, Any]]]]:
    sql = (
        "SELECT customer_id, source, delivered FROM crm_customers_customer_source "
        "WHERE source <> ? AND customer_id IN {values}"
    )
    found: dict[int, list[tuple[str, dict[str, Any]]]] = {}
    for customer_id, source, delivered in fetch_in(chunk.connection, sql, ids, chunk.batch.source):
        found.setdefault(customer_id, []).append((source, canonical("json", delivered) or {}))
    return found


def _reindex(chunk: Chunk, change: FieldChange) -> None:
    if change.name == "name":
        _, tokens = customer_document(change.new)
        chunk.index_document(document_number(CUSTOMER_KIND, change.customer_id), tokens, is_new=bool(not change.old))
