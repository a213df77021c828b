"""Lists over HTTP and the command line: tabs, columns, saved filters, order, pages, files; each branch its own."""

from __future__ import annotations

import csv
import html
import io
import json
import re
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlencode

import httpx2
import openpyxl
import pytest

from core.registry.filter_values import today_here
from tests.acceptance.installation import Installation, Site
from tests.acceptance.test_core_files import POLICY, policy, written

LIST = "/crm_customers/customers"
TODAY = today_here()
HEAD = (*POLICY, "投保人联系电话")
CLAIMS = ("赔案号", "保单号", "出险时间", "出险原因", "已决金额", "出单机构")


def cover(number: str, holder: str, phone: str, premium: str, ends_in: int, branch: str) -> tuple[str, ...]:
    """A policy of a year that ends in so many days."""
    end = TODAY + timedelta(days=ends_in)
    start = end - timedelta(days=364)
    return (*policy(number, holder, premium, start.isoformat(), end.isoformat(), branch), phone)


@pytest.fixture(scope="module")
def loaded(module_installation: Installation, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """Sixty customers of Haining: one important, two that end soon, one with many claims; one is also in Pinghu."""
    folder = tmp_path_factory.mktemp("lists")
    covers = [cover(f"P{n}", f"普通{n}", f"1380573{n:04d}", str(500 + n), 200, "海宁") for n in range(56)]
    covers += [
        cover("S1", "将到期甲", "13905730001", "800", 5, "海宁"),
        cover("S2", "将到期乙", "13905730002", "900", 20, "海宁"),
        cover("I1", "重要丙", "13905730003", "60000", 100, "海宁"),
        cover("B1", "多赔丁", "13905730004", "1000", 100, "海宁"),
        cover("Q1", "重要丙", "13905730003", "7000", 100, "平湖"),
        cover("Q2", "平湖戊", "13905730005", "70000", 3, "平湖"),
    ]
    module_installation.load(written(folder / "保单.csv", HEAD, *covers), "policy")
    days = [(TODAY - timedelta(days=each)).isoformat() for each in (30, 60, 90)]
    losses = [(f"L{n}", "B1", day, "碰撞", "9000", "海宁") for n, day in enumerate(days)]
    module_installation.load(written(folder / "赔案.csv", CLAIMS, *losses), "claim")
    module_installation.json("classify")
    return module_installation


@pytest.fixture(scope="module")
def site(loaded: Installation) -> Iterator[Site]:
    with loaded.served() as site:
        yield site


@pytest.fixture(scope="module")
def haining(site: Site) -> Iterator[httpx2.Client]:
    with site.signed_in("haining") as client:
        yield client


def names(page: str) -> list[str]:
    return [html.unescape(name) for name in re.findall(r'class="row-link" href="[^"]+">([^<]*)', page)]


@pytest.mark.feature("CU-04")
def test_three_tabs_sort_renewals_important_and_blacklisted_and_count_what_the_command_line_finds(
    loaded: Installation, haining: httpx2.Client
) -> None:
    (address,) = re.findall(r'id="tabs" hx-get="([^"]+)"', haining.get(LIST).text)
    strip = haining.get(html.unescape(address)).text
    tabs = {
        label: (html.unescape(url), int(number))
        for url, label, number in re.findall(r'<a href="([^"]+)"[^>]*>([^<]+) <small>([\d,]+)</small></a>', strip)
    }
    expected = {
        "Ends in 30 days": ({"将到期甲", "将到期乙"}, "expiry:<30d"),
        "Important": ({"重要丙"}, "important:yes"),
        "Blacklist candidates": ({"多赔丁"}, "blacklist_candidate:yes"),
    }

    for label, (people, query) in expected.items():
        url, number = tabs[label]
        counted = {row["name"] for row in loaded.rows("crm_customers.customer", "name", query, user="haining")}
        assert set(names(haining.get(url).text)) == counted == people, label
        assert number == len(people), label


def test_columns_are_chosen_by_the_person_and_stay_chosen(site: Site) -> None:
    with site.signed_in("haining") as client, site.signed_in("city") as other:
        client.post(f"{LIST}/columns", data={"columns": ["name", "sex", "occupation"]})
        mine, theirs = (re.findall(r'<th scope="col"[^>]*>(.*?)</th>', each.get(LIST).text) for each in (client, other))
        client.post(f"{LIST}/columns", data={"reset": "yes"})
        reset = re.findall(r'<th scope="col"[^>]*>(.*?)</th>', client.get(LIST).text)

    heads = [re.sub(r"<[^>]+>", "", head) for head in mine]
    assert [head for head in heads if head] == ["Name", "Sex", "Occupation"]
    assert len(theirs) == len(reset) > len(mine)


def test_a_filter_is_kept_under_a_name_and_opened_from_its_tab(haining: httpx2.Client) -> None:
    query = urlencode({"q": "name:普通1", "sort": "number"})
    saved = haining.post(f"{LIST}/views/new?{query}", data={"name": "普通一"})
    page = haining.get(LIST).text
    (url,) = re.findall(r'<a href="([^"]+)"[^>]*>普通一', page)
    opened = haining.get(html.unescape(url)).text

    assert saved.status_code == 303, saved.text
    assert names(opened) == ["普通1", *(f"普通1{n}" for n in range(10))]


@pytest.mark.parametrize("order", ["name", "number", "-number", "-name"])
def test_pages_show_every_row_once_in_order(haining: httpx2.Client, order: str) -> None:
    found, address, pages = [], f"{LIST}?sort={order}", 0
    while address:
        page = haining.get(address).text
        found += names(page)
        following = re.findall(r'<a class="button" href="([^"]+)" rel="next"', page)
        address, pages = (html.unescape(following[0]) if following else ""), pages + 1
    exported = haining.get(f"{LIST}/export", params={"format": "csv", "columns": "name", "sort": order})
    rows = list(csv.reader(io.StringIO(exported.content.decode("utf-8-sig"))))[1:]

    assert pages == 2
    assert found == [row[0] for row in rows]
    assert len(found) == len(set(found)) == 60


def _sheet(content: bytes) -> list[list[str]]:
    assert zipfile.is_zipfile(io.BytesIO(content))
    rows = openpyxl.load_workbook(io.BytesIO(content), read_only=True).worksheets[0].iter_rows(values_only=True)
    return [["" if value is None else str(value) for value in row] for row in rows]


@pytest.mark.feature("CO-06")
def test_files_of_a_branch_hold_its_rows_and_its_figures_only(loaded: Installation, site: Site, tmp_path: Path) -> None:
    asked = {"columns": "name,premium_12m,policies_in_force", "q": "name:重要丙,平湖戊"}
    with site.signed_in("haining") as client:
        as_csv = client.get(f"{LIST}/export", params={**asked, "format": "csv"}).content.decode("utf-8-sig")
        as_sheet = client.get(f"{LIST}/export", params={**asked, "format": "xlsx"}).content
    command = loaded.rows("crm_customers.customer", "name,premium_12m,policies_in_force", asked["q"], user="haining")
    company = loaded.rows("crm_customers.customer", "name,premium_12m,policies_in_force", asked["q"])
    policies = loaded.rows("crm_customers.policy", "policy_no", "policy_no:I1,Q1,Q2", user="haining")
    out = tmp_path / "policies.csv"
    loaded.run("export", "crm_customers.policy", "--fields", "policy_no", "--as", "haining", "--output", out)

    assert list(csv.reader(io.StringIO(as_csv)))[1:] == [["重要丙", "60000.00", "1"]]
    assert [[name, float(premium), count] for name, premium, count in _sheet(as_sheet)[1:]] == [
        ["重要丙", 60000.0, "1"]
    ]
    assert [(row["name"], row["premium_12m"], row["policies_in_force"]) for row in command] == [
        ("重要丙", "60000.00", 1)
    ]
    assert {row["name"]: row["premium_12m"] for row in company} == {"重要丙": "67000.00", "平湖戊": "70000.00"}
    assert [row["policy_no"] for row in policies] == ["I1"]
    written_numbers = {line.strip() for line in out.read_text("utf-8-sig").splitlines()[1:]}
    assert "Q1" not in written_numbers
    assert len(written_numbers) == 60


def test_an_export_that_asks_for_another_branch_gives_nothing_of_it(
    loaded: Installation, haining: httpx2.Client
) -> None:
    answer = haining.get(f"{LIST}/export", params={"format": "csv", "columns": "name", "q": "name:平湖戊"})
    found = json.loads(haining.get("/api/v1/crm_customers/policies", params={"q": "policy_no:Q2"}).text)["items"]

    assert len(answer.content.decode("utf-8-sig").splitlines()) == 1
    assert found == []
    assert loaded.rows("crm_customers.customer", "name", "name:平湖戊", user="haining") == []
