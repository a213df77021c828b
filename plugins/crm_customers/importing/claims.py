"""Import of claims and receivables."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from core.api import Chunk, Entry, ImportTarget, canonical, fetch_in

_CHINA = ZoneInfo("Asia/Shanghai")


class ClaimTarget(ImportTarget):
    """Writes claims; the term is found by the loss date where the file does not name it."""

    model_id: ClassVar[str] = "crm_customers.claim"
    links: ClassVar[tuple[str, ...]] = ("policy", "term", "vehicle")
    branch_link: ClassVar[str] = "policy"
    defaults: ClassVar[dict[str, Any]] = {"paid": 0, "outstanding": 0}

    def load(self, chunk: Chunk, entries: Sequence[Entry]) -> None:
        """Write the claims."""
        for entry in entries:
            loss_at = entry.values.get("loss_at")
            if loss_at and not entry.values.get("loss_on"):
                instant = datetime.fromisoformat(loss_at).replace(tzinfo=UTC)
                entry.values["loss_on"] = instant.astimezone(_CHINA).date().isoformat()
            if not entry.values.get("claim_no"):
                entry.values["claim_no"] = entry.key
        self._find_terms(
            chunk, [entry for entry in entries if not entry.linked_ids.get("term") and entry.values.get("loss_on")]
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
            day = entry.values["loss_on"]
            for term_id, start_on, end_on in terms.get(entry.linked_ids.get("policy") or 0, ()):
                if start_on <= day <= end_on:
                    entry.linked_ids["term"] = term_id
                    break


class ReceivableTarget(ImportTarget):
    """Writes plan rows of premiums."""

    model_id: ClassVar[str] = "crm_customers.receivable"
    links: ClassVar[tuple[str, ...]] = ("policy",)
    branch_link: ClassVar[str] = "policy"
    defaults: ClassVar[dict[str, Any]] = {"amount_due": 0, "amount_paid": 0}


__all__ = ["ClaimTarget", "ReceivableTarget"]
