"""Bulk actions from outside: choose, look, run in the background, undo within a day, conflicts listed."""

from __future__ import annotations

import csv
import re
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from core.testing.fixtures import postgres_database
from tests.acceptance.installation import PASSWORD, PATIENCE, Installation, Site

pytestmark = pytest.mark.proof

HEAD = ("客户号", "客户名称", "客户类型", "客户经理工号", "客户经理", "出单机构")
MODEL = "crm_customers.customer"
LIST = "/crm_customers/customers"
PEOPLE = 1_205
"""More than one unit of work."""


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.services)])
def office(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Installation, Site]]:
    """A branch with customers of two account managers, served, on each kind of database."""
    with ExitStack() as left:
        if request.param == "sqlite":
            made: Installation = request.getfixturevalue("installation")
        else:
            url = left.enter_context(contextmanager(postgres_database)())
            made = Installation(tmp_path / "elsewhere", {"BANYAN_DATABASE__URL": url})
            made.run("init")
            made.run("branch", "add", "3304", "嘉兴", "--area-code", "0573")
            made.run("branch", "add", "330481", "海宁", "--parent", "3304")
            for name, role, branch in (("haining", "branch_manager", "330481"), ("anna", "admin", "3304")):
                words = ("--role", role, "--branch", branch, "--password-stdin")
                made.run("user", "add", name, *words, typed=PASSWORD)
        made.load(customers(tmp_path / "customers.csv"), "customer")
        yield made, left.enter_context(made.served())


def customers(file: Path, number: int = PEOPLE) -> Path:
    rows = [(f"K{n}", f"陈{n}", "个人", f"M{n % 2}", ("王伟", "李强")[n % 2], "海宁") for n in range(number)]
    with file.open("w", encoding="utf-8", newline="") as target:
        csv.writer(target).writerows([HEAD, *rows])
    return file


def managers(client: httpx2.Client) -> dict[str, str]:
    """The account managers that the action offers: id by name."""
    page = client.post(f"{LIST}/bulk", data={"action": "crm_customers.assign_manager", "all_matching": "yes"}).text
    return {name: row_id for row_id, name in re.findall(r'<option value="(\d+)"[^>]*>([^<]+)', page)}


def finished(client: httpx2.Client, run: str) -> str:
    until = time.monotonic() + PATIENCE
    while 'hx-trigger="every 1s"' in (page := client.get(run).text):
        assert time.monotonic() < until, page
        time.sleep(0.2)  # the job runs in another process
    return page


def numbers(page: str) -> dict[str, str]:
    return dict(re.findall(r"<dt>([^<]+)</dt><dd>([\d,]+)", page))


@pytest.mark.feature("EX-16", "EX-17")
def test_all_rows_of_a_filter_are_shown_changed_and_taken_back(office: tuple[Installation, Site]) -> None:
    made, site = office
    before = {row["number"]: row["manager_id"] for row in made.rows(MODEL, "number,manager_id")}
    with site.signed_in("haining") as client:
        given = {"action": "crm_customers.assign_manager", "all_matching": "yes"}
        known = managers(client)
        own = re.findall(rf'href="{LIST}/(\d+)"', client.get(f"{LIST}?q=manager_id:王伟").text)[0]
        shown = client.post(f"{LIST}/bulk?q=manager_id:王伟", data=given).text
        assert "603 records are chosen" in shown
        assert shown.count('<th scope="row"') == 10
        answer = client.post(f"{LIST}/bulk/run?q=manager_id:王伟", data={**given, "input_manager": known["李强"]})
        run = answer.headers["location"]

        page = finished(client, run)

        assert numbers(page)["Changed"] == "603"
        assert {row["manager_id"]["title"] for row in made.rows(MODEL, "manager_id")} == {"李强"}
        # What somebody changed since is a conflict: it stays, and is named.
        record = client.get(f"{LIST}/{own}/edit").text
        version = re.findall(r'name="version" value="(\d+)"', record)[0]
        changed = {"version": version, "manager_id": known["王伟"]}
        assert client.post(f"{LIST}/{own}/edit", data=changed).status_code == 303

        client.post(f"{run}/undo")
        page = finished(client, run)

        assert numbers(page)["Taken back"] == "602"
        assert numbers(page)["Changed since, not taken back"] == "1"
        assert f'href="{LIST}/{own}"' in page
        assert {row["number"]: row["manager_id"] for row in made.rows(MODEL, "number,manager_id")} == before
        assert client.post(f"{run}/undo").status_code == 409
    lines = made.rows("core.audit", "action,actor_name", "action:bulk.run,bulk.undone")
    assert {line["actor_name"].casefold() for line in lines} == {"haining"}
    assert sorted(line["action"] for line in lines) == ["bulk.run", "bulk.undone"]


