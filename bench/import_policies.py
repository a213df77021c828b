"""Measure the validated import of a policy list against parsing, type-checking and writing the same rows to one table.

python -m bench.import_policies --policies 300000 [--url postgresql://…]
"""

from __future__ import annotations

import argparse
import csv
import os
import resource
import tempfile
import threading
import time
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, MetaData, Table, Text

from bench.policy_file import HEADER, customers, write_policies
from core.config import load_settings
from core.db.bulk import insert_rows
from core.imports.batches import Importer
from core.installation import initialise
from core.security.actors import system_actor
from core.security.models import Branch

MONEY = {17, 18, 19}
DATES = {14, 20, 21, 22}
NUMBERS = {15}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--policies", type=int, default=100_000)
    parser.add_argument(
        "--url", default=os.environ.get("BANYAN_BENCH_POSTGRES", ""), help="an empty PostgreSQL database as well"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "policies.csv"
        write_policies(file, options.policies)
        for url in filter(None, ("sqlite", options.url)):
            measure(Path(folder) / url.partition(":")[0], file, options.policies, "" if url == "sqlite" else url)


def measure(folder: Path, file: Path, policies: int, url: str) -> None:
    environment = {"BANYAN_DATA__FOLDER": str(folder), "BANYAN_DATABASE__URL": url}
    suite, _ = initialise(load_settings(environment=environment))
    actor = system_actor("bench")
    with suite.database.write(actor) as session:
        session.add(Branch(code="330402", name="南湖支公司", area_code="0573"))
    seconds = floor(suite.database.writer, file, policies)
    print(f"{suite.database.writer.dialect.name}: floor {policies / seconds:10,.0f} rows/s")
    importer = Importer(suite)
    peak = Peak()
    begun, own, child = time.perf_counter(), _cpu(resource.RUSAGE_SELF), _cpu(resource.RUSAGE_CHILDREN)
    batch = importer.start(actor, file, file.name, "policy", "330402")
    counts = importer.run(batch).counts
    took = time.perf_counter() - begun
    own, child = _cpu(resource.RUSAGE_SELF) - own, _cpu(resource.RUSAGE_CHILDREN) - child
    print(f"import {policies / took:10,.0f} rows/s = {seconds / took:.2f} of the floor; "
          f"CPU a row {own / policies * 1e6:.0f} µs merging, {child / policies * 1e6:.0f} µs reading; "
          f"peak {peak.stop():.0f} MiB; load {os.getloadavg()[0]:.1f}; {counts}")  # fmt: skip
    begun = time.perf_counter()
    again = importer.run(importer.start(actor, file, file.name, "policy", "330402")).counts
    print(f"again  {policies / (time.perf_counter() - begun):10,.0f} rows/s; {again}")
    suite.close()


def floor(engine: Any, file: Path, policies: int) -> float:
    """Seconds for csv → typed values → one table with five indexes and a foreign key to a third as many customers."""
    metadata = MetaData()
    owner = Table("bench_owner", metadata, Column("id", Integer, primary_key=True))
    names = [f"c{at}" for at in range(len(HEADER))]
    kinds = [BigInteger if at in MONEY | NUMBERS else Text for at in range(len(HEADER))]
    columns = [Column(name, kind) for name, kind in zip(names, kinds, strict=True)]
    table = Table("bench_policy", metadata, Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
                  Column("owner_id", ForeignKey("bench_owner.id")), *columns)  # fmt: skip
    Index("bench_no", table.c.c0, unique=True)
    for at in (6, 10, 11, 21):
        Index(f"bench_{at}", table.c[f"c{at}"])
    with engine.begin() as connection:
        metadata.create_all(connection)
        insert_rows(connection, owner, ("id",), ((number,) for number in range(customers(policies))))
    begun = time.perf_counter()
    with engine.begin() as connection:
        insert_rows(connection, table, ("id", "owner_id", *names), typed(file, policies))
    took = time.perf_counter() - begun
    with engine.begin() as connection:
        metadata.drop_all(connection)
    return took


def typed(file: Path, policies: int) -> Iterator[tuple[Any, ...]]:
    """Yield the rows with every number, amount and day checked."""
    people = customers(policies)
    with file.open(encoding="utf-8", newline="") as stream:
        reader = csv.reader(stream)
        next(reader)
        for number, row in enumerate(reader, 1):
            values: list[Any] = [cell.strip() for cell in row]
            for at in MONEY:
                values[at] = int(Decimal(values[at]) * 100)
            for at in DATES:
                values[at] = date.fromisoformat(values[at]).isoformat()
            for at in NUMBERS:
                values[at] = int(values[at])
            yield (number, (number - 1) % people, *values)


def _cpu(whose: int) -> float:
    used = resource.getrusage(whose)
    return used.ru_utime + used.ru_stime


class Peak:
    """Highest memory of this process and its children, MiB (PSS), sampled ten times a second."""

    def __init__(self) -> None:
        self.highest = 0.0
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._watch, daemon=True)
        self.thread.start()

    def stop(self) -> float:
        self.ended.set()
        self.thread.join()
        return self.highest

    def _watch(self) -> None:
        while not self.ended.wait(0.1):
            self.highest = max(self.highest, sum(pss(pid) for pid in family(os.getpid())))


def family(pid: int) -> list[int]:
    found = [pid]
    for task in Path(f"/proc/{pid}/task").iterdir():
        try:
            children = (task / "children").read_text().split()
        except OSError:
            continue
        for child in children:
            found.extend(family(int(child)))
    return found


def pss(pid: int) -> float:
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in text.splitlines() if line.startswith("Pss:")), 0.0)


if __name__ == "__main__":
    main()
