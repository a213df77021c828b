"""The third layer: what a plain SQL connection of the application's role sees on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import make_url, select, text

from core.app import Suite
from core.crypto import create_keys
from core.health import check_all
from core.installation import initialise
from core.security import audit
from core.security.actors import Actor, system_actor
from core.security.branches import add_branch
from core.security.models import AuditEntry
from core.testing.fixtures import make_settings, postgres_database

pytestmark = pytest.mark.services
SYSTEM = system_actor("test data")


@pytest.fixture
def addresses() -> Iterator[tuple[str, str]]:
    """(owner's, application's) address of an empty database."""
    for owner in postgres_database():
        role = f"banyan_{uuid4().hex[:8]}"
        with psycopg.connect(owner, autocommit=True) as connection:
            connection.execute(f"CREATE ROLE {role} LOGIN NOSUPERUSER NOBYPASSRLS")
        yield owner, make_url(owner).set(username=role).render_as_string(hide_password=False)
        with psycopg.connect(owner, autocommit=True) as connection:
            connection.execute(f"DROP OWNED BY {role}")
            connection.execute(f"DROP ROLE {role}")


@pytest.fixture
def suite(addresses: tuple[str, str], tmp_path) -> Iterator[Suite]:
    owner, application = addresses
    create_keys(tmp_path / "keys" / "vault.json")
    settings = make_settings(tmp_path, ("crm_customers",), (), application)
    database = replace(settings.database, owner_url=owner)
    suite, _ = initialise(replace(settings, database=database))
    with suite.database.write(SYSTEM) as session:
        for code in ("N", "S"):
            branch = add_branch(session, code, code)
            audit.record(session, "login.accepted", branch_id=branch.id)
    yield suite
    suite.close()


def lines(connection: psycopg.Connection, branches: str = "") -> set[int | None]:
    with connection.transaction():
        if branches:
            connection.execute("SELECT set_config('banyan.branches', %s, true)", (branches,))
        return {row[0] for row in connection.execute("SELECT branch_id FROM core_audit_entry").fetchall()}


def test_a_plain_connection_sees_nothing_before_it_names_branches(suite: Suite, addresses: tuple[str, str]) -> None:
    north, south = branches(suite)
    with psycopg.connect(addresses[1]) as connection:
        assert lines(connection) == set()
        assert lines(connection, str(north)) - {None} == {north}
        assert lines(connection, f"{north},{south}") - {None} == {north, south}
        # The name ends with its transaction: the next one on the same connection sees nothing again.
        assert lines(connection) == set()


def test_every_table_with_a_branch_is_protected(suite: Suite, addresses: tuple[str, str]) -> None:
    query = (
        "SELECT table_name FROM information_schema.columns WHERE column_name = 'branch_id' AND table_schema = 'public'"
    )
    with psycopg.connect(addresses[1]) as connection:
        names = {row[0] for row in connection.execute(query).fetchall()} - suite.database.shared_tables
        assert {"core_audit_entry", "crm_customers_policy"} <= names
        for name in names:
            assert connection.execute(f'SELECT count(*) FROM "{name}"').fetchone() == (0,), name


def test_sessions_of_the_application_see_what_their_actor_may(suite: Suite) -> None:
    north, south = branches(suite)
    seen = {}
    for name, actor in {
        "north": Actor(1, "N", branch_ids=frozenset({north})),
        "nowhere": Actor(1, "X"),
        "system": SYSTEM,
    }.items():
        with suite.database.read(actor) as session:
            # Plain text escapes the row rules of the session: this is what the third layer is for.
            seen[name] = set(session.connection().execute(text("SELECT branch_id FROM core_audit_entry")).scalars())
            assert set(session.scalars(select(AuditEntry.branch_id))) <= seen[name]
    assert seen["north"] - {None} == {north}
    assert seen["nowhere"] - {None} == set()
    assert {north, south} <= seen["system"]


def test_a_session_that_learns_its_actor_later_is_bound_too(suite: Suite) -> None:
    north, _ = branches(suite)
    with suite.database.read(None) as session:
        session.connection()
        session.actor = Actor(1, "N", branch_ids=frozenset({north}))
        found = session.connection().execute(text("SELECT branch_id FROM core_audit_entry")).scalars()
        assert set(found) - {None} == {north}


def test_a_foreign_row_cannot_be_written_and_the_trail_only_grows(suite: Suite, addresses: tuple[str, str]) -> None:
    north, south = branches(suite)
    insert = (
        "INSERT INTO core_setting (name, branch_id, value, changed_by, created_at, changed_at) "
        "VALUES ('x', %s, '1', '', now(), now())"
    )
    with psycopg.connect(addresses[1]) as connection:
        connection.execute("SELECT set_config('banyan.branches', %s, true)", (str(north),))
        connection.execute(insert, (north,))
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(insert, (south,))
    for statement in ("UPDATE core_audit_entry SET action = 'x'", "DELETE FROM core_audit_entry"):
        with psycopg.connect(addresses[1]) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement)
    with suite.database.write(Actor(1, "N", branch_ids=frozenset({north}), home_branch_id=north)) as session:
        audit.record(session, "logout")


def test_doctor_says_whether_the_database_keeps_branches_apart(suite: Suite, addresses: tuple[str, str]) -> None:
    def told() -> str:
        return next(check.text for check in check_all(suite) if check.id == "row_security")

    assert told() == "the database itself keeps branches apart"
    with psycopg.connect(addresses[0]) as connection:
        connection.execute("DROP POLICY banyan_branches ON core_setting")
    assert "no policy on core_setting" in told()


def branches(suite: Suite) -> tuple[int, int]:
    with suite.database.read(SYSTEM) as session:
        north, south = session.scalars(text("SELECT id FROM core_branch ORDER BY code")).all()
    return north, south
