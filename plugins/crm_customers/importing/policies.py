"""Import of policies, terms, covers and endorsements."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from core.api import Chunk, Entry, ImportTarget, Reader, canonical, fetch_in
from plugins.crm_customers.exposure import is_cancellation
from plugins.crm_customers.importing.managers import managed
from plugins.crm_customers.importing.readers import last_day
from plugins.crm_customers.models import InsuredItem, Policy

LAST_DAY = Reader(("start_on", "end_on"), ("end_on",), last_day)
_ITEM = ("id", "term_id", "vehicle_id", "branch_id", "created_batch_id")


class PolicyTarget(ImportTarget):
    """Writes policies with holder, insured and account manager."""

    model_id: ClassVar[str] = "crm_customers.policy"
    links: ClassVar[tuple[str, ...]] = ("holder", "insured")
    defaults: ClassVar[dict[str, Any]] = {"currency": "CNY"}
    own_columns: ClassVar[tuple[str, ...]] = (*ImportTarget.own_columns, "state", "manager_id")
    key_column: ClassVar[str] = "policy_no"
    reader: ClassVar[Reader | None] = LAST_DAY

    def own_values(self, chunk: Chunk, entry: Entry) -> tuple[Any, ...]:
        """Return source, key, state and account manager of a new policy."""
        return chunk.batch.source, entry.key, "active", entry.linked_ids.get("manager")

    def load(self, chunk: Chunk, entries: Sequence[Entry]) -> None:
        """Write the policies; each needs a holder, which the row's customer is unless the profile says otherwise."""
        for entry, manager_id in managed(chunk, entries):
            entry.link("manager", manager_id)
        super().load(chunk, entries)


class PolicyTermTarget(ImportTarget):
    """Writes insured periods, with the vehicle as the insured item."""

    model_id: ClassVar[str] = "crm_customers.policy_term"
    links: ClassVar[tuple[str, ...]] = ("policy", "vehicle")
    defaults: ClassVar[dict[str, Any]] = {"premium": 0}
    reader: ClassVar[Reader | None] = LAST_DAY

    def load(self, chunk: Chunk, entries: Sequence[Entry]) -> None:
        """Write the terms and their insured items."""
        super().load(chunk, entries)
        self._items(chunk, [entry for entry in entries if entry.linked_ids.get("vehicle")])

    def _items(self, chunk: Chunk, entries: Sequence[Entry]) -> None:
        known: set[tuple[int, int]] = set()
        old = [entry.row_id for entry in entries if entry.state != "new"]
        if old:
            sql = (
                "SELECT term_id, vehicle_id FROM crm_customers_insured_item "
                "WHERE vehicle_id IS NOT NULL AND term_id IN {values}"
            )
            known = set(map(tuple, fetch_in(chunk.connection, sql, old)))
        wanted = {}
        for entry in entries:
            pair = (entry.row_id, entry.linked_ids["vehicle"])
            if pair not in known:
                wanted[pair] = entry
        table: Any = InsuredItem.__table__
        rows = [
            (row_id, *pair, entry.group.branch_id, chunk.batch.id)
            for (pair, entry), row_id in zip(wanted.items(), chunk.take_ids(table, len(wanted)), strict=True)
        ]
        chunk.insert(table, _ITEM, rows)


class CoverTarget(ImportTarget):
    """Writes covers of terms; a term has each kind once."""

    model_id: ClassVar[str] = "crm_customers.cover"
    links: ClassVar[tuple[str, ...]] = ("term",)

    def look_up(self, chunk: Chunk, source: str, keys: Sequence[str]) -> Iterable[tuple[str, int, Any]]:
        """Covers have no key of their own."""
        return ()

    def load(self, chunk: Chunk, entries: Sequence[Entry]) -> None:
        """Write the covers of new terms, and what changed on known ones."""
        terms = {entry.linked_ids.get("term") for entry in entries}
        sql = "SELECT term_id, kind, id, sum_insured, premium FROM crm_customers_cover WHERE term_id IN {values}"
        known = {(row[0], row[1]): row[2:] for row in fetch_in(chunk.connection, sql, list(terms))}
        latest = {(entry.linked_ids.get("term"), entry.get("kind")): entry for entry in entries}
        fresh = [(key, entry) for key, entry in latest.items() if key not in known]
        rows = [
            (
                row_id,
                key[0],
                key[1],
                entry.get("sum_insured"),
                entry.get("premium"),
                entry.group.branch_id,
                chunk.batch.id,
            )
            for (key, entry), row_id in zip(fresh, chunk.take_ids(self.table, len(fresh)), strict=True)
        ]
        chunk.insert(
            self.table, ("id", "term_id", "kind", "sum_insured", "premium", "branch_id", "created_batch_id"), rows
        )
        for key, entry in latest.items():
            if key in known:
                self._change(chunk, entry, known[key])

    def _change(self, chunk: Chunk, entry: Entry, stored: Sequence[Any]) -> None:
        for name, old in zip(("sum_insured", "premium"), stored[1:], strict=True):
            new = entry.get(name)
            if new is not None and new != old:
                chunk.note_change(entry.row_no, self.model.id, stored[0], name, old, new)
                chunk.update(self.table, (name,), (new, stored[0]))


class EndorsementTarget(ImportTarget):
    """Writes endorsements; a cancellation ends its policy on the endorsement's day (T9-15)."""

    model_id: ClassVar[str] = "crm_customers.endorsement"
    links: ClassVar[tuple[str, ...]] = ("policy",)
    branch_link: ClassVar[str] = "policy"
    defaults: ClassVar[dict[str, Any]] = {"premium_change": 0}
    key_column: ClassVar[str] = "endorsement_no"

    def load(self, chunk: Chunk, entries: Sequence[Entry]) -> None:
        """Write the endorsements and end cancelled policies."""
        super().load(chunk, entries)
        ended = {
            entry.linked_ids.get("policy"): entry
            for entry in entries
            if is_cancellation(entry.get("kind")) and entry.get("effective_on")
        }
        sql = "SELECT id, state, cancelled_on FROM crm_customers_policy WHERE id IN {values}"
        for policy_id, state, cancelled_on in fetch_in(chunk.connection, sql, [key for key in ended if key]):
            entry = ended[policy_id]
            day = entry.get("effective_on")
            if state != "cancelled" or canonical("date", cancelled_on) != day:
                chunk.note_change(entry.row_no, "crm_customers.policy", policy_id, "state", state, "cancelled")
                chunk.note_change(
                    entry.row_no,
                    "crm_customers.policy",
                    policy_id,
                    "cancelled_on",
                    canonical("date", cancelled_on),
                    day,
                )
                chunk.update(Policy.__table__, ("state", "cancelled_on"), ("cancelled", day, policy_id))  # type: ignore[arg-type]  # a mapped class's table is a Table
