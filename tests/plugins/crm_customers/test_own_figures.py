"""Figures of the whole company need their right; branch staff see those of their branches, everywhere (CO-06)."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

import pytest

from core.testing.statements import traced
from tests.plugins.crm_customers.conftest import ENDS, STARTED, TODAY, Office

LIST = "/crm_customers/customers"
API = f"/api/v1{LIST}"
FIELDS = ("next_expiry", "policies_in_force", "premium_12m", "earned", "incurred", "claim_count", "receivable")
MOST_STATEMENTS = 12


@pytest.fixture
def shared(office: Office) -> int:
    """A customer of both branches; what the south adds would show in every figure."""
    customer = office.customer("陆建国", "north", "south")
    north = office.policy(customer, "north", "PDAA0001", "4286.40")
    south = office.policy(customer, "south", "PDAA0002", "60000.00", start=STARTED - timedelta(days=200))
    office.claim(north, "north", "K1", "580.00", STARTED + timedelta(days=30))
    office.claim(south, "south", "K2", "7777.00", STARTED + timedelta(days=31))
    office.receivable(north, "north", "1029.00", TODAY + timedelta(days=9))
    office.receivable(south, "south", "333.00", TODAY + timedelta(days=9))
    office.policy(office.customer("王小明", "north"), "north", "PDAA0003", "900.00")
    office.classify()
    return customer


def rows_of(client, query: str = "") -> dict[str, dict]:
    answer = client.get(f"{API}?fields=name,{','.join(FIELDS)},loss_ratio{query}")
    assert answer.status_code == 200, answer.text
    return {row["name"]: row for row in answer.json()["items"]}


def test_the_interface_gives_branch_staff_the_figures_of_their_branches(signed_in, shared):
    mine, company = rows_of(signed_in("bo"))["陆建国"], rows_of(signed_in("anna"))["陆建国"]

    assert (mine["premium_12m"], company["premium_12m"]) == ("4286.40", "64286.40")
    assert (mine["next_expiry"], mine["policies_in_force"]) == (ENDS.isoformat(), 1)
    assert company["next_expiry"] == (ENDS - timedelta(days=200)).isoformat()
    assert (mine["incurred"], mine["claim_count"], mine["receivable"]) == ("580.00", 1, "1029.00")
    assert (company["incurred"], company["claim_count"], company["receivable"]) == ("8357.00", 2, "1362.00")
    assert mine["earned"] != company["earned"]
    assert mine["loss_ratio"] != company["loss_ratio"]


def test_customers_of_one_branch_have_the_same_figures_for_everybody(signed_in, shared):
    assert rows_of(signed_in("bo"))["王小明"] == rows_of(signed_in("anna"))["王小明"]


def test_list_and_export_show_the_same_figures_as_the_page_of_the_customer(signed_in, shared):
    client = signed_in("anna"), signed_in("ce")
    company, south = (each.get(f"{LIST}?columns=name,premium_12m").text for each in client)
    exported = client[1].get(f"{LIST}/export?format=csv&columns=name,premium_12m")

    assert "64,286.40" in company
    assert "60,000.00" in south
    assert "64,286.40" not in south
    assert exported.status_code == 403  # a reader may not export

    file = signed_in("anna").get(f"{LIST}/export?format=csv&columns=name,premium_12m").content
    values = dict(csv.reader(io.StringIO(file.decode("utf-8-sig"))))
    assert values["陆建国"] == "64286.40"


@pytest.mark.parametrize("name", FIELDS)
def test_figures_of_the_company_can_neither_be_asked_for_nor_give_the_order(signed_in, shared, name):
    staff, manager = signed_in("bo"), signed_in("anna")

    least = "2020-01-01" if name == "next_expiry" else "1"
    for query in (f"q={name}:>{least}", f"sort={name}"):
        assert staff.get(f"{API}?{query}").status_code == 422, query
        assert staff.get(f"{LIST}?{query}").status_code == 422, query
        assert staff.get(f"{LIST}/count?{query}").text.count("of 0") == query.startswith("q")
        assert manager.get(f"{API}?{query}").status_code == 200, query


def test_one_record_of_the_interface_leaves_them_out(signed_in, shared):
    mine, company = (signed_in(name).get(f"{API}/{shared}").json() for name in ("bo", "anna"))

    assert set(FIELDS).isdisjoint(mine)
    assert set(FIELDS) <= set(company)


def test_customers_are_found_by_the_end_of_a_policy_of_the_own_branches(signed_in, shared):
    north, south = ENDS, ENDS - timedelta(days=200)
    found = {
        name: [bool(rows_of(signed_in(name), f"&q=expiry:{day}")) for day in (north, south)]
        for name in ("bo", "ce", "anna")
    }

    assert found == {"bo": [True, False], "ce": [False, True], "anna": [True, True]}
    assert "陆建国" not in rows_of(signed_in("bo"), f"&q=-expiry:{north}")
    assert rows_of(signed_in("bo"), f"&q=到期:>={TODAY}").keys() == {"陆建国", "王小明"}


def test_the_list_of_branch_staff_costs_a_fixed_number_of_statements(office, signed_in, shared):
    client = signed_in("bo")
    client.get(LIST)

    with traced(office.suite.database.reader) as statements:
        assert client.get(LIST).status_code == 200

    assert len(statements) <= MOST_STATEMENTS, "\n".join(statements)
