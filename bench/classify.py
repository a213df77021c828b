"""Measure the classification of all customers against one GROUP BY per customer over terms and claims.

The bar is for "same day again", a run that reads and decides everything and has nothing to write. The first run writes
every customer and two rows of history for most, the next day's every customer whose premium goes on earning.

python -m bench.classify --customers 100000 [--url postgresql+psycopg://…]
"""

from __future__ import annotations

import argparse
import random
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Table

import plugins.crm_customers.models as tables
from core.app import import_core_tables
from core.db.base import Base
from core.db.bulk import insert_rows
from core.db.session import Database
from core.security.actors import system_actor
from core.security.models import Branch
from plugins.crm_customers.classify import classify_all, classify_changed, mark_changed

AS_OF = date(2026, 6, 30)
ACTOR = system_actor("bench")
CLAIM_COLUMNS = "policy_id loss_on paid outstanding branch_id source source_key"
ALONE = "?options=-c%20max_parallel_workers_per_gather%3D0"
"""PostgreSQL works in the process of the connection, whose CPU can be read, for the floor as for us."""
FLOOR = """SELECT p.holder_id, COUNT(*), SUM(t.premium), MIN(t.start_on), MAX(t.end_on), SUM(c.count), SUM(c.amount)
    FROM crm_customers_policy p JOIN crm_customers_policy_term t ON t.policy_id = p.id
    LEFT JOIN (SELECT policy_id, COUNT(*) AS count, SUM(paid + outstanding) AS amount
               FROM crm_customers_claim GROUP BY policy_id) c ON c.policy_id = p.id
    GROUP BY p.holder_id"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=100_000)
    parser.add_argument("--url", default="", help="an empty database on this machine; default a temporary SQLite file")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        database = Database(options.url + ALONE if options.url else f"sqlite:///{Path(folder) / 'bench.db'}")
        build(database, options.customers)
        measure(database, options.customers)
        database.dispose()


def measure(database: Database, customers: int) -> None:
    """Take the floor before every run: on a loaded machine only neighbouring times can be compared."""
    runs: list[tuple[str, Callable[[], Any]]] = [
        ("first run, all written", lambda: classify_all(database, AS_OF)),
        ("same day again", lambda: classify_all(database, AS_OF)),
        ("next day", lambda: classify_all(database, AS_OF + timedelta(days=1))),
        ("1,000 changed customers", lambda: classify_changed(database, AS_OF + timedelta(days=1))),
    ]
    times: list[tuple[float, float]] = []
    for name, run in runs:
        if run is runs[-1][1]:
            change(database, random.Random(2).sample(range(1, customers + 1), min(1000, customers)))
        floors = (timed(database, lambda: group_by(database)) for _ in range(3))
        floor, floor_cpu, _ = min(floors, key=lambda taken: taken[1])
        seconds, cpu, result = timed(database, run)
        times.append((seconds, cpu))
        print(
            f"{name:<26}{seconds:8.2f} s (CPU {cpu:7.2f}), floor {floor:6.2f} s (CPU {floor_cpu:6.2f}), "
            f"{seconds / floor:6.1f}x (CPU {cpu / floor_cpu:6.1f}x), changed {result.changed:>9,}"
        )
    share, cpu_share = (changed / full for changed, full in zip(times[-1], times[1], strict=True))
    print(f"1,000 changed customers take {share:.1%} of the run on the same day (CPU {cpu_share:.1%})")
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")


def change(database: Database, customers: list[int]) -> None:
    """Give each customer a claim, as an import does, and mark them."""
    with database.write(ACTOR) as session:
        claims = [(each * 3, AS_OF.isoformat(), 100_000, 0, 1, "bench", str(each)) for each in customers]
        insert(session.connection(), tables.Claim, CLAIM_COLUMNS, claims)
        mark_changed(session, customers)


def timed(database: Database, run: Callable[[], Any]) -> tuple[float, float, Any]:
    """Return seconds, CPU seconds of this process and of the database's connections, and the result."""
    begun, start, cpu = connections_cpu(database), time.perf_counter(), time.process_time()
    result = run()
    seconds, used = time.perf_counter() - start, time.process_time() - cpu
    return seconds, used + connections_cpu(database) - begun, result


