"""What the plugin does, through its screens, its job and its import; the kit of Banyan gives the fixtures."""

from datetime import timedelta

import pytest
from core.api import Importer, system_actor, today_here
from sqlalchemy import select

from acme_visits.models import Visit

OLD = today_here() - timedelta(days=400)


@pytest.fixture
def customer(make_record, branch_tree):
    return make_record("crm_customers.customer", name="张三")


@pytest.fixture
def visit(make_record, branch_tree, customer):
    values = {"customer_id": customer, "branch_id": branch_tree["north"], "due_on": OLD}
    return make_record("acme_visits.visit", text="call back", **values)


def test_a_visit_is_written_in_the_form_and_stands_in_the_list(client_as, customer):
    client = client_as("admin")
    sent = {"customer_id": str(customer), "text": "likes tea", "branch_id": ""}

    answer = client.post("/acme_visits/visits/new", data=sent)

    assert answer.status_code == 303, answer.text
    assert "likes tea" in client.get("/acme_visits/visits").text


def test_the_page_of_a_customer_shows_open_visits_and_offers_a_new_one(client_as, customer, visit):
    page = client_as("admin").get(f"/crm_customers/customers/{customer}").text

    assert "call back" in page
    assert f"/acme_visits/visits/new?customer_id={customer}" in page


def test_the_list_of_customers_has_the_column_and_the_filter(client_as, visit):
    client = client_as("admin")

    assert "张三" in client.get("/crm_customers/customers?q=acme_visits_open:yes&columns=name,acme_visits_visits").text
    assert "张三" not in client.get("/crm_customers/customers?q=acme_visits_open:no").text


def test_another_branch_sees_no_visit(client_as, visit):
    assert "call back" in client_as("reader", "north").get("/acme_visits/visits").text
    assert "call back" not in client_as("reader", "south").get("/acme_visits/visits").text


def test_the_overview_counts_late_visits(client_as, visit):
    assert "Late" in client_as("admin").get("/acme_visits/overview").text


def test_old_visits_are_forgotten_once_they_were_dealt_with(run_job, suite, visit, make_record, customer, branch_tree):
    values = {"customer_id": customer, "branch_id": branch_tree["north"], "due_on": OLD}
    make_record("acme_visits.visit", text="done", done=True, **values)

    outcome = run_job("acme_visits.forget_old")

    assert outcome.state == "done"
    assert outcome.result == {"forgotten": 1}
    with suite.database.read(outcome.actor) as session:
        assert list(session.scalars(select(Visit.text))) == ["call back"]


def test_wishes_stand_in_the_form_of_a_customer_and_in_the_list(client_as, customer):
    client = client_as("admin")
    form = client.get(f"/crm_customers/customers/{customer}/edit").text
    assert "acme_visits.customer_wish:best_time" in form

    version = form.partition('name="version" value="')[2].partition('"')[0]
    sent = {"version": version, "name": "张三", "acme_visits.customer_wish:best_time": "evening"}
    answer = client.post(f"/crm_customers/customers/{customer}/edit", data=sent)

    assert answer.status_code == 303, answer.text
    assert "Evening" in client.get(f"/crm_customers/customers/{customer}").text
    assert "张三" in client.get("/crm_customers/customers?q=acme_visits_best_time:evening").text
    assert "张三" not in client.get("/crm_customers/customers?q=acme_visits_best_time:morning").text


def test_a_file_of_visits_is_imported_and_each_finds_its_customer(suite, customer, add_source_key, tmp_path):
    add_source_key(customer, "core", "C1")
    file = tmp_path / "visits.csv"
    file.write_text("走访编号,客户编号,目的,内容,日期\n1,C1,续保,喜欢喝茶,2026-11-20\n2,C9,续保,未知客户,\n", "utf-8")
    importer, actor = Importer(suite), system_actor("test of an import")

    report = importer.run(importer.start(actor, file, file.name, "acme_visits_visits", "330402"))

    assert (report.counts.new, report.counts.rejected) == (1, 1)
    with suite.database.read(actor) as session:
        assert [(row.text, row.customer_id) for row in session.scalars(select(Visit))] == [("喜欢喝茶", customer)]
