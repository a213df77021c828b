"""Screens in a real browser under the strict security policy: signing in, lists, export, search, a customer."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.installation import DATA, Installation, Site
from tests.acceptance.test_core_files import CUSTOMER, POLICY, policy, written

pytestmark = pytest.mark.browser
CUSTOMERS = "/crm_customers/customers"


@pytest.fixture
def filled(installation: Installation, tmp_path: Path) -> Installation:
    """Three customers of Haining and one of Pinghu, each with a policy."""
    people = [("K1", "陈美芳", "13805731234"), ("K2", "沈建国", "13905735678"), ("K3", "陆小明", "13705739999")]
    rows = [(key, name, "个人", phone, "", "海宁市硖石街道", "海宁") for key, name, phone in people]
    rows.append(("K4", "平湖服装厂", "单位", "", "0573-85012345", "平湖市", "平湖"))
    installation.load(written(tmp_path / "客户.csv", CUSTOMER, *rows), "customer")
    policies = [
        (*policy(f"P{n}", name, str(1000 * (n + 1)), "2026-01-01", "2026-12-31"), phone)
        for n, (_, name, phone) in enumerate(people)
    ]
    installation.load(written(tmp_path / "保单.csv", (*POLICY, "投保人联系电话"), *policies), "policy")
    return installation


@pytest.fixture
def site(filled: Installation) -> Any:
    with filled.served() as site:
        yield site


def test_a_wrong_password_opens_nothing_and_the_right_one_the_start_page(
    open_page: Callable[..., Any], site: Site
) -> None:
    with site.client() as stranger:
        refused = stranger.post("/login", data={"username": "haining", "password": "wrong"})
        inside = stranger.get(CUSTOMERS)

    page = open_page("haining", "/")

    assert refused.status_code in {401, 422}
    assert inside.status_code in {302, 303, 401}
    assert page.locator("nav").first.is_visible()


@pytest.mark.feature("CO-06")
def test_a_list_shows_the_own_branch_and_follows_a_filter(open_page: Callable[..., Any]) -> None:
    page = open_page("haining", CUSTOMERS)
    everybody = set(page.locator("a.row-link").all_inner_texts())

    page.goto(f"{CUSTOMERS}?q=name:陈美芳")

    assert {"陈美芳", "沈建国", "陆小明"} <= everybody | set(page.locator("tbody").all_inner_texts()[0].split())
    assert "平湖服装厂" not in page.content()
    assert page.locator("a.row-link").count() == 1


def test_an_export_gives_the_rows_of_the_list(site: Site) -> None:
    with site.signed_in("haining") as client:
        answer = client.get(f"{CUSTOMERS}/export?format=csv&columns=number,name&q=name:沈建国")

    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert answer.status_code == 200, answer.text
    assert [row[1] for row in rows[1:]] == ["沈建国"]


@pytest.mark.feature("CU-03")
@pytest.mark.parametrize("typed", ["美芳", "cmf", "chenmeifang", "1234"])
def test_a_fragment_finds_the_customer(open_page: Callable[..., Any], typed: str) -> None:
    page = open_page("haining", f"/search?q={typed}")

    assert "陈美芳" in page.content()


@pytest.mark.feature("CU-02", "CU-11")
def test_people_of_two_branches_see_the_same_customer_page_or_none(open_page: Callable[..., Any], site: Site) -> None:
    page = open_page("haining", f"{CUSTOMERS}?q=name:陈美芳")
    page.locator("a.row-link").first.click()
    page.wait_for_load_state()
    address = page.url.removeprefix(site.url)

    with site.signed_in("city") as city, site.signed_in("pinghu") as pinghu:
        seen, foreign = city.get(address), pinghu.get(address)

    assert "陈美芳" in page.content()
    assert "P0" in page.content()
    assert "13805731234" not in page.content()
    assert (seen.status_code, foreign.status_code) == (200, 404)
    assert "陈美芳" in seen.text


@pytest.mark.portfolio
@pytest.mark.skipif(not DATA.is_dir(), reason="the real portfolios are not beside the checkout")
@pytest.mark.feature("CU-11", "CU-26")
def test_the_page_of_client_a00004947_lists_its_five_vehicles(installation: Installation) -> None:
    installation.load(DATA / "motor_fr_clients/policies_year0.csv.gz", "motor_fr_clients_policies")
    policies = installation.rows("crm_customers.policy", "policy_no,holder_id", "policy_no:A00004947*")
    (holder,) = {each["holder_id"]["id"] for each in policies}

    with installation.served() as site, site.signed_in("anna") as client:
        page = client.get(f"{CUSTOMERS}/{holder}").text

    assert len(policies) == 5
    assert all(each["policy_no"] in page for each in policies)
