"""Account managers named by file rows: the staff code is the key, names repeat (T9-17)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from core.api import Chunk, Entry, fetch_in
from plugins.crm_customers.models import AccountManager

_COLUMNS = ("id", "code", "name", "branch_id", "active", "created_at", "changed_at", "created_batch_id")


def managed(chunk: Chunk, entries: Sequence[Entry]) -> list[tuple[Entry, int]]:
    """Return the entries that name a manager, each with the manager's id; unknown managers are made.

    A manager without a code is known by branch and name.
    """
    known: dict[str, int] = chunk.memory.setdefault("managers", {})
    named = [(entry, code) for entry in entries if (code := _code_of(entry)) is not None]
    missing = {code: entry for entry, code in named if code not in known}
    if missing:
        _find_or_make(chunk, missing, known)
    return [(entry, known[code]) for entry, code in named]


def _find_or_make(chunk: Chunk, wanted: dict[str, Entry], known: dict[str, int]) -> None:
    sql = "SELECT code, id FROM crm_customers_account_manager WHERE code IN {values}"
    known.update(dict(map(tuple, fetch_in(chunk.connection, sql, list(wanted)))))
    missing = [code for code in wanted if code not in known]
    table: Any = AccountManager.__table__
    now, batch = chunk.batch.now, chunk.batch.id
    rows = []
    for code, row_id in zip(missing, chunk.take_ids(table, len(missing)), strict=True):
        entry = wanted[code]
        rows.append((row_id, code, entry.get("manager_name") or "", entry.group.branch_id, True, now, now, batch))
        known[code] = row_id
    chunk.insert(table, _COLUMNS, rows)


def _code_of(entry: Entry) -> str | None:
    code, name = entry.get("manager_code"), entry.get("manager_name")
    if code:
        return str(code)
    return f"{entry.group.branch_id}:{name}" if name else None
