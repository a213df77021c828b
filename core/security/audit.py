"""The audit trail: append-only lines, chained by hash per branch, written in the transaction of what they tell."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import DDL, event, select

from core.db.base import utc_now
from core.db.session import ScopedSession
from core.security.models import AuditEntry, AuditHead

START = bytes(32)
"""Previous hash of the first line of a chain."""
INSTALLATION = 0
"""Chain of what belongs to no branch."""

APPEND_ONLY: dict[str, tuple[str, ...]] = {
    "sqlite": (
        "CREATE TRIGGER IF NOT EXISTS core_audit_entry_update BEFORE UPDATE ON core_audit_entry "
        "BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END",
        "CREATE TRIGGER IF NOT EXISTS core_audit_entry_delete BEFORE DELETE ON core_audit_entry "
        "BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END",
    ),
    "postgresql": (
        "CREATE OR REPLACE FUNCTION core_audit_entry_guard() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'the audit trail is append-only'; END $$",
        "CREATE TRIGGER core_audit_entry_guard BEFORE UPDATE OR DELETE OR TRUNCATE ON core_audit_entry "
        "FOR EACH STATEMENT EXECUTE FUNCTION core_audit_entry_guard()",
    ),
}
"""Statements per database that make the table refuse changes; run by the migration and by ``create_all``."""

for _dialect, _statements in APPEND_ONLY.items():
    for _statement in _statements:
        _guard = DDL(_statement)  # type: ignore[no-untyped-call]  # SQLAlchemy leaves it untyped
        event.listen(AuditEntry.__table__, "after_create", _guard.execute_if(dialect=_dialect))


@dataclass(frozen=True)
class Fault:
    """A place where a chain is broken."""

    branch_id: int | None
    entry_id: int | None
    problem: str


def record(
    session: ScopedSession,
    action: str,
    model: str | None = None,
    row_id: int | None = None,
    detail: Mapping[str, Any] | None = None,
    branch_id: int | None = None,
) -> AuditEntry:
    """Write one line in the session's transaction.

    Args:
        session: A write session; its actor is the one who did it.
        action: What was done, ``<noun>.<verb>``.
        model: Model id of the thing done to.
        row_id: Its identity.
        detail: Facts as JSON values; never clear personal data.
        branch_id: The branch; default the actor's home branch.
    """
    actor = session.actor
    chain = branch_id or (actor.home_branch_id if actor else None) or INSTALLATION
    facts = json.loads(json.dumps({**(detail or {}), **_reason(session)}, default=str))
    head = _locked_head(session, chain)
    entry = AuditEntry(
        at=utc_now(),
        actor_id=actor.user_id if actor else None,
        actor_name=actor.name if actor else "",
        branch_id=chain or None,
        action=action,
        model=model or "",
        row_id=row_id,
        detail=facts,
        request_id=str(session.info.get("request_id", "")),
        previous_hash=head.hash,
    )
    entry.hash = _hash_of(entry)
    session.add(entry)
    head.entries += 1
    head.hash = entry.hash
    session.flush()
    return entry


def verify(session: ScopedSession) -> list[Fault]:
    """Recompute all chains; an empty list means that nothing was altered, removed, added or reordered."""
    ends: dict[int, tuple[bytes, int]] = {}
    faults = []
    entries = session.scalars(
        select(AuditEntry).order_by(AuditEntry.id).execution_options(yield_per=1000, populate_existing=True)
    )
    for entry in entries:
        chain = entry.branch_id or INSTALLATION
        expected, number = ends.get(chain, (START, 0))
        if entry.previous_hash != expected:
            faults.append(Fault(entry.branch_id, entry.id, "does not follow the line before it"))
        if entry.hash != _hash_of(entry):
            faults.append(Fault(entry.branch_id, entry.id, "was altered"))
        ends[chain] = (entry.hash, number + 1)
    return faults + _head_faults(session, ends)


def _head_faults(session: ScopedSession, ends: dict[int, tuple[bytes, int]]) -> list[Fault]:
    heads = {head.chain: (head.hash, head.entries) for head in session.scalars(select(AuditHead))}
    return [
        Fault(chain or None, None, "does not end where it should")
        for chain in sorted(heads.keys() | ends.keys())
        if heads.get(chain) != ends.get(chain)
    ]


def _locked_head(session: ScopedSession, chain: int) -> AuditHead:
    query = select(AuditHead).where(AuditHead.chain == chain).with_for_update()
    head = session.scalar(query.execution_options(populate_existing=True))
    if head is None:
        head = AuditHead(chain=chain, entries=0, hash=START)
        session.add(head)
    return head


def _reason(session: ScopedSession) -> dict[str, str]:
    actor = session.actor
    return {"reason": actor.reason} if actor and actor.reason else {}


def _hash_of(entry: AuditEntry) -> bytes:
    content = [
        _instant(entry.at),
        entry.actor_id,
        entry.actor_name,
        entry.branch_id,
        entry.action,
        entry.model,
        entry.row_id,
        entry.detail,
        entry.request_id,
    ]
    text = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(entry.previous_hash + text.encode()).digest()


def _instant(at: datetime) -> str:
    return at.isoformat(timespec="microseconds")
