"""Row rules: every form of statement that the ORM narrows, on both databases."""

import pytest
from sqlalchemy import ForeignKey, String, delete, exists, func, select, union_all, update
from sqlalchemy.orm import Mapped, aliased, joinedload, mapped_column, relationship, selectinload

from core.db.base import Base
from core.errors import PermissionDeniedError, UnscopedError
from core.registry.fields import Label
from core.registry.models import Model, Registry
from core.security.actors import Actor, system_actor
from core.security.models import Branch
from core.security.row_rules import row_rules


class Folder(Base):
    __tablename__ = "core_test_folder"

    branch_id: Mapped[int] = mapped_column(ForeignKey("core_branch.id"))
    name: Mapped[str] = mapped_column(String(20))
    sheets: Mapped[list["Sheet"]] = relationship(back_populates="folder")


class Sheet(Base):
    __tablename__ = "core_test_sheet"

    branch_id: Mapped[int] = mapped_column(ForeignKey("core_branch.id"))
    folder_id: Mapped[int] = mapped_column(ForeignKey("core_test_folder.id"))
    name: Mapped[str] = mapped_column(String(20))
    folder: Mapped[Folder] = relationship(back_populates="sheets")


class Owned(Base):
    __tablename__ = "core_test_owned"
    __model__ = Model(
        "core.test_owned",
        Label("Owned", "Owned"),
        Label("Owned", "Owned"),
        row_rule=lambda entity, actor: (
            select(Folder.id)
            .where(Folder.id == entity.folder_id, Folder.branch_id.in_(sorted(actor.branch_ids)))
            .exists()
        ),
    )

    folder_id: Mapped[int] = mapped_column(ForeignKey("core_test_folder.id"))


NORTH, SOUTH = 1, 2
CLERK = Actor(1, "Clerk", frozenset({"*.view"}), frozenset({NORTH}), home_branch_id=NORTH)
OTHER = Actor(2, "Other", frozenset(), frozenset({SOUTH}), home_branch_id=SOUTH)
NOWHERE = Actor(3, "Nowhere")


@pytest.fixture
def filled(database):
    registry = Registry()
    registry.add(Owned, "core")
    database.row_rules = row_rules(registry)
    with database.write(system_actor("test data")) as session:
        session.add_all([Branch(id=NORTH, code="N", name="N"), Branch(id=SOUTH, code="S", name="S")])
        session.flush()
        for number, branch in ((1, NORTH), (2, SOUTH)):
            session.add(Folder(id=number, branch_id=branch, name=f"f{number}"))
        session.flush()
        # Sheet 3 lies in the north's folder but belongs to the south.
        for number, branch, folder in ((1, NORTH, 1), (2, SOUTH, 2), (3, SOUTH, 1)):
            session.add(Sheet(id=number, branch_id=branch, folder_id=folder, name=f"s{number}"))
        session.add_all([Owned(id=1, folder_id=1), Owned(id=2, folder_id=2)])
    return database


def _ids(session, statement):
    return sorted(session.scalars(statement).unique())


STATEMENTS = {
    "columns": select(Sheet.id),
    "function": select(func.min(Sheet.id)),
    "join": select(Sheet.id).join(Folder, Folder.id == Sheet.folder_id),
    "alias": select(aliased(Sheet, name="other").id),
    "subquery": select(select(Sheet.id).subquery().c.id),
    "cte": select(select(Sheet.id).cte("some").c.id),
    "union": select(union_all(select(Sheet.id), select(Sheet.id).where(Sheet.id > 99)).subquery().c.id),
    "scalar subquery": select(select(func.max(Sheet.id)).scalar_subquery()),
    "in": select(Folder.id).where(Folder.id.in_(select(Sheet.folder_id))),
    "exists": select(Folder.id).where(exists().where(Sheet.folder_id == Folder.id)),
}


@pytest.mark.parametrize("statement", STATEMENTS.values(), ids=STATEMENTS.keys())
def test_a_clerk_sees_only_rows_of_the_own_branch(statement, filled):
    with filled.read(CLERK) as session:
        assert _ids(session, statement) == [1]


@pytest.mark.parametrize("statement", STATEMENTS.values(), ids=STATEMENTS.keys())
def test_the_same_statement_compiled_before_gives_another_person_other_rows(statement, filled):
    with filled.read(CLERK) as session:
        first = _ids(session, statement)
    with filled.read(OTHER) as session:
        second = _ids(session, statement)
    assert first == [1]
    assert 1 not in second


def test_counts_and_get_are_narrowed(filled):
    with filled.read(CLERK) as session:
        assert session.scalar(select(func.count()).select_from(Sheet)) == 1
        assert session.get(Sheet, 1) is not None
        assert session.get(Sheet, 2) is None


@pytest.mark.parametrize("way", ["lazy", "selectin", "joined"])
def test_relationships_are_narrowed(way, filled):
    options = {"lazy": [], "selectin": [selectinload(Folder.sheets)], "joined": [joinedload(Folder.sheets)]}[way]
    with filled.read(CLERK) as session:
        folder = session.scalars(select(Folder).options(*options)).unique().one()
        assert [sheet.id for sheet in folder.sheets] == [1]


def test_relationships_of_a_row_just_added_are_narrowed(filled):
    with filled.write(CLERK) as session:
        sheet = Sheet(id=99, branch_id=NORTH, folder_id=2, name="mine")
        session.add(sheet)
        session.flush()
        assert sheet.folder is None


def test_updates_and_deletes_over_many_rows_are_narrowed(filled):
    with filled.write(CLERK) as session:
        session.execute(update(Sheet).values(name="changed"))
        session.execute(delete(Owned))
    with filled.read(system_actor("look")) as session:
        assert session.scalars(select(Sheet.name).order_by(Sheet.id)).all() == ["changed", "s2", "s3"]
        assert session.scalars(select(Owned.id)).all() == [2]


def test_a_model_with_its_own_rule_is_narrowed_by_it_alone(filled):
    with filled.read(CLERK) as session:
        assert _ids(session, select(Owned.id)) == [1]
        assert _ids(session, select(aliased(Owned).id)) == [1]


def test_a_row_of_another_branch_cannot_be_added_or_moved(filled):
    with pytest.raises(PermissionDeniedError), filled.write(CLERK) as session:
        session.add(Sheet(branch_id=SOUTH, folder_id=1, name="planted"))
    with pytest.raises(PermissionDeniedError), filled.write(CLERK) as session:
        session.get(Sheet, 1).branch_id = SOUTH


def test_somebody_without_any_branch_sees_nothing(filled):
    with filled.read(NOWHERE) as session:
        assert _ids(session, select(Sheet.id)) == []


def test_a_system_task_sees_all(filled):
    with filled.read(system_actor("look")) as session:
        assert _ids(session, select(Sheet.id)) == [1, 2, 3]


def test_a_query_without_actor_is_an_error_not_all_rows(filled):
    with filled.read(None) as session, pytest.raises(UnscopedError):
        session.scalars(select(Sheet.id))


def test_the_rules_of_an_actor_are_made_once(filled):
    assert filled.row_rules(CLERK) is filled.row_rules(CLERK)
