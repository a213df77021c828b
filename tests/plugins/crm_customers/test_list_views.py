"""Tabs and filters of the customers list: what they find is what they count (CU-04)."""

from __future__ import annotations

import html
import json
import re
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from core.commands.export import run_export
from core.security.actors import system_actor
from core.security.models import Branch, User
from core.security.permissions import give_role
from plugins.crm_customers.models import AccountManager
from tests.plugins.crm_customers.conftest import TODAY, Office

LIST = "/crm_customers/customers"


@pytest.fixture
def book(office: Office) -> dict[str, int]:
    """Three customers of the north, one of the south."""
    (manager,) = office.add(AccountManager(code="S001", name="Bo"))
    with office.suite.database.write(system_actor("test data")) as session:
        session.scalars(select(User).where(User.username == "bo")).one().staff_code = "S001"
    soon, later = TODAY - timedelta(days=350), TODAY - timedelta(days=200)
    mei = office.customer("陈美芳", "north", manager_id=manager, township="硖石街道", important=True)
    guo = office.customer("沈建国", "north", blacklist_candidate=True, township="海昌街道")
    hua = office.customer("陆丽华", "north")
    foreign = office.customer("别家", "south", important=True, blacklist_candidate=True)
    office.policy(mei, "north", "P1", "100.00", start=soon, plate="浙F12337")
    office.policy(guo, "north", "P2", "100.00", start=later, plate="浙F99123")
    office.policy(foreign, "south", "P3", "100.00", start=soon, plate="浙F12339")
    office.phone(mei, "13812345678")
    office.phone(guo, "13912340000")
    office.phone(foreign, "13712345678")
    return {"mei": mei, "guo": guo, "hua": hua}


def names(client, query: str) -> list[str]:
    answer = client.get(LIST, params={"q": query})
    assert answer.status_code == 200, answer.text[-300:]
    return re.findall(r'class="row-link" href="[^"]+">([^<]*)', answer.text)


def test_the_tabs_stand_above_the_list_and_their_numbers_are_those_of_their_lists(signed_in, book):
    client = signed_in("bo")
    page = client.get(LIST).text
    (address,) = re.findall(r'id="tabs" hx-get="([^"]+)"', page)
    strip = client.get(html.unescape(address)).text
    tabs = re.findall(r'<a href="([^"]+)"[^>]*>([^<]+) <small>([^<]+)</small></a>', strip)

    assert [(label, number) for _, label, number in tabs] == [
        ("All", "3"),
        ("My customers", "1"),
        ("Ends in 30 days", "1"),
        ("Important", "1"),
        ("Blacklist candidates", "1"),
    ]
    for url, label, number in tabs:
        path, _, query = html.unescape(url).partition("?")
        assert re.search(r"of ([\d,]+)<", client.get(f"{path}/count?{query}").text)[1] == number, label
        shown = client.get(html.unescape(url)).text
        assert shown.count('class="row-link"') == int(number), label
        assert re.search(rf'aria-current="page">{label}', shown), label
        assert "View changed" not in shown


def test_a_changed_tab_can_be_saved_or_taken_back(signed_in, book):
    page = (
        signed_in("bo").get(LIST, params={"view": "crm_customers.important", "q": "important:yes township:海昌"}).text
    )

    assert "View changed" in page
    assert 'aria-current="page">Important' in page


def test_an_unknown_tab_is_the_tab_of_all(signed_in, book):
    page = signed_in("bo").get(f"{LIST}?view=nobody.knows").text

    assert 'aria-current="page">All' in page


@pytest.mark.parametrize("model", ["policies", "receivables", "registry_vehicles"])
def test_other_lists_have_tabs_too(signed_in, book, model):
    client = signed_in("bo", "zh-CN")
    strip = client.get(f"/crm_customers/{model}/tabs")

    assert strip.status_code == 200
    assert strip.text.count("<small>") >= 3


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("plate:F1233", ["陈美芳"]),
        ("plate:浙F", ["沈建国", "陈美芳"]),
        ("车牌:f·1233", ["陈美芳"]),
        ("plate:123", ["沈建国", "陈美芳"]),
        ("phone:5678", ["陈美芳"]),
        ('phone:"138 1234 5678"', ["陈美芳"]),
        ("phone:13712345678", []),
        ("manager:me", ["陈美芳"]),
        ("客户经理:我", ["陈美芳"]),
        ("-manager:me", ["陆丽华", "沈建国"]),
        ("township:街道", ["沈建国", "陈美芳"]),
        ("township:硖石 expiry:<30d", ["陈美芳"]),
    ],
)
def test_customers_are_filtered_in_the_address(signed_in, book, query, found):
    assert names(signed_in("bo"), query) == found


@pytest.mark.parametrize("query", ["plate:F", "phone:12", "phone:none-of-it"])
def test_parts_that_would_find_nearly_all_are_refused_with_a_cure(signed_in, book, query):
    answer = signed_in("bo").get(LIST, params={"q": query})

    assert answer.status_code == 422
    assert "Write" in answer.text


def test_the_command_line_takes_the_same_filters(office, book, tmp_path: Path):
    file = tmp_path / "found.json"
    with office.suite.database.write(system_actor("test data")) as session:
        user = session.scalars(select(User).where(User.username == "bo")).one()
        give_role(session, user, "branch_manager", session.get_one(Branch, user.home_branch_id))
    number = run_export(
        office.suite,
        "crm_customers.customer",
        ("name",),
        "manager:me plate:F12",
        kind="json",
        output=file,
        username="bo",
    )

    assert number == 1
    assert [row["name"] for row in json.loads(file.read_text("utf-8"))] == ["陈美芳"]
