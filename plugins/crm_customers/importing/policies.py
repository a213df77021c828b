"""Import of policies, terms, covers and endorsements."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from functools import lru_cache
from typing import Any, ClassVar

from core.api import Chunk, Entry, ImportTarget, InvalidValueError, canonical, fetch_in
from core.values.dates import add_years, last_day_of_cover
from plugins.crm_customers.exposure import is_cancellation
from plugins.crm_customers.importing.managers import managed
from plugins.crm_customers.models import InsuredItem, Policy

_ITEM = ("id", "term_id", "vehicle_id", "branch_id", "created_batch_id")


def set_last_day(values: dict[str, Any]) -> None:
    """Turn the end of a cover into its last day: the same day a year later is exclusive, a missing end is one year.

    Source: domain facts 5.2 (T5-3), 11 rows 4 and 5.
    """
    if (start := values.get("start_on")) is not None:
        values["end_on"] = _last_day(start, values.get("end_on"))


@lru_cache(maxsize=10_000)
def _last_day(start_on: str, end_on: str | None) -> str:
    start = date.fromisoformat(start_on)
    if end_on is None:
        return (add_years(start, 1) - timedelta(days=1)).isoformat()
    return last_day_of_cover(start, date.fromisoformat(end_on)).isoformat()


def set_last_days(entries: Sequence[Entry]) -> None:
    """Set the last days of covers; a row whose end is before its start is rejected."""
    for entry in entries:
        try:
            set_last_day(entry.values)
        except InvalidValueError as error:
            entry.group.error = entry.group.error or error


class PolicyTarget(ImportTarget):
    """Writes policies with holder, insured and account manager."""

    model_id: ClassVar[str] = "crm_customers.policy"
    links: ClassVar[tuple[str, ...]] = ("holder", "insured")
    defaults: ClassVar[dict[str, Any]] = {"currency": "CNY"}
    own_columns: ClassVar[tuple[str, ...]] = (*ImportTarget.own_columns, "state", "manager_id")

    def own_values(self, chunk: Chunk, entry: Entry) -> tuple[Any, ...]:
        """Return source, key, state and account manager of a new policy."""
        return chunk.batch.source, entry.key, "active", entry.linked_ids.get("manager")

    def prepare(self, entries: Sequence[Entry]) -> None:
        """Set the last days."""
        set_last_days(entries)

    def load(self, chunk: Chunk, entries: Sequence[Entry]) -> None:
        """Write the policies; each needs a holder, which the row's customer is unless the profile says otherwise."""
        for entry in entries:
            if not entry.values.get("policy_no"):
                entry.values["policy_no"] = entry.key
        for entry, manager_id in managed(chunk, entries):
            entry.linked_ids["manager"] = manager_id
        super().load(chunk, entries)


class PolicyTermTarget(ImportTarget):
    """Writes insured periods, with the vehicle as the insured item."""

    model_id: ClassVar[str] = "crm_customers.policy_term"
    links: ClassVar[tuple[str, ...]] = ("policy", "vehicle")
    defaults: ClassVar[dict[str, Any]] = {"premium": 0}

    def prepare(self, entries: Sequence[Entry]) -> None:
        """Set the last days."""
        set_last_days(entries)

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
        latest = {(entry.linked_ids.get("term"), entry.values.get("kind")): entry for entry in entries}
        fresh = [(key, entry) for key, entry in latest.items() if key not in known]
        rows = [
            (
                row_id,
                key[0],
                key[1],
                entry.values.get("sum_insured"),
                entry.values.get("premium"),
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
            new = entry.values.get(name)
            if new is not None and new != old:
                chunk.note_change(entry.row_no, self.model.id, stored[0], name, old, new)
                chunk.update(self.table, (name,), (new, stored[0]))


class EndorsementTarget(ImportTarget):
    """Writes endorsements; a cancellation ends its policy on the endorsement's day (T9-15)."""

    model_id: ClassVar[str] = "crm_customers.endorsement"
    links: ClassVar[tuple[str, ...]] = ("policy",)
    branch_link: ClassVar[str] = "policy"
    defaults: ClassVar[dict[str, Any]] = {"premium_change": 0}

    def load(self, chunk: Chunk, entries: Sequence[Entry]) -> None:
        """Write the endorsements and end cancelled policies."""
        for entry in entries:
            if not entry.values.get("endorsement_no"):
                entry.values["endorsement_no"] = entry.key
        super().load(chunk, entries)
        ended = {
            entry.linked_ids.get("policy"): entry
            for entry in entries
            if is_cancellation(entry.values.get("kind")) and entry.values.get("effective_on")
        }
        sql = "SELECT id, state, cancelled_on FROM crm_customers_policy WHERE id IN {values}"
        for policy_id, state, cancelled_on in fetch_in(chunk.connection, sql, [key for key in ended if key]):
            entry = ended[policy_id]
            day = entry.values["effective_on"]
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
