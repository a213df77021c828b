"""Kept statements: turned into text once, with the actor's row rules in it, they give the rows of the statement."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import Date, String, bindparam, cast, func, literal_column, select, union_all
from sqlalchemy.orm import Mapped, mapped_column

from core.app import Suite
from core.db.base import Base
from core.db.frozen import Frozen
from core.db.session import Database
from core.errors import UnscopedError
from core.security.actors import Actor, system_actor
from core.security.row_rules import row_rules


class Parcel(Base):
    __tablename__ = "test_frozen_parcel"

    branch_id: Mapped[int]
    label: Mapped[str] = mapped_column(String(40))
    sent_on: Mapped[date | None] = mapped_column(Date)


@pytest.fixture
def parcels(database: Database, suite: Suite) -> Database:
    database.row_rules = row_rules(suite.registry)
    with database.write(system_actor("test")) as session:
        for branch, label, day in ((1, "10:30", date(2026, 1, 2)), (2, "a::b", None), (3, ":label", date(2026, 3, 4))):
            session.add(Parcel(branch_id=branch, label=label, sent_on=day))
    return database


def names(*branches: int) -> Actor:
    return Actor(1, "reader", branch_ids=frozenset(branches))


KEPT = select(Parcel.label, Parcel.sent_on).where(Parcel.label.in_(bindparam("labels", expanding=True)))


def test_rows_are_narrowed_to_each_actor_who_asks(parcels):
    labels = {"labels": ["10:30", "a::b", ":label"]}
    found = {}
    for branches in ((1,), (2, 3), ()):
        with parcels.read(names(*branches)) as session:
            found[branches] = {row.label for row in session.rows(KEPT, labels)}

    assert found == {(1,): {"10:30"}, (2, 3): {"a::b", ":label"}, (): set()}


def test_colons_in_literals_and_casts_are_no_parameters(parcels):
    text = func.coalesce(cast(literal_column("'12:30:15'"), String), "::x")
    odd = union_all(
        select(text.label("text"), Parcel.sent_on).where(Parcel.label == bindparam("label")),
        select(cast(Parcel.id, String), cast(None, Date)),
    )
    with parcels.read(names(1, 2, 3)) as session:
        rows = session.rows(odd, {"label": "a::b"})

    assert ("12:30:15", None) in [tuple(row) for row in rows]
    assert len(rows) == 4


def test_values_come_back_in_the_types_of_the_columns(parcels):
    with parcels.read(names(1)) as session:
        (row,) = session.rows(KEPT, {"labels": ["10:30"]})

    assert row.sent_on == date(2026, 1, 2)


def test_lists_known_beforehand_need_no_rewriting_when_run(parcels):
    statement = select(Parcel.id).where(Parcel.branch_id.in_([1, 2]))

    form = Frozen(statement, parcels.reader.dialect).form({})

    assert "POSTCOMPILE" not in form.text
    if parcels.is_sqlite:
        assert "IN (1, 2)" in form.text
        assert form.parameters({}) == []
    else:
        assert sorted(form.parameters({}).values()) == [1, 2]


def test_sqlite_plans_no_statement_for_the_sake_of_an_identity_and_question_marks_stay(parcels):
    wanted = (Parcel.id == bindparam("id")) | (Parcel.label == bindparam("label")) | (Parcel.branch_id == -1)
    statement = select(literal_column("'?'").label("mark"), Parcel.label).where(wanted)
    plain = select(Parcel.label).where(wanted)
    values = {"id": 1, "label": "a::b"}

    with parcels.read(names(1, 2, 3)) as session:
        marked = session.rows(statement, values)
        found = session.rows(plain, values)

    assert [(row.mark, row.label) for row in marked] == [("?", "10:30"), ("?", "a::b")]
    assert [row.label for row in found] == ["10:30", "a::b"]
    if parcels.is_sqlite:
        text = Frozen(plain, parcels.reader.dialect).form(values).text
        assert ".id = +?" in text
        assert ".label = ?" in text


def test_nobody_gets_no_rows(parcels):
    with parcels.read(None) as session, pytest.raises(UnscopedError):
        session.rows(KEPT, {"labels": ["10:30"]})


def test_what_was_added_before_is_found(parcels):
    with parcels.write(names(1)) as session:
        session.add(Parcel(branch_id=1, label="new"))

        assert [row.label for row in session.rows(KEPT, {"labels": ["new"]})] == ["new"]
