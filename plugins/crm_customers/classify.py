"""Classifying customers: all in chunks, the changed ones, or given ones; each chunk is one transaction."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import func, select, text

from core.api import Actor, Database, ScopedSession, insert_rows, record_audit, system_actor
from plugins.crm_customers.class_settings import thresholds_on
from plugins.crm_customers.class_verdicts import Verdicts
from plugins.crm_customers.classification import Day
from plugins.crm_customers.models.classes import ClassDue
from plugins.crm_customers.models.customers import Customer

CHUNK = 25_000
"""Customers of one transaction on SQLite: small enough that other writers wait for well under a second."""
POSTGRESQL_CHUNK = 100_000
"""Many on PostgreSQL, whose writers wait only for the same customers: it reads large parts of tables much faster."""
_LOCK = 0x636C6173
"""Advisory lock of PostgreSQL: two classifications at once could write a class that is already outdated."""
_DUE: Any = ClassDue.__table__
Progress = Callable[[int, int], None]
"""Takes the number of customers done and of all."""


@dataclass
class Result:
    """What a run did.

    Args:
        as_of: The day it classified for.
        customers: Customers looked at.
        changed: Customers of which anything was written.
        by_class: Customers by headline class.
    """

    as_of: date
    customers: int = 0
    changed: int = 0
    by_class: Counter[str] = field(default_factory=Counter)

    def as_dict(self) -> dict[str, Any]:
        """Return the result as JSON values."""
        return {
            "as_of": self.as_of.isoformat(),
            "customers": self.customers,
            "changed": self.changed,
            "by_class": dict(sorted(self.by_class.items())),
        }


def classify_all(
    database: Database,
    as_of: date,
    *,
    chunk: int | None = None,
    actor: Actor | None = None,
    progress: Progress | None = None,
) -> Result:
    """Classify every customer; a run that was killed is simply started again.

    Args:
        database: The database.
        as_of: The day to classify for.
        chunk: Customers of one transaction; by default what suits the database.
        actor: On whose behalf; default the system task "classification".
        progress: Told after each chunk.
    """
    actor = actor or system_actor("classification")
    chunk = chunk or (CHUNK if database.is_sqlite else POSTGRESQL_CHUNK)
    result, after = Result(as_of), 0
    with database.read(actor) as session:
        total = session.scalar(select(func.count()).where(Customer.merged_into_id.is_(None))) or 0
    while True:
        with database.write(actor) as session:
            last = _end_of_chunk(session, after, chunk)
            if last is None:
                _audit(session, result, "all")
                return result
            classify_scope(session, f"BETWEEN {after + 1} AND {last}", result)
        after = last
        if progress:
            progress(result.customers, total)


def classify_changed(database: Database, as_of: date, *, chunk: int = CHUNK, actor: Actor | None = None) -> Result:
    """Classify customers marked by `mark_changed`, never classified, or whose cover ended before ``as_of``."""
    actor = actor or system_actor("classification")
    result, after = Result(as_of), 0
    while True:
        with database.write(actor) as session:
            ids = _changed_ids(session, as_of, after, chunk)
            if not ids:
                if result.customers:
                    _audit(session, result, "changed")
                return result
            classify_scope(session, _in(session, ids), result)
        after = ids[-1]


def classify_customers(session: ScopedSession, ids: Sequence[int], as_of: date) -> Result:
    """Classify given customers in the caller's unit of work."""
    result = Result(as_of)
    session.flush()
    for start in range(0, len(ids), CHUNK):
        classify_scope(session, _in(session, ids[start : start + CHUNK]), result)
    session.expire_all()
    return result


def mark_changed(session: ScopedSession, ids: Sequence[int]) -> None:
    """Leave customers whose facts have changed for the next `classify_changed`."""
    insert_rows(session.connection(), _DUE, ("customer_id",), ((each,) for each in ids))


def classify_scope(session: ScopedSession, scope: str, result: Result) -> None:
    """Classify some customers inside the session's transaction and add to ``result``; writes only what differs.

    Args:
        session: A write session.
        scope: SQL that follows a customer's identity: ``BETWEEN 1 AND 9``, ``IN (1, 2)`` or ``= ANY (…)``.
        result: The run's counts.
    """
    connection = session.connection()
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
    # before the facts are read: of who commits later, the facts may be missed, but then the row stays
    connection.exec_driver_sql(f"DELETE FROM crm_customers_class_due WHERE customer_id {scope}")  # noqa: S608 -- whole numbers
    day = Day(result.as_of, thresholds_on(session, result.as_of))
    with Verdicts(connection, day, scope) as verdicts:
        verdicts.settle()
        verdicts.write_history()
        result.changed += verdicts.write_customers()
        result.by_class.update(verdicts.by_class())
    result.customers = result.by_class.total()


def _end_of_chunk(session: ScopedSession, after: int, chunk: int) -> int | None:
    ids = select(Customer.id).where(Customer.id > after).order_by(Customer.id).limit(chunk).subquery()
    last: int | None = session.scalar(select(func.max(ids.c.id)))
    return last


def _in(session: ScopedSession, ids: Sequence[int]) -> str:
    """Return the scope of given customers; PostgreSQL plans an array in a third of the time of as many values."""
    listed = ",".join(str(int(each)) for each in ids)
    sqlite = session.connection().dialect.name == "sqlite"
    return f"IN ({listed})" if sqlite else f"= ANY (CAST('{{{listed}}}' AS BIGINT[]))"


def _changed_ids(session: ScopedSession, as_of: date, after: int, chunk: int) -> list[int]:
    """Three queries, each along its own index; SQLite, told nothing, reads all customers while its counts are old."""
    sqlite, connection = session.connection().dialect.name == "sqlite", session.connection()
    due = select(_DUE.c.customer_id).distinct().where(_DUE.c.customer_id > after)
    found = set(connection.execute(due.order_by(_DUE.c.customer_id).limit(chunk)).scalars())
    for index, outdated in (("unclassified", "class_since IS NULL"), ("next_expiry", "next_expiry < :as_of")):
        along = f"INDEXED BY ix_crm_customers_customer_{index}" if sqlite else ""
        sql = f"""SELECT id FROM crm_customers_customer {along}
            WHERE {outdated} AND merged_into_id IS NULL AND id > :after ORDER BY id LIMIT :chunk"""  # noqa: S608 -- constants
        values = {"after": after, "chunk": chunk, "as_of": as_of.isoformat() if sqlite else as_of}
        found.update(connection.execute(text(sql), values).scalars())
    return sorted(found)[:chunk]


def _audit(session: ScopedSession, result: Result, reach: str) -> None:
    detail = json.loads(json.dumps({**result.as_dict(), "reach": reach}))
    record_audit(session, "customer.classify", "crm_customers.customer", None, detail)
