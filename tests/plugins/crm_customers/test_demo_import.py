"""The demonstration portfolio gives exactly its control figures, twice, and undone leaves nothing."""

from collections import Counter
from datetime import date

import pytest
from sqlalchemy import text

from core.app import build_suite
from core.crypto import create_keys
from core.db.base import Base
from core.imports.batches import Importer
from core.imports.undo import undo_batch
from core.security.actors import system_actor
from core.security.models import Branch, Grant, User
from core.security.permissions import CORE_ROLES, sync_roles
from core.testing.fixtures import make_settings
from plugins.crm_customers.demo import write_portfolio
from plugins.crm_customers.demo_run import ACTOR, import_files, make_offices
from plugins.crm_customers.duplicate_candidates import find_candidates
from plugins.crm_customers.screens import ROLES

CUSTOMERS, VEHICLES = 800, 1500
CODES = {"impossible_date": "invalid_date", "bad_amount": "invalid_amount", "missing_name": "value_missing"}
"""Reasons of the portfolio -> codes of the import, where they differ."""
FACTS = ("policy", "policy_term", "insured_item", "endorsement", "claim", "receivable", "vehicle", "registry_vehicle")
PEOPLE = ("customer", "customer_identity", "contact_point", "address", "customer_branch", "customer_source")


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """A suite with the offices and the whole portfolio imported once."""
    folder = tmp_path_factory.mktemp("demo")
    create_keys(folder / "keys" / "vault.json")
    suite = build_suite(make_settings(folder, ("crm_customers",)))
    Base.metadata.create_all(suite.database.writer)
    with suite.database.write(ACTOR) as session:
        sync_roles(session, [*CORE_ROLES, *ROLES])
        make_offices(session)
    portfolio = write_portfolio(folder / "demo", date(2026, 11, 21), CUSTOMERS, VEHICLES)
    import_files(suite, portfolio.files, lambda done, total, note: None, lambda: None)
    yield suite, portfolio
    suite.close()


def ask(suite, sql: str, **values):
    with suite.database.reader.connect() as connection:
        return connection.execute(text(sql), values).all()


def number(suite, sql: str) -> int:
    with suite.database.reader.connect() as connection:
        return connection.execute(text(sql)).scalar()


def table(name: str) -> str:
    return f"crm_customers_{name}"


def test_the_offices_and_their_staff_are_there_without_passwords(demo):
    suite, _ = demo
    with suite.database.read(system_actor("test")) as session:
        branches = {branch.code: branch for branch in session.query(Branch)}
        staff = session.query(User).all()
        assert len(branches) == 8
        assert {branch.parent_id for branch in branches.values()} == {None, branches["330400"].id}
        assert len(staff) == 22
        assert (
            session.query(Grant).count() == 23
        )  # the head of the centre sees the figures of the whole company besides
        assert all(user.password_hash is None for user in staff)


def test_each_clerk_is_an_account_manager_with_customers(demo):
    suite, _ = demo
    mine = ask(
        suite,
        "SELECT u.username, u.name = m.name, COUNT(c.id) FROM core_user u "
        f"LEFT JOIN {table('account_manager')} m ON m.code = u.staff_code "
        f"LEFT JOIN {table('customer')} c ON c.manager_id = m.id "
        "WHERE u.username LIKE 'clerk%' GROUP BY u.username, m.name",
    )

    assert len(mine) == 14
    assert all(same_name and number for _, same_name, number in mine)


def test_every_file_is_accounted_for_row_by_row(demo):
    suite, portfolio = demo
    batches = {row.file_name: row for row in ask(suite, "SELECT * FROM core_import_batch")}
    assert len(batches) == len(portfolio.files)
    for file in portfolio.files:
        batch = batches[file.path.name]
        assert batch.state == "done"
        assert batch.read == file.rows == batch.new + batch.changed + batch.same + batch.rejected
        assert batch.same == file.same


