"""Account managers named by file rows: the staff code is the key, names repeat (T9-17)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from core.api import Chunk, Entry, fetch_in
from plugins.crm_customers.models import AccountManager

_COLUMNS = ("id", "code", "name", "branch_id", "active", "created_at", "changed_at", "created_batch_id")


def manager_ids(chunk: Chunk, entries: Sequence[Entry]) -> dict[int | None, int]:
    """Return the manager of each entry's row id; unknown managers are made."""
    known = managers_by_code(chunk, entries)
    return {entry.row_id: known[code] for entry in entries if (code := manager_code(entry)) is not None}


def managers_by_code(chunk: Chunk, entries: Sequence[Entry]) -> dict[str, int]:
    """Return the managers known so far, those of the entries among them; unknown managers are made.

    A manager without a code is known by branch and name.
    """
    known: dict[str, int] = chunk.memory.setdefault("managers", {})
    wanted = {code: entry for entry in entries if (code := manager_code(entry)) is not None}
    missing = [code for code in wanted if code not in known]
    if missing:
        sql = "SELECT code, id FROM crm_customers_account_manager WHERE code IN {values}"
        known.update(dict(map(tuple, fetch_in(chunk.connection, sql, missing))))
        missing = [code for code in missing if code not in known]
        table: Any = AccountManager.__table__
        now, batch = chunk.batch.now, chunk.batch.id
        rows = []
        for code, row_id in zip(missing, chunk.take_ids(table, len(missing)), strict=True):
            entry = wanted[code]
            rows.append(
                (row_id, code, entry.values.get("manager_name") or "", entry.group.branch_id, True, now, now, batch)
            )
            known[code] = row_id
        chunk.insert(table, _COLUMNS, rows)
    return known


def manager_code(entry: Entry) -> str | None:
    """Return the code by which a row's manager is known."""
    code, name = entry.values.get("manager_code"), entry.values.get("manager_name")
    if code:
        return str(code)
    return f"{entry.group.branch_id}:{name}" if name else None
