"""The audit trail: append-only lines, chained by hash per branch, written in the transaction of what they tell."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

from sqlalchemy import DDL, event, func, select

from core.db.base import utc_now
from core.db.session import ScopedSession
from core.security.models import AuditEntry, AuditHead

START = bytes(32)
"""Previous hash of the first line of a chain."""
MOST_NAMED = 20
"""Missing lines named at one break."""
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


def verify(session: ScopedSession, anchors: Mapping[int, tuple[int, bytes]] = MappingProxyType({})) -> list[Fault]:
    """Recompute all chains; an empty list means that nothing was altered, removed, added or reordered.

    Args:
        session: A session of a system actor.
        anchors: Ends known from elsewhere, chain -> (lines, hash): who rewrote a chain from some line on cannot have
            rewritten them.
    """
    reached: dict[int, _Reached] = {}
    faults, seen = [], 0
    missing: list[int] = []
    entries = session.scalars(
        select(AuditEntry).order_by(AuditEntry.id).execution_options(yield_per=1000, populate_existing=True)
    )
    for entry in entries:
        missing += range(seen + 1, entry.id)
        seen = entry.id
        chain = entry.branch_id or INSTALLATION
        before = reached.setdefault(chain, _Reached())
        if entry.previous_hash != before.hash:
            gone = [str(number) for number in missing if number > before.entry_id]
            lost = f"; missing before it: {', '.join(gone[-MOST_NAMED:])}" if gone else ""
            faults.append(Fault(entry.branch_id, entry.id, f"does not follow the line before it{lost}"))
        if entry.hash != _hash_of(entry):
            faults.append(Fault(entry.branch_id, entry.id, "was altered"))
        reached[chain] = after = _Reached(entry.hash, before.number + 1, entry.id)
        if chain in anchors and anchors[chain][0] == after.number and anchors[chain][1] != after.hash:
            faults.append(Fault(entry.branch_id, entry.id, "is not the line that was anchored"))
    short = [chain for chain, (number, _) in anchors.items() if reached.get(chain, _Reached()).number < number]
    faults += [Fault(chain or None, None, "ends before the anchored line") for chain in short]
    return faults + _head_faults(session, {chain: (at.number, at.hash) for chain, at in reached.items()})


def ends(session: ScopedSession) -> dict[int, tuple[int, bytes]]:
    """Return the end of each chain: chain -> (lines, hash of the last); chain 0 belongs to no branch."""
    return {head.chain: (head.entries, head.hash) for head in session.scalars(select(AuditHead))}


def length(session: ScopedSession) -> int:
    """Return the number of lines."""
    return int(session.scalar(select(func.count(AuditEntry.id))) or 0)


@dataclass(frozen=True)
class _Reached:
    """How far the check of one chain got."""

    hash: bytes = START
    number: int = 0
    entry_id: int = 0


def _head_faults(session: ScopedSession, reached: Mapping[int, tuple[int, bytes]]) -> list[Fault]:
    heads = ends(session)
    return [
        Fault(chain or None, None, "does not end where it should")
        for chain in sorted(heads.keys() | reached.keys())
        if heads.get(chain) != reached.get(chain)
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
    if actor is None:
        return {}
    return {name: text for name, text in (("reason", actor.reason), ("token", actor.token)) if text}


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
