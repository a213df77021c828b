"""Statistics of SQLite: taken once tables are filled, not taken again while nothing grew."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Integer, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from core.db.session import Database


class _Base(DeclarativeBase):
    pass


class _Thing(_Base):
    __tablename__ = "demo_thing"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    branch_id: Mapped[int] = mapped_column(Integer, index=True)


def statistics(database: Database) -> list[str]:
    with database.reader.connect() as connection:
        return list(connection.execute(text("SELECT stat FROM sqlite_stat1 WHERE tbl = 'demo_thing'")).scalars())


def test_a_filled_table_is_counted_and_its_branches_told_apart(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'things.db'}")
    _Base.metadata.create_all(database.writer)
    with database.writer.begin() as connection:
        connection.execute(_Thing.__table__.insert(), [{"branch_id": at % 4} for at in range(2_000)])  # type: ignore[attr-defined]  # a table

    database.refresh_statistics()
    first = statistics(database)
    with database.writer.begin() as connection:
        connection.execute(_Thing.__table__.insert(), [{"branch_id": 9}])  # type: ignore[attr-defined]  # a table
    database.refresh_statistics()

    assert first == ["2000 500"]
    assert statistics(database) == first
    database.dispose()
