"""Updates of many rows reach every row, by either way of writing."""

import pytest
from sqlalchemy import select

from core.db.bulk import COPY_FROM, update_rows
from core.db.session import Database
from core.security.actors import system_actor
from core.security.models import Branch


@pytest.mark.parametrize("count", [2, COPY_FROM])
def test_each_row_gets_its_own_values(database: Database, count: int) -> None:
    with database.write(system_actor("test")) as session:
        session.add_all(Branch(id=number, code=str(number), name="old") for number in range(1, count + 2))
        session.flush()
        rows = [(f"new {number}", number % 2 == 0, number) for number in range(1, count + 1)]
        for _ in range(2):
            update_rows(session.connection(), Branch.__table__, ("name", "active"), rows)  # type: ignore[arg-type]  # a mapped class's table is a Table
    with database.read(system_actor("test")) as session:
        stored = {row.id: (row.name, row.active) for row in session.scalars(select(Branch))}
    assert stored == {number: (name, active) for name, active, number in rows} | {count + 1: ("old", True)}