@pytest.mark.feature("EX-16")
def test_ticked_rows_are_changed_and_no_others(installation: Installation, tmp_path: Path) -> None:
    installation.load(customers(tmp_path / "customers.csv", 6), "customer")
    with installation.served() as site, site.signed_in("haining") as client:
        ids = re.findall(r'name="ids" value="(\d+)"', client.get(f"{LIST}?q=manager_id:王伟").text)[:2]
        data = {"action": "crm_customers.assign_manager", "ids": ids, "input_manager": "nobody"}

        page = finished(client, client.post(f"{LIST}/bulk/run", data=data).headers["location"])

        assert numbers(page)["Changed"] == "2"
        assert len(installation.rows(MODEL, "number", "-manager_id:empty")) == 4
        missing = client.post(f"{LIST}/bulk/run", data={**data, "input_manager": ""})
        assert missing.status_code == 422
        assert "This field is required." in missing.text
        assert client.post(f"{LIST}/bulk/run", data={**data, "input_manager": "999"}).status_code == 422


@pytest.mark.feature("EX-16")
def test_another_branch_sees_no_run_and_a_reader_no_action(installation: Installation, tmp_path: Path) -> None:
    installation.load(customers(tmp_path / "customers.csv", 4), "customer")
    installation.run(
        "user", "add", "rita", "--role", "reader", "--branch", "330481", "--password-stdin", typed=PASSWORD
    )
    data = {"action": "crm_customers.assign_manager", "all_matching": "yes", "input_manager": "nobody"}
    with installation.served() as site:
        with site.signed_in("pinghu") as client:
            page = finished(client, client.post(f"{LIST}/bulk/run", data=data).headers["location"])
            assert numbers(page)["Changed"] == "0"
        with site.signed_in("rita") as client:
            assert client.get("/bulk/1").status_code == 404
            assert client.post("/bulk/1/undo").status_code == 404
            assert client.post(f"{LIST}/bulk/run", data=data).status_code == 422
            assert "crm_customers.assign_manager" not in client.get(LIST).text
    assert installation.rows(MODEL, "number", "manager_id:empty") == []


@pytest.mark.feature("EX-16")
def test_a_run_goes_on_after_a_restart(installation: Installation, tmp_path: Path) -> None:
    installation.load(customers(tmp_path / "customers.csv", 4_000), "customer")
    data = {"action": "crm_customers.assign_manager", "all_matching": "yes", "input_manager": "nobody"}
    with installation.served() as site, site.signed_in("haining") as client:
        run = client.post(f"{LIST}/bulk/run", data=data).headers["location"]
    with installation.served() as site, site.signed_in("haining") as client:
        page = finished(client, run)

    assert numbers(page)["Changed"] == "4,000"
    assert len(installation.rows(MODEL, "number", "manager_id:empty")) == 4_000


@pytest.mark.browser
@pytest.mark.feature("EX-16", "EX-17")
@pytest.mark.parametrize(("locale", "width"), [("zh-CN", 390), ("en", 1280)])
def test_the_way_of_a_bulk_action_is_accessible(
    installation: Installation, open_page: Callable[..., Any], tmp_path: Path, locale: str, width: int
) -> None:
    import axe_playwright_python

    installation.load(customers(tmp_path / "customers.csv", 4), "customer")
    script = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text("utf-8")
    page = open_page("haining", LIST, locale, viewport={"width": 1280, "height": 800})
    page.focus(".rows tbody tr:first-child a.row-link")
    page.keyboard.press("x")
    page.click("button[value='crm_customers.assign_manager']")
    page.set_viewport_size({"width": width, "height": 800})
    assert faults(page, script) == []
    page.focus("#input_manager")
    page.select_option("#input_manager", "nobody")
    page.focus("main form .button.primary")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/bulk/\d+"))
    page.wait_for_selector("form[action$='/undo'] button")
    assert faults(page, script) == []
    page.click("form[action$='/undo'] button")
    page.wait_for_selector("#run:not([hx-trigger])")
    assert page.locator("form[action$='/undo']").count() == 0


def faults(page: Any, script: str) -> list[str]:
    page.evaluate(script)
    look = """async () => (await axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa']})).violations
      .map(each => each.id + ': ' + each.nodes.map(node => node.target.join(' ')).join(' | '))"""
    wide = page.evaluate("() => document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return [*page.evaluate(look), *([f"{wide} px too wide"] if wide > 0 else [])]
