"""The audit trail: complete, ordered, and closed to changes, on both databases."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from core.security import audit
from core.security.actors import Actor, system_actor
from core.security.models import Branch

SYSTEM = system_actor("test")


@pytest.fixture
def trail(database):
    with database.write(SYSTEM) as session:
        session.add_all([Branch(id=1, code="N", name="N"), Branch(id=2, code="S", name="S")])
    for number in range(1, 7):
        with database.write(SYSTEM) as session:
            detail = {"number": number, "text": "文字", "ratio": 0.125}
            audit.record(session, "thing.change", "core.thing", number, detail, branch_id=1 + number % 2)
    return database


def _verify(database):
    with database.read(SYSTEM) as session:
        return audit.verify(session)


def _as_owner(database, *statements):
    """Change the table as somebody would who can switch the guard off."""
    guard = {
        True: ("DROP TRIGGER core_audit_entry_update", "DROP TRIGGER core_audit_entry_delete"),
        False: ("ALTER TABLE core_audit_entry DISABLE TRIGGER USER",),
    }[database.is_sqlite]
    with database.writer.begin() as connection:
        for statement in (*guard, *statements):
            connection.execute(text(statement))


def test_an_untouched_trail_is_sound(trail):
    assert _verify(trail) == []


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE core_audit_entry SET action = 'nothing' WHERE id = 3",
        "UPDATE core_audit_entry SET actor_name = 'somebody' WHERE id = 1",
        "UPDATE core_audit_entry SET at = '2020-01-01' WHERE id = 4",
        "DELETE FROM core_audit_entry WHERE id = 3",
        "DELETE FROM core_audit_entry WHERE id = 1",
        "DELETE FROM core_audit_entry WHERE id >= 5",
        "DELETE FROM core_audit_entry",
        "UPDATE core_audit_entry SET branch_id = 2 WHERE id = 2",
        "DELETE FROM core_audit_head WHERE chain = 1",
        "UPDATE core_audit_head SET entries = 2 WHERE chain = 1",
    ],
)
def test_every_tampering_is_found(statement, trail):
    _as_owner(trail, statement)
    assert _verify(trail)


@pytest.mark.parametrize(
    "statement", ["UPDATE core_audit_entry SET action = 'x'", "DELETE FROM core_audit_entry WHERE id = 1"]
)
def test_the_database_refuses_to_change_or_remove_a_line(statement, trail):
    with pytest.raises(DatabaseError, match="append-only"), trail.writer.begin() as connection:
        connection.execute(text(statement))
    assert _verify(trail) == []


def test_a_line_goes_with_the_change_it_tells(trail):
    with trail.write(SYSTEM) as session:
        audit.record(session, "thing.change")
        session.rollback()
    assert _verify(trail) == []
    with trail.read(SYSTEM) as session:
        assert session.scalar(text("SELECT count(*) FROM core_audit_entry")) == 6


def test_a_system_task_leaves_its_reason(trail):
    with trail.write(system_actor("nightly tidying")) as session:
        assert audit.record(session, "thing.tidy").detail == {"reason": "nightly tidying"}


def test_staff_read_only_the_lines_of_their_branches(trail):
    from sqlalchemy import select

    from core.registry.models import Registry
    from core.security.models import AuditEntry
    from core.security.row_rules import row_rules

    trail.row_rules = row_rules(Registry())
    with trail.read(Actor(1, "Clerk", branch_ids=frozenset({1}))) as session:
        assert set(session.scalars(select(AuditEntry.branch_id))) == {1}
