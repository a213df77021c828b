"""The classes of some customers in a temporary table: computed, settled, compared with what is stored, written."""
# ruff: noqa: S608 -- statements are made of constants, whole numbers and days, never of text from outside

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

from sqlalchemy import Connection, MetaData, Table

from core.api import update_rows, utc_now
from plugins.crm_customers.class_reasons import iso_day, reasons_of
from plugins.crm_customers.class_stages import entered_on
from plugins.crm_customers.class_statement import OUTCOME, Statement, differs
from plugins.crm_customers.classification import Day, classify
from plugins.crm_customers.measures import Known, read_figures
from plugins.crm_customers.models.options import CLASSES

SETTLED = 5_000
"""Customers whose facts are in memory at once: a changed limit may move every headline."""
_NOW = Table("class_now", MetaData())
_MANY = "SET LOCAL jit = off; SET LOCAL random_page_cost = 1.1; SET LOCAL work_mem = '64MB'"
"""Settings of PostgreSQL: compiling takes longer than the statement, and sorts belong in memory."""
_FEW = f"{_MANY}; SET LOCAL enable_seqscan = off; SET LOCAL max_parallel_workers_per_gather = 0"
"""Given customers are looked up: reading whole tables and starting workers for them takes longer than all the rest."""
_INDEXED = ("class_code", "next_expiry")
_CHANGED = "(previous IS NULL OR previous <> class_code)"
_BEFORE = "(first_insured_on IS NOT NULL AND class_code <> 'standard')"
"""Where the first class is not standard, an insured customer was standard before."""


class Verdicts:
    """The verdicts on the customers of a scope, within a write transaction; a context manager.

    Args:
        connection: A connection inside a write transaction.
        day: The as-of day with its limits.
        scope: SQL that follows a customer's identity: ``BETWEEN 1 AND 9`` or ``IN (1, 2)``.
    """

    def __init__(self, connection: Connection, day: Day, scope: str) -> None:
        self._connection, self._day, self._scope = connection, day, scope
        self._sqlite = connection.dialect.name == "sqlite"
        self._today = f"'{day.as_of.isoformat()}'"
        # as in Statement
        self._near = f"AND c.id {scope}" if scope.startswith("BETWEEN") else ""
        # the cursor itself: exec_driver_sql would take the % of a remainder for a parameter
        self._cursor: Any = connection.connection.cursor()

    def __enter__(self) -> Self:
        if not self._sqlite:
            self._cursor.execute(_MANY if self._scope.startswith("BETWEEN") else _FEW)
        statement = Statement(self._connection.dialect.name, self._day, self._scope).text()
        self._cursor.execute(f"CREATE TEMPORARY TABLE class_now AS {statement}")
        self._cursor.execute(f"ALTER TABLE class_now ADD COLUMN reasons {'JSON' if self._sqlite else 'JSONB'}")
        self._cursor.execute("CREATE UNIQUE INDEX class_now_id ON class_now (id)")
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self._cursor.execute("DROP TABLE class_now")
            if not self._sqlite:
                self._cursor.execute("SET LOCAL enable_seqscan = on")
        self._cursor.close()

    def settle(self) -> None:
        """Decide one by one what SQL could not decide exactly, and give a changed headline its reasons."""
        self._cursor.execute("SELECT id, previous FROM class_now WHERE unsure OR previous <> class_code")
        previous = dict(self._cursor.fetchall())
        ids = list(previous)
        for start in range(0, len(ids), SETTLED):
            found = read_figures(self._connection, ids[start : start + SETTLED], self._day)
            rows = [(*_outcome(known, previous[each], self._day), each) for each, known in found.items()]
            if rows:
                update_rows(self._connection, _NOW, (*OUTCOME, "entered_on", "reasons"), rows)

    def write_history(self) -> None:
        """Add a row for each changed headline; the first classification also tells what was before (CU-26)."""
        at = f"'{utc_now():%Y-%m-%d %H:%M:%S.%f}'" if self._sqlite else f"TIMESTAMPTZ '{utc_now().isoformat()}'"
        insert = (
            "INSERT INTO crm_customers_class_history (customer_id, class_code, previous, since, reasons, recorded_at)"
        )
        self._cursor.execute(
            f"{insert} SELECT id, 'standard', NULL, first_insured_on, NULL, {at} FROM class_now "
            f"WHERE previous IS NULL AND {_BEFORE}"
        )
        self._cursor.execute(
            f"{insert} SELECT id, class_code, "
            f"CASE WHEN previous IS NULL AND {_BEFORE} THEN 'standard' ELSE previous END, "
            f"CASE WHEN previous IS NULL THEN entered_on ELSE {self._today} END, reasons, {at} "
            f"FROM class_now WHERE {_CHANGED}"
        )

    def write_customers(self) -> int:
        """Update the customers that differ and return how many.

        Those of which no index changes are written apart: SQLite writes every index that a statement names.
        """
        figures = [name for name in OUTCOME if name not in _INDEXED]
        moved = " OR ".join(f"c.{name} IS DISTINCT FROM n.{name}" for name in _INDEXED)
        moved = f"(n.previous IS NULL OR {moved})"
        return self._update(figures, f"NOT {moved} AND {differs('n')}") + self._update(OUTCOME, moved)

    def _update(self, names: Sequence[str], which: str) -> int:
        changes = ", ".join(f"{name} = n.{name}" for name in names)
        # the sign has SQLite look up each changed customer, not each customer among the changed
        self._cursor.execute(f"""UPDATE crm_customers_customer AS c SET {changes},
            class_since = CASE WHEN n.previous IS NULL THEN n.entered_on
                WHEN n.previous <> n.class_code THEN {self._today} ELSE c.class_since END
            FROM class_now n WHERE c.id = +n.id {self._near} AND {which}""")
        return int(self._cursor.rowcount)

    def by_class(self) -> dict[str, int]:
        """Return how many customers of the scope there are of each class."""
        # counted one by one: GROUP BY would sort the chunk, or read the whole index of the classes
        counts = ", ".join(f"COUNT(*) FILTER (WHERE class_code = '{each.code}')" for each in CLASSES)
        self._cursor.execute(
            f"SELECT {counts} FROM crm_customers_customer WHERE id {self._scope} AND merged_into_id IS NULL"
        )
        found = zip(CLASSES, self._cursor.fetchone(), strict=True)
        return {each.code: count for each, count in found if count}


def _outcome(known: Known, previous: str | None, day: Day) -> tuple[Any, ...]:
    """The values of ``OUTCOME``, first day in the class, and reasons where the headline changed, in staged form."""
    figures = known.figures
    verdict = classify(figures, day)
    lost_to = known.lost_to or (figures.lost_to if verdict.relation == "lead" else None)
    return (
        verdict.class_code,
        verdict.good,
        verdict.important or figures.important_mark,
        verdict.candidate,
        verdict.link,
        iso_day(figures.next_expiry),
        figures.in_force,
        figures.premium,
        figures.earned.cents(),
        figures.incurred,
        figures.claims,
        figures.receivable,
        iso_day(figures.first_insured),
        lost_to,
        entered_on(figures, verdict, day).isoformat(),
        reasons_of(figures, verdict, day) if previous not in (None, verdict.class_code) else None,
    )