def connections_cpu(database: Database) -> float:
    """Return the CPU seconds that the processes of a PostgreSQL on this machine have used for the pooled connections."""
    if database.is_sqlite:
        return 0.0
    processes = set()
    for session in (database.read, database.write):
        with session(ACTOR) as open_session:
            processes.add(open_session.connection().exec_driver_sql("SELECT pg_backend_pid()").scalar_one())
    return sum(int(Path(f"/proc/{each}/schedstat").read_text().split()[0]) for each in processes) / 1e9


def group_by(database: Database) -> int:
    with database.read(ACTOR) as session:
        return sum(1 for _ in session.connection().exec_driver_sql(FLOOR))


def build(database: Database, customers: int) -> None:
    import_core_tables()
    Base.metadata.create_all(database.writer)
    with database.write(ACTOR) as session:
        session.add(Branch(id=1, code="33", name="Bench"))
        session.flush()
        connection = session.connection()
        for start in range(1, customers + 1, 50_000):
            _fill(connection, range(start, min(start + 50_000, customers + 1)))
    with database.writer.begin() as connection:
        connection.exec_driver_sql("ANALYZE")


def _fill(connection: Connection, ids: range) -> None:
    rng = random.Random(ids.start)
    stamp = "2026-06-30 00:00:00.000000" + ("" if connection.dialect.name == "sqlite" else "+00")
    nouns = ("policy", "term", "claim", "endorsement", "receivable")
    rows: dict[str, list[tuple[Any, ...]]] = {noun: [] for noun in nouns}
    for customer in ids:
        for number in range(3):
            _policy(rng, customer, customer * 3 + number, rows)
    insert(
        connection,
        tables.Customer,
        "id number kind name name_key pinyin class_code good important blacklist_candidate link_code policies_in_force "
        "premium_12m earned incurred claim_count receivable credit version created_at changed_at",
        (
            (i, f"C{i:08}", "person", f"客户{i}", f"客户{i}", "kh", "unattached", False, False, False, "acquire",
             0, 0, 0, 0, 0, 0, "good", 1, stamp, stamp)
            for i in ids
        ),
    )  # fmt: skip
    insert(
        connection,
        tables.Policy,
        "id policy_no line holder_id start_on end_on state currency branch_id source source_key",
        rows["policy"],
    )
    insert(connection, tables.PolicyTerm, "policy_id start_on end_on premium branch_id source source_key", rows["term"])
    insert(connection, tables.Claim, CLAIM_COLUMNS, rows["claim"])
    insert(
        connection,
        tables.Endorsement,
        "endorsement_no policy_id kind effective_on premium_change branch_id source source_key",
        rows["endorsement"],
    )
    insert(
        connection,
        tables.Receivable,
        "policy_id due_on amount_due amount_paid branch_id source source_key",
        rows["receivable"],
    )


def insert(connection: Connection, entity: Any, columns: str, rows: Iterator[Any] | list[Any]) -> None:
    table: Table = entity.__table__
    insert_rows(connection, table, columns.split(), rows)


def _policy(rng: random.Random, customer: int, policy: int, rows: dict[str, list[tuple[Any, ...]]]) -> None:
    start = AS_OF - timedelta(days=rng.randrange(5 * 365))
    end = start + timedelta(days=364)
    premium, key = rng.randrange(50_000, 900_000), str(policy)
    line = ("ctp", "commercial", "non_motor")[policy % 3]
    rows["policy"].append(
        (policy, f"P{key}", line, customer, start.isoformat(), end.isoformat(), "active", "CNY", 1, "core", key)
    )
    rows["term"].append((policy, start.isoformat(), end.isoformat(), premium, 1, "core", key))
    if rng.random() < 0.2:
        rows["claim"].append(
            (
                (policy),
                (start + timedelta(days=rng.randrange(365))).isoformat(),
                rng.randrange(1_000_000),
                0,
                1,
                "core",
                key,
            )
        )
    if rng.random() < 0.05:
        rows["endorsement"].append(
            (f"E{key}", policy, "02", (start + timedelta(days=rng.randrange(365))).isoformat(), -10_000, 1, "core", key)
        )
    if rng.random() < 0.1:
        rows["receivable"].append(
            (policy, start.isoformat(), premium, premium if rng.random() < 0.8 else 0, 1, "core", key)
        )


if __name__ == "__main__":
    main()
