"""The page of one customer, from outside."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from core.security.actors import system_actor
from core.security.models import AuditEntry
from core.testing.statements import traced
from plugins.crm_customers.models import Customer
from tests.plugins.crm_customers.conftest import STARTED, TODAY, Office

MOST_STATEMENTS = 12
TABS = ("policies", "claims", "vehicles", "receivables", "contacts", "portrait", "sources", "timeline")


@pytest.fixture
def shared(office: Office) -> int:
    """A customer of both branches: a policy of each, a claim and a receivable in the north."""
    customer = office.customer("陆建国", "north", "south")
    north = office.policy(customer, "north", "PDAA0001", "4286.40", plate="浙F12337")
    office.policy(customer, "south", "PDAA0002", "60000.00", start=STARTED + timedelta(days=1))
    office.claim(north, "north", "K1", "580.00", STARTED + timedelta(days=30))
    office.receivable(north, "north", "1029.00", TODAY - timedelta(days=2))
    office.phone(customer, "13812345678")
    office.classify()
    return customer


def page(client, customer: int, query: str = "") -> str:
    answer = client.get(f"/crm_customers/customers/{customer}{query}")
    assert answer.status_code == 200, answer.text[-500:]
    return answer.text


def foot_of(text: str) -> list[str]:
    return re.findall(r'<span class="figure">([\d,.]+)</span>', text.partition("<tfoot>")[2].partition("</tfoot>")[0])


def test_total_of_the_policies_is_the_key_figure(signed_in, shared):
    text = page(signed_in("bo"), shared)

    assert foot_of(text)[0] == "4,286.40"
    assert re.search(
        r'Premium 12 months</span>\s*<div class="mid ">\s*<a [^>]*><span class="figure">4,286.40</span>', text
    )


def test_a_branch_sees_its_own_facts_only(signed_in, shared):
    mine, all_of_them = page(signed_in("bo"), shared), page(signed_in("anna"), shared)

    assert "PDAA0001" in mine
    assert "PDAA0002" not in mine
    assert "60,000.00" not in mine
    assert "1 other branch also looks after this customer" in mine
    assert foot_of(all_of_them)[0] == "64,286.40"


def test_numbers_of_the_whole_company_need_the_permission_for_totals(signed_in, shared):
    mine, all_of_them = page(signed_in("bo"), shared), page(signed_in("anna"), shared)

    assert "64,286.40" not in mine
    assert "64,286.40" in all_of_them


@pytest.mark.parametrize("tab", TABS)
def test_each_tab_costs_a_fixed_number_of_statements(office, signed_in, shared, tab):
    client = signed_in("bo")
    page(client, shared, f"?tab={tab}")

    with traced(office.suite.database.reader) as statements:
        page(client, shared, f"?tab={tab}")

    assert 5 < len(statements) <= MOST_STATEMENTS


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_every_tab_is_shown_in_both_languages(signed_in, shared, language):
    client = signed_in("anna", language)

    assert all("陆建国" in page(client, shared, f"?tab={tab}") for tab in TABS)


def test_a_customer_of_another_branch_looks_like_none(office, signed_in):
    foreign = office.customer("别家客户", "south")
    client = signed_in("bo")

    answers = [client.get(f"/crm_customers/customers/{number}") for number in (foreign, 999_999)]

    assert [answer.status_code for answer in answers] == [404, 404]
    assert "别家客户" not in answers[0].text


def test_timeline_stands_in_order_of_days(signed_in, shared):
    text = page(signed_in("anna"), shared, "?tab=timeline")
    days = re.findall(r'<time class="figure" datetime="([\d-]+)">', text.partition('<ol class="timeline">')[2])

    assert days == sorted(days, reverse=True)
    assert "Loss: 追尾" in text


def test_portrait_shows_evidence_of_each_statement(signed_in, shared):
    text = page(signed_in("anna"), shared, "?tab=portrait")

    assert text.count("<summary>") >= 6
    assert "PDAA0002" in text
    assert "追尾" in text


def test_a_phone_is_masked_until_a_reason_is_given_and_the_view_is_recorded(office, signed_in, shared):
    client = signed_in("bo")
    text = page(client, shared, "?tab=contacts")
    url = re.search(r'action="(/unmask/crm_customers.contact_point/\d+/masked)"', text)[1]

    shown = client.post(url, data={"reason": "call back", "field_id": "x"})

    assert "13812345678" not in text
    assert 'href="tel:13812345678"' in shown.text
    assert 'data-masked="138****5678"' in shown.text
    with office.suite.database.read(system_actor("test")) as session:
        assert session.scalars(select(AuditEntry.action)).all()[-1] == "value.unmask"


def test_a_reader_gets_no_way_to_show_a_masked_number(signed_in, shared):
    assert "/unmask/" not in page(signed_in("ce"), shared, "?tab=contacts")


def test_a_merged_customer_leads_to_the_one_it_became(office, signed_in, shared):
    old = office.customer("陆建囯", "north")
    with office.suite.database.write(system_actor("test")) as session:
        session.get(Customer, old).merged_into_id = shared

    answer = signed_in("bo").get(f"/crm_customers/customers/{old}")

    assert (answer.status_code, answer.headers["location"]) == (303, f"/crm_customers/customers/{shared}")


def test_a_customer_without_anything_is_shown_with_empty_states(office, signed_in):
    fresh = office.customer("新客户", "north")

    text = page(signed_in("bo"), fresh)

    assert "Not classified yet" in text
    assert "No policy in this view." in text
