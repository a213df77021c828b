"""Import of claims and receivables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from core.api import Chunk, Entry, ImportTarget, Reader, canonical, fetch_in
from plugins.crm_customers.importing.readers import loss_day

LOSS_DAY = Reader(("loss_on", "loss_at"), ("loss_on",), loss_day)


class ClaimTarget(ImportTarget):
    """Writes claims; the term is found by the loss date where the file does not name it."""

    model_id: ClassVar[str] = "crm_customers.claim"
    links: ClassVar[tuple[str, ...]] = ("policy", "term", "vehicle")
    branch_link: ClassVar[str] = "policy"
    defaults: ClassVar[dict[str, Any]] = {"paid": 0, "outstanding": 0}
    key_column: ClassVar[str] = "claim_no"
    reader: ClassVar[Reader | None] = LOSS_DAY

    def load(self, chunk: Chunk, entries: Sequence[Entry]) -> None:
        """Write the claims."""
        self._find_terms(
            chunk, [entry for entry in entries if not entry.linked_ids.get("term") and entry.get("loss_on")]
        )
        super().load(chunk, entries)

    def _find_terms(self, chunk: Chunk, entries: Sequence[Entry]) -> None:
        policies = {entry.linked_ids.get("policy") for entry in entries}
        sql = "SELECT policy_id, id, start_on, end_on FROM crm_customers_policy_term WHERE policy_id IN {values}"
        terms: dict[int, list[tuple[int, str, str]]] = {}
        for policy_id, term_id, start_on, end_on in fetch_in(chunk.connection, sql, list(policies)):
            if start_on is not None and end_on is not None:
                terms.setdefault(policy_id, []).append(
                    (term_id, canonical("date", start_on), canonical("date", end_on))
                )
        for entry in entries:
            day = entry.get("loss_on")
            for term_id, start_on, end_on in terms.get(entry.linked_ids.get("policy") or 0, ()):
                if start_on <= day <= end_on:
                    entry.link("term", term_id)
                    break


class ReceivableTarget(ImportTarget):
    """Writes plan rows of premiums."""

    model_id: ClassVar[str] = "crm_customers.receivable"
    links: ClassVar[tuple[str, ...]] = ("policy",)
    branch_link: ClassVar[str] = "policy"
    defaults: ClassVar[dict[str, Any]] = {"amount_due": 0, "amount_paid": 0}


__all__ = ["ClaimTarget", "ReceivableTarget"]
