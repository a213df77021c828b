"""The search box over customers, vehicles and policies."""

from __future__ import annotations

import pytest

from core.security.actors import Actor
from core.values.resident_id import check_character
from plugins.crm_customers.search_sources import find_customers, find_policies, find_vehicles
from tests.plugins.crm_customers.conftest import Office

BODY = "33040219700101123"
RESIDENT_ID = BODY + check_character(BODY)


@pytest.fixture
def known(office: Office) -> int:
    customer = office.customer("陈美芳", "north")
    office.phone(customer, "13812341907")
    office.document(customer, RESIDENT_ID)
    office.policy(customer, "north", "PDAA330402001", "100", plate="浙F80M08")
    return customer


def hits(office: Office, find, typed: str, branch: str = "north"):
    actor = Actor(1, "Bo", frozenset({"*.view"}), frozenset({office.branches[branch]}), locale="en")
    with office.suite.database.read(actor) as session:
        return find(session, typed, 8)


@pytest.mark.parametrize(
    "typed",
    ["美芳", "陈美", "chenmei", "cmf", "13812341907", "138 1234 1907", "1907", RESIDENT_ID, f"{BODY[:6]}{BODY[8:]}"],
)
def test_a_fragment_finds_the_customer(office, known, typed):
    found = hits(office, find_customers, typed)

    assert [hit.url for hit in found] == [f"/crm_customers/customers/{known}"]


@pytest.mark.parametrize(
    "typed", ["美", "chenmeifang", "13800000000", "1908", "张三", "' OR 1=1 --", '"*', "%", "\x00"]
)
def test_hostile_and_other_texts_find_no_wrong_customer(office, known, typed):
    assert all(hit.title == "陈美芳" for hit in hits(office, find_customers, typed))
    assert typed not in {"13800000000", "1908", "张三"} or not hits(office, find_customers, typed)


@pytest.mark.parametrize("typed", ["浙F80M08", "80M0", "f80m", "M08"])
def test_a_part_of_the_plate_leads_to_the_owner(office, known, typed):
    found = hits(office, find_vehicles, typed)

    assert [hit.url for hit in found] == [f"/crm_customers/customers/{known}"]
    assert found[0].title == "浙F***08"


def test_the_beginning_of_a_policy_number_finds_the_policy(office, known):
    assert [hit.title for hit in hits(office, find_policies, "pdaa3304")] == ["PDAA330402001"]
    assert hits(office, find_policies, "PDAB") == []


@pytest.mark.parametrize(
    ("find", "typed"),
    [(find_customers, "美芳"), (find_customers, "1907"), (find_customers, RESIDENT_ID), (find_vehicles, "80M0"),
     (find_policies, "PDAA330402001")],
)  # fmt: skip
def test_nothing_of_another_branch_is_found(office, known, find, typed):
    assert hits(office, find, typed, "south") == []
