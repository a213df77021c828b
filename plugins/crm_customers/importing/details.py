"""What hangs on a customer: identities, contact points, addresses, branch relations, marks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from core.api import Chunk, Entry, fetch_in
from core.values.masks import mask_phone, mask_resident_id
from core.values.text import fold
from plugins.crm_customers.importing.person import CONTACT_PLACE, ID_PLACE, Document, Number
from plugins.crm_customers.models import Address, ContactPoint, CustomerBranch, CustomerIdentity, CustomerMark

_DATED = ("since", "source", "batch_id", "batch_row", "created_batch_id")
_IDENTITY = ("id", "customer_id", "kind", "number_sealed", "number_index", "masked", "valid", "problem", *_DATED)
_CONTACT = ("id", "customer_id", "kind", "value_sealed", "value_index", "masked", "tail", "extension", *_DATED)
_ADDRESS = (
    "id", "customer_id", "text", "province", "city", "county", "street", "detail", "division_code", "complete", *_DATED,
)  # fmt: skip
_RELATION = ("customer_id", "branch_id", "role", "since", "created_batch_id")
_MARK = ("customer_id", "kind", "value", "since", "source", "created_batch_id")
MARKS = {"intention": "intention", "blacklisted": "blacklist"}
"""Delivered field -> kind of mark it sets; a mark from a source counts as approved by that source."""


class CustomerDetails:
    """Writes the details of the customers of one chunk.

    Args:
        chunk: The chunk.
        fresh: New customers by id: nothing of theirs is stored yet.
    """

    def __init__(self, chunk: Chunk, fresh: dict[int, Entry]) -> None:
        self.chunk = chunk
        self.fresh = fresh

    def write(self, entries: Sequence[Entry], changed: Sequence[Entry]) -> None:
        """Write relations of all entries, and the other details of those whose delivery is new or changed."""
        self._relations(entries)
        self._identities(changed)
        self._contacts(changed)
        self._addresses(changed)
        self._marks(changed)

    def _known(self, entries: Sequence[Entry], columns: str, table: str) -> set[tuple[Any, ...]]:
        ids = {entry.row_id for entry in entries if entry.row_id not in self.fresh}
        sql = f"SELECT customer_id, {columns} FROM {table} WHERE customer_id IN {{values}}"  # noqa: S608 -- constants
        return {
            tuple(bytes(cell) if isinstance(cell, memoryview) else cell for cell in row)
            for row in fetch_in(self.chunk.connection, sql, list(ids))
        }

    def _dated(self, entry: Entry) -> tuple[Any, ...]:
        batch = self.chunk.batch
        return (batch.day.isoformat(), batch.source, batch.id, entry.row_no, batch.id)

    def _relations(self, entries: Sequence[Entry]) -> None:
        known = self._known(entries, "branch_id", "crm_customers_customer_branch")
        rows: dict[tuple[int, int], tuple[Any, ...]] = {}
        day = self.chunk.batch.day.isoformat()
        for entry in entries:
            pair = (entry.row_id or 0, entry.group.branch_id)
            if pair not in known and pair not in rows:
                rows[pair] = (*pair, "owner", day, self.chunk.batch.id)
        self.chunk.insert(CustomerBranch.__table__, _RELATION, rows.values())  # type: ignore[arg-type]  # a mapped class's table is a Table

    def _identities(self, entries: Sequence[Entry]) -> None:
        with_document = [entry for entry in entries if entry.reading.document is not None]
        known = self._known(with_document, "number_index", "crm_customers_customer_identity")
        wanted: dict[tuple[Any, ...], Entry] = {}
        for entry in with_document:
            key = (entry.row_id, entry.reading.document.index)
            if key not in known:
                wanted.setdefault(key, entry)
        table: Any = CustomerIdentity.__table__
        rows = []
        for entry, row_id in zip(wanted.values(), self.chunk.take_ids(table, len(wanted)), strict=True):
            found: Document = entry.reading.document
            sealed = self.chunk.vault.seal(found.number, ID_PLACE, row_id)
            masked = found.number if found.kind == "uscc" else mask_resident_id(found.number)
            rows.append(
                (
                    row_id,
                    entry.row_id,
                    found.kind,
                    sealed,
                    found.index,
                    masked,
                    found.valid,
                    found.problem,
                    *self._dated(entry),
                )
            )
        self.chunk.insert(table, _IDENTITY, rows)

    def _contacts(self, entries: Sequence[Entry]) -> None:
        with_numbers = [entry for entry in entries if entry.reading.numbers]
        known = self._known(with_numbers, "value_index", "crm_customers_contact_point")
        wanted: dict[tuple[Any, ...], tuple[Entry, Number]] = {}
        for entry in with_numbers:
            for number in entry.reading.numbers:
                key = (entry.row_id, number.index)
                if key not in known:
                    wanted.setdefault(key, (entry, number))
        table: Any = ContactPoint.__table__
        rows = []
        for (entry, number), row_id in zip(wanted.values(), self.chunk.take_ids(table, len(wanted)), strict=True):
            sealed = self.chunk.vault.seal(number.value, CONTACT_PLACE, row_id)
            tail = number.value[-4:] if number.value[-4:].isdigit() else None
            rows.append(
                (
                    row_id,
                    entry.row_id,
                    number.kind,
                    sealed,
                    number.index,
                    _masked(number),
                    tail,
                    number.extension or None,
                    *self._dated(entry),
                )
            )
        self.chunk.insert(table, _CONTACT, rows)

    def _addresses(self, entries: Sequence[Entry]) -> None:
        placed = [entry for entry in entries if entry.reading.place is not None]
        known = {(row[0], fold(row[1])) for row in self._known(placed, "text", "crm_customers_address")}
        wanted: dict[tuple[Any, ...], Entry] = {}
        for entry in placed:
            key = (entry.row_id, entry.reading.place.folded)
            if key not in known:
                wanted.setdefault(key, entry)
        table: Any = Address.__table__
        ids = self.chunk.take_ids(table, len(wanted))
        rows = [
            (row_id, entry.row_id, entry.get("address")[:300], *entry.reading.place[1:], *self._dated(entry))
            for entry, row_id in zip(wanted.values(), ids, strict=True)
        ]
        self.chunk.insert(table, _ADDRESS, rows)

    def _marks(self, entries: Sequence[Entry]) -> None:
        batch = self.chunk.batch
        rows = {
            (entry.row_id, kind): (entry.row_id, kind, "yes", batch.day.isoformat(), batch.source, batch.id)
            for entry in entries
            for field, kind in MARKS.items()
            if entry.get(field)
        }
        if rows:
            known = set(self._known(entries, "kind", "crm_customers_customer_mark"))
            fresh = [row for key, row in rows.items() if key not in known]
            self.chunk.insert(CustomerMark.__table__, _MARK, fresh)  # type: ignore[arg-type]  # a mapped class's table is a Table


def _masked(number: Number) -> str:
    if number.kind == "email":
        name, _, host = number.value.partition("@")
        return f"{name[:1]}***@{host}"
    return number.value if number.kind == "service" else mask_phone(number.value)