def test_rows_are_rejected_for_the_reasons_that_were_put_in(demo):
    suite, portfolio = demo
    sql = (
        "SELECT json_extract(r.errors, '$[0].code') FROM core_import_reject r "
        "JOIN core_import_batch b ON b.id = r.batch_id WHERE b.file_name = :name"
    )
    for file in portfolio.files:
        found = Counter(row[0] for row in ask(suite, sql, name=file.path.name))
        assert found == {CODES.get(reason, reason): rows for reason, rows in file.rejected.items()}, file.path.name


def test_every_rejected_row_keeps_its_cells(demo):
    suite, _ = demo
    assert number(suite, "SELECT count(*) FROM core_import_reject WHERE cells IS NULL") == 0


@pytest.mark.parametrize(
    ("figure", "sql"),
    [
        ("customers", "SELECT count(*) FROM crm_customers_customer"),
        ("organisations", "SELECT count(*) FROM crm_customers_customer WHERE kind = 'organisation'"),
        ("managers", "SELECT count(*) FROM crm_customers_account_manager"),
        ("policies", "SELECT count(*) FROM crm_customers_policy"),
        ("endorsements", "SELECT count(*) FROM crm_customers_endorsement"),
        (
            "premium",
            "SELECT (SELECT sum(premium) FROM crm_customers_policy_term)"
            " + (SELECT sum(premium_change) FROM crm_customers_endorsement)",
        ),
        ("claims", "SELECT count(*) FROM crm_customers_claim"),
        ("paid", "SELECT sum(paid) FROM crm_customers_claim"),
        ("outstanding", "SELECT sum(outstanding) FROM crm_customers_claim"),
        ("receivables", "SELECT count(*) FROM crm_customers_receivable"),
        ("receivable_open", "SELECT sum(amount_due - amount_paid) FROM crm_customers_receivable"),
        ("vehicles", "SELECT count(*) FROM crm_customers_vehicle"),
        ("registry_vehicles", "SELECT count(*) FROM crm_customers_registry_vehicle"),
    ],
)
def test_figures_equal_the_control_to_the_cent(demo, figure, sql):
    suite, portfolio = demo
    assert number(suite, sql) == portfolio.figures()[figure]


def test_persons_of_one_name_alone_are_not_even_candidates(demo):
    suite, _ = demo
    namesakes = (
        "SELECT count(*) FROM (SELECT 1 FROM crm_customers_customer WHERE kind = 'person' AND name <> '' "
        "GROUP BY name_key HAVING count(*) > 1)"
    )
    alone = "SELECT count(*) FROM crm_customers_duplicate_candidate WHERE reasons = '[\"name\"]'"
    with suite.database.write(system_actor("test")) as session:
        find_candidates(session, [row.id for row in session.execute(text("SELECT id FROM crm_customers_customer"))])
        stored = session.execute(text(alone)).scalar()
        session.rollback()

    assert number(suite, namesakes) > 0
    assert stored == 0


def test_every_customer_can_be_reached_by_the_phone_that_was_delivered(demo):
    suite, _ = demo
    sql = (
        "SELECT count(*) FROM crm_customers_customer c WHERE NOT EXISTS "
        "(SELECT 1 FROM crm_customers_contact_point p WHERE p.customer_id = c.id)"
    )
    assert number(suite, sql) == 0


def test_a_second_delivery_changes_nothing_and_undo_leaves_nothing(demo):
    suite, portfolio = demo
    importer = Importer(suite)
    before = {name: number(suite, f"SELECT count(*) FROM {table(name)}") for name in (*PEOPLE, *FACTS)}
    for file in portfolio.files:
        report = importer.run(importer.start(ACTOR, file.path, file.path.name, file.profile, file.branch))
        assert (report.counts.new, report.counts.changed) == (0, 0), file.path.name
    assert {name: number(suite, f"SELECT count(*) FROM {table(name)}") for name in before} == before

    batches = [row[0] for row in ask(suite, "SELECT id FROM core_import_batch ORDER BY id DESC")]
    for batch in batches:
        report = undo_batch(suite, importer.library.targets, ACTOR, batch)
        assert report.kept == [], batch
    assert {name: number(suite, f"SELECT count(*) FROM {table(name)}") for name in before} == dict.fromkeys(before, 0)
    assert number(suite, "SELECT count(*) FROM core_search") == 0
