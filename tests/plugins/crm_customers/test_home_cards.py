"""The cards of the home page: every number equals the list it opens."""

from __future__ import annotations

import html
import re
from datetime import timedelta

import pytest

from plugins.crm_customers.models import Customer
from tests.plugins.crm_customers.conftest import TODAY, Office


@pytest.fixture
def customers(office: Office) -> None:
    for number, (link, code, days) in enumerate(
        [
            ("acquire", "unattached", None),
            ("contact", "lead", None),
            ("keep", "standard", 3),
            ("keep", "good", 45),
            ("grow", "good", 80),
        ]
    ):
        customer = office.customer(f"客户{number}", "north", link_code=link, class_code=code)
        if days is not None:
            office.policy(customer, "north", f"P{number}", "100.00", start=TODAY + timedelta(days=days - 364))
    other = office.customer("别家", "south", link_code="keep", class_code="good")
    office.policy(other, "south", "P9", "100.00", start=TODAY - timedelta(days=364))


def number_of_list(client, url: str) -> int:
    path, _, query = html.unescape(url).partition("?")
    text = client.get(f"{path}/count?{query}").text
    return int(re.search(r"of ([\d,]+)", text)[1].replace(",", ""))


def test_each_customer_is_in_one_link_and_each_number_opens_its_list(signed_in, customers):
    client = signed_in("bo")
    text = client.get("/").text
    tiles = re.findall(r'<div class="big"><a href="([^"]+)"><span class="figure">([\d,]+)</span>', text)

    assert [int(number) for _url, number in tiles] == [1, 1, 2, 1]
    assert [number_of_list(client, url) for url, _number in tiles] == [1, 1, 2, 1]
    assert number_of_list(client, "/crm_customers/customers?") == 5


def test_policies_that_end_are_counted_by_span_as_their_lists(signed_in, customers):
    client = signed_in("bo")
    text = client.get("/").text
    spans = re.findall(r'<a href="([^"]+)">\d+–\d+ days <b><span class="figure">(\d+)</span>', text)

    assert [int(number) for _url, number in spans] == [1, 0, 1, 1]
    assert [number_of_list(client, url) for url, _number in spans] == [1, 0, 1, 1]


def test_customers_who_lapsed_are_counted_as_their_list(office, signed_in):
    for number, days in enumerate((3, 400)):
        since = TODAY - timedelta(days=days)
        lapsed = {"link_code": "contact", "class_code": "lead", "class_since": since}
        office.customer(f"脱保{number}", "north", first_insured_on=since - timedelta(days=365), **lapsed)
    office.customer("意向", "north", link_code="contact", class_code="lead", class_since=TODAY)
    client = signed_in("bo")

    found = re.search(r'<a href="([^"]+)">lapsed in 30 days <span class="figure">(\d+)</span>', client.get("/").text)

    assert int(found[2]) == number_of_list(client, found[1]) == 1


def test_overdue_receivables_are_summed_and_listed(office, signed_in):
    customer = office.customer("欠款客户", "north")
    policy = office.policy(customer, "north", "PX1", "500.00")
    office.receivable(policy, "north", "120.50", TODAY - timedelta(days=3))
    office.receivable(policy, "north", "80.00", TODAY + timedelta(days=3))
    client = signed_in("bo")

    text = client.get("/crm_customers/home/overdue").text

    assert "¥120.50" in text
    assert "欠款客户" in text
    assert number_of_list(client, re.search(r'<a href="(/crm_customers/receivables[^"]+)"', text)[1]) == 1


def test_a_new_installation_shows_what_to_do_instead_of_numbers(signed_in):
    text = signed_in("bo").get("/").text

    assert "No policy ends soon" in text


def test_the_premium_of_a_week_opens_its_terms(office, signed_in):
    customer = office.customer("到期客户", "north")
    office.policy(customer, "north", "PW1", "20000.00", start=TODAY - timedelta(days=360))
    client = signed_in("bo")

    text = client.get("/crm_customers/home/premium_due").text

    assert ">2.0<" in text
    assert number_of_list(client, re.search(r'href="(/crm_customers/policy_terms[^"]+)"', text)[1]) == 1


def test_customers_of_the_model_have_a_link_by_default():
    assert Customer.__table__.c.link_code.default.arg == "acquire"
