"""A small portfolio in a database, built row by row for tests of the classes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import select

from core.app import import_core_tables
from core.db.base import Base
from core.db.session import Database, ScopedSession
from core.security.actors import Actor, system_actor
from core.security.models import Branch
from plugins.crm_customers.class_explain import explain
from plugins.crm_customers.classify import Result, classify_all
from plugins.crm_customers.models import (
    Claim,
    ClassHistory,
    Customer,
    CustomerMark,
    Endorsement,
    Policy,
    PolicyTerm,
    Receivable,
)

AS_OF = date(2026, 6, 30)
NEW_YEAR = date(2026, 1, 1)
ACTOR: Actor = system_actor("test")


def year_to(start: date) -> date:
    """Return the last day of a one-year cover that begins on a day other than 29 February."""
    return start.replace(year=start.year + 1) - timedelta(days=1)


@contextmanager
def new_book(folder: Path) -> Iterator[Book]:
    """Give a book in a new embedded database of a folder."""
    database = Database(f"sqlite:///{folder / 'banyan.db'}")
    import_core_tables()
    Base.metadata.create_all(database.writer)
    yield Book(database)
    database.dispose()


class Book:
    """Adds customers and their facts; identities count from 1."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._number = 0
        self._write([Branch(id=1, code="33", name="嘉兴")])

    def customer(self, **values: Any) -> int:
        number = self._next()
        return self._write([Customer(number=f"C{number:06}", name=f"客户{number}", **values)])

    def policy(
        self,
        holder: int,
        start: date | None,
        end: date | None = None,
        premium: str = "0",
        *,
        terms: Sequence[tuple[date, date]] = (),
        **values: Any,
    ) -> int:
        number = self._next()
        periods: Sequence[tuple[date | None, date | None]] = terms or [(start, end or (start and year_to(start)))]
        policy = self._write(
            [
                Policy(
                    policy_no=f"P{number}", holder_id=holder, branch_id=1, source="core", source_key=f"P{number}",
                    start_on=periods[0][0], end_on=periods[-1][1], **values,
                )
            ]
        )  # fmt: skip
        self._write(
            [
                PolicyTerm(
                    policy_id=policy, start_on=first, end_on=last, premium=Decimal(premium),
                    branch_id=1, source="core", source_key=f"P{number}/{part}",
                )
                for part, (first, last) in enumerate(periods)
            ]
        )  # fmt: skip
        return policy

    def claim(self, policy: int, loss_on: date | None, paid: str = "0", outstanding: str = "0") -> int:
        return self._write(
            [
                Claim(
                    policy_id=policy, loss_on=loss_on, paid=Decimal(paid), outstanding=Decimal(outstanding),
                    branch_id=1, source="core", source_key=f"K{self._next()}",
                )
            ]
        )  # fmt: skip

    def endorsement(self, policy: int, effective: date | None, change: str, kind: str = "02") -> int:
        number = f"E{self._next()}"
        return self._write(
            [
                Endorsement(
                    policy_id=policy, endorsement_no=number, kind=kind, effective_on=effective,
                    premium_change=Decimal(change), branch_id=1, source="core", source_key=number,
                )
            ]
        )  # fmt: skip

    def receivable(self, policy: int, due_on: date, due: str, paid: str = "0") -> int:
        return self._write(
            [
                Receivable(
                    policy_id=policy, due_on=due_on, amount_due=Decimal(due), amount_paid=Decimal(paid),
                    branch_id=1, source="core", source_key=f"R{self._next()}",
                )
            ]
        )  # fmt: skip

    def mark(self, customer: int, kind: str, value: str = "yes", since: date = NEW_YEAR, **values: Any) -> int:
        return self._write(
            [CustomerMark(customer_id=customer, kind=kind, value=value, since=since, source="list", **values)]
        )

    def classify(self, as_of: date = AS_OF, **options: Any) -> Result:
        return classify_all(self.database, as_of, **options)

    def get(self, customer: int) -> Customer:
        with self.database.read(ACTOR) as session:
            return session.scalars(select(Customer).where(Customer.id == customer)).one()

    def class_of(self, customer: int, as_of: date = AS_OF) -> str:
        self.classify(as_of)
        return self.get(customer).class_code

    def history(self, customer: int) -> list[tuple[str, str | None, date]]:
        with self.database.read(ACTOR) as session:
            rows = session.scalars(select(ClassHistory).where(ClassHistory.customer_id == customer))
            return [(row.class_code, row.previous, row.since) for row in rows]

    def reasons(self, customer: int, as_of: date = AS_OF) -> dict[str, Any]:
        with self.database.read(ACTOR) as session:
            return explain(session, customer, as_of).reasons

    def check(self, customer: int, code: str) -> tuple[Any, Any, bool]:
        reasons = self.reasons(customer)
        return next(tuple(check[1:]) for check in reasons["checks"] if check[0] == code)

    def change(self, customer: int, code: str) -> Any:
        reasons = self.reasons(customer)
        return next((change[2] for change in reasons["changes"] if change[0] == code), None)

    def session(self) -> Any:
        return self.database.write(ACTOR)

    def _next(self) -> int:
        self._number += 1
        return self._number

    def _write(self, rows: Sequence[Any]) -> int:
        with self.database.write(ACTOR) as session:
            session.add_all(rows)
            session.flush()
            return int(rows[0].id)


def dump(session: ScopedSession) -> list[tuple[Any, ...]]:
    """Return everything that classification writes on customers."""
    columns = (
        "id", "class_code", "class_since", "good", "important", "blacklist_candidate",
        "link_code", "next_expiry", "policies_in_force", "premium_12m", "earned", "incurred", "claim_count",
        "receivable", "first_insured_on", "lost_to",
    )  # fmt: skip
    rows = session.scalars(select(Customer).order_by(Customer.id))
    return [tuple(getattr(row, name) for name in columns) for row in rows]
