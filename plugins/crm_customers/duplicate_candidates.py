"""Finding customers that may be one: stored for a person to decide, never merged by themselves (CU-19)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, select

from core.api import JobContext, ScopedSession, canonical, encode_json, fetch_in, insert_rows, system_actor, utc_now
from core.values.text import fold
from plugins.crm_customers.company_names import company_core
from plugins.crm_customers.models import Customer, DuplicateCandidate

WEIGHTS = {"name": 40, "core_name": 40, "birth": 40, "phone": 30, "address": 20}
"""Weight of each agreement; a name alone is never enough (domain facts 9.2)."""
CHUNK = 5_000
MOST_NAMESAKES = 500
"""Groups of one name beyond this are a placeholder such as 先生, not a person."""

_NAMESAKES = """SELECT id, kind, name, name_key, birth_on FROM crm_customers_customer
    WHERE merged_into_id IS NULL AND name_key <> '' AND kind = 'person' AND name_key IN {values}"""
_ORGANISATIONS = select(Customer.id, Customer.name).where(
    Customer.kind == "organisation", Customer.merged_into_id.is_(None), Customer.name != ""
)
_TAILS = (
    "SELECT customer_id, value_index FROM crm_customers_contact_point WHERE until IS NULL AND customer_id IN {values}"
)
_PLACES = "SELECT customer_id, text FROM crm_customers_address WHERE until IS NULL AND customer_id IN {values}"
_DOCUMENTS = (
    "SELECT customer_id, number_index FROM crm_customers_customer_identity WHERE valid AND customer_id IN {values}"
)
_KNOWN = "SELECT first_id, second_id FROM crm_customers_duplicate_candidate WHERE first_id IN {values}"
_COLUMNS = ("first_id", "second_id", "score", "reasons", "state", "found_at", "created_batch_id")


@dataclass
class _Party:
    """A customer with what it may agree on with another."""

    id: int
    birth_on: Any = None
    numbers: set[bytes] = field(default_factory=set)
    places: set[str] = field(default_factory=set)
    documents: set[bytes] = field(default_factory=set)


def find_for_batch(context: JobContext) -> dict[str, object]:
    """Look for candidates among the customers that a batch made, chunk by chunk."""
    batch_id, found, after = int(context.payload["batch"]), 0, 0
    while not context.cancelled():
        with context.suite.database.write(system_actor("duplicate candidates")) as session:
            made = select(Customer.id).where(Customer.created_batch_id == batch_id, Customer.id > after)
            ids = list(session.scalars(made.order_by(Customer.id).limit(CHUNK)))
            if not ids:
                break
            found += find_candidates(session, ids, batch_id)
        after = ids[-1]
    return {"found": found}


def find_candidates(session: ScopedSession, customer_ids: Sequence[int], batch_id: int | None = None) -> int:
    """Store the pairs in which at least one of the given customers takes part.

    Persons: the same name, and the same birthday, number or address. Organisations: the same core of the name. Two
    valid documents that differ prove two customers.

    Args:
        session: A write session; candidates are found across branches, whatever its actor may see.
        customer_ids: The customers looked at, at most some thousands.
        batch_id: The batch that brought them, for undo.

    Returns:
        Number of new pairs.
    """
    connection = session.connection()
    groups = [("name", group) for group in _same_names(connection, customer_ids)]
    groups += [("core_name", group) for group in _same_cores(connection, customer_ids)]
    parties = _parties(connection, groups)
    wanted, pairs = set(customer_ids), {}
    for reason, group in groups:
        members = [parties[number] for number, _birth in group]
        for place, one in enumerate(members):
            for other in members[place + 1 :]:
                if one.id in wanted or other.id in wanted:
                    reasons = [reason, *_agreements(one, other)]
                    if (reason == "core_name" or len(reasons) > 1) and not _proved_different(one, other):
                        pairs[min(one.id, other.id), max(one.id, other.id)] = reasons
    return _store(connection, pairs, batch_id)


Group = list[tuple[int, Any]]
"""Customers of one name: (id, birthday)."""


def _same_names(connection: Connection, ids: Sequence[int]) -> Iterable[Group]:
    sql = "SELECT name_key FROM crm_customers_customer WHERE kind = 'person' AND name_key <> '' AND id IN {values}"
    keys = sorted({row[0] for row in fetch_in(connection, sql, list(ids))})
    by_key: dict[str, Group] = defaultdict(list)
    for number, _kind, _name, key, birth_on in fetch_in(connection, _NAMESAKES, keys):
        by_key[key].append((number, canonical("date", birth_on)))
    return (group for group in by_key.values() if 1 < len(group) <= MOST_NAMESAKES)


def _same_cores(connection: Connection, ids: Sequence[int]) -> Iterable[Group]:
    """All organisations are read once: the core of a name is computed, not stored."""
    wanted, by_core = set(ids), defaultdict(list)
    rows = connection.execute(_ORGANISATIONS).all()
    if not any(row.id in wanted for row in rows):
        return ()
    for row in rows:
        by_core[company_core(row.name).core].append((row.id, None))
    return (group for group in by_core.values() if 1 < len(group) <= MOST_NAMESAKES)


def _parties(connection: Connection, groups: Sequence[tuple[str, Group]]) -> dict[int, _Party]:
    parties = {number: _Party(number, birth_on) for _reason, group in groups for number, birth_on in group}
    ids = list(parties)
    for number, index in fetch_in(connection, _TAILS, ids):
        parties[number].numbers.add(bytes(index))
    for number, place in fetch_in(connection, _PLACES, ids):
        parties[number].places.add(fold(place))
    for number, index in fetch_in(connection, _DOCUMENTS, ids):
        parties[number].documents.add(bytes(index))
    return parties


def _agreements(one: _Party, other: _Party) -> list[str]:
    found = {
        "birth": one.birth_on is not None and one.birth_on == other.birth_on,
        "phone": bool(one.numbers & other.numbers),
        "address": bool(one.places & other.places),
    }
    return [reason for reason, agrees in found.items() if agrees]


def _proved_different(one: _Party, other: _Party) -> bool:
    return bool(one.documents and other.documents and not one.documents & other.documents)


def _store(connection: Connection, pairs: dict[tuple[int, int], list[str]], batch_id: int | None) -> int:
    known = {tuple(row) for row in fetch_in(connection, _KNOWN, sorted({first for first, _second in pairs}))}
    zone = "" if connection.dialect.name == "sqlite" else "+00"
    stamp = utc_now().strftime("%Y-%m-%d %H:%M:%S.%f") + zone
    rows = [
        (*pair, sum(WEIGHTS[reason] for reason in reasons), encode_json(reasons), "open", stamp, batch_id)
        for pair, reasons in pairs.items()
        if pair not in known
    ]
    insert_rows(connection, DuplicateCandidate.__table__, _COLUMNS, rows)  # type: ignore[arg-type]  # a mapped class's table is a Table
    return len(rows)
