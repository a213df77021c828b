"""An import in the browser: upload, what was detected, dry run, run, rejects, undo; and typing with an input method."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from core.testing.fixtures import postgres_database, redis_database
from tests.acceptance.installation import PASSWORD, Installation, Site
from tests.acceptance.test_core_files import POLICY, policy, written

YEAR = ("2026-01-01", "2026-12-31")
PATIENCE = 60_000
"""Milliseconds a job may take on a loaded machine."""
CHINESE = {
    "Rejected": "拒绝",
    "Branch": "机构",
    "Download rejected rows with reasons": "下载拒绝行（含原因列）",
    "Undo this import": "撤销这次导入",
    "The import was taken back.": "导入已撤销。",
}


@pytest.fixture
def lists(tmp_path: Path) -> Path:
    """A policy list with a title row, three policies, one without a holder, and a total line."""
    rows = [policy(f"P{number}", name, "100.00", *YEAR) for number, name in enumerate(["陈美芳", "沈建国", "陆小明"])]
    rows.append(policy("P9", "", "1.00", *YEAR))
    return written(tmp_path / "海宁保单清单.csv", POLICY, *rows)


@pytest.fixture
def site(request: pytest.FixtureRequest, installation: Installation, tmp_path: Path) -> Iterator[Site]:
    """The installation with the embedded defaults, and one on PostgreSQL and Redis with a worker of its own."""
    if request.param == "embedded":
        with installation.served() as site:
            yield site
        return
    with ExitStack() as left:
        url, broker = (left.enter_context(contextmanager(each)()) for each in (postgres_database, redis_database))
        made = on_services(tmp_path / "elsewhere", url, broker)
        yield left.enter_context(made.served())


def on_services(folder: Path, url: str, broker: str) -> Installation:
    """An installation that differs from the embedded one by two addresses only, set up by commands."""
    made = Installation(folder, {"BANYAN_DATABASE__URL": url, "BANYAN_BROKER__URL": broker})
    made.run("init")
    made.run("branch", "add", "3304", "嘉兴", "--area-code", "0573")
    made.run("branch", "add", "330481", "海宁", "--parent", "3304", "--area-code", "0573")
    person = ("haining", "--role", "branch_manager", "--branch", "330481", "--password-stdin")
    made.run("user", "add", *person, typed=PASSWORD)
    return made


@pytest.mark.browser
@pytest.mark.parametrize(
    ("site", "locale"),
    [("embedded", "en-US"), pytest.param("services", "zh-CN", marks=pytest.mark.services)],
    indirect=["site"],
)
def test_a_file_is_read_rehearsed_written_and_taken_back(
    open_page: Callable[..., Any], lists: Path, locale: str
) -> None:
    words = CHINESE if locale == "zh-CN" else {word: word for word in CHINESE}
    page = open_page("haining", "/imports/new", locale)
    page.set_input_files("#file", lists)
    page.click("main form .button.primary")
    page.wait_for_url(re.compile(r"/columns"))

    detected = page.inner_text("main")
    assert page.input_value("#profile") == "policy"
    assert page.input_value("#encoding").lower() == "gb18030"
    assert "陈美芳" in detected

    page.click('button[value="dry_run"]')
    page.wait_for_selector(".decide .button.primary", timeout=PATIENCE)
    page.wait_for_selector(".strip .kpi", timeout=PATIENCE)
    rehearsed = page.inner_text("main")
    assert [int(text) for text in page.locator(".strip .kpi .big").all_inner_texts()][:3] == [3, 0, 0]
    assert words["Rejected"] in rehearsed
    assert re.search(r"出单机构\s+" + words["Branch"], rehearsed), rehearsed
    assert page.request.get("/api/v1/crm_customers/policies").json()["items"] == []

    page.click(".decide .button.primary")
    page.wait_for_selector(f"text={words['Undo this import']}", timeout=PATIENCE)
    with page.expect_download() as download:
        page.click(f"text={words['Download rejected rows with reasons']}")
    rejects = Path(download.value.path()).read_text("utf-8-sig").splitlines()
    assert [line.split(",")[0] for line in rejects[1:]] == ["P9"]
    numbers = {row["policy_no"] for row in page.request.get("/api/v1/crm_customers/policies").json()["items"]}
    assert numbers == {"P0", "P1", "P2"}

    page.click(f"text={words['Undo this import']}")
    page.wait_for_selector(f"text={words['The import was taken back.']}", timeout=PATIENCE)
    assert page.request.get("/api/v1/crm_customers/policies").json()["items"] == []


FOREIGN = ("Kundennr", "Wer", "Funk", "Filiale", "Interner Vermerk")


@pytest.mark.browser
@pytest.mark.feature("CO-08")
@pytest.mark.parametrize("site", ["embedded"], indirect=True)
def test_foreign_headers_are_mapped_on_screen_and_known_the_next_time(
    open_page: Callable[..., Any], tmp_path: Path
) -> None:
    """A list no profile knows: columns are chosen on screen, run, and found again in the next delivery."""
    wanted = {"Kundennr": "客户号", "Wer": "客户名称", "Funk": "手机", "Filiale": "三级机构"}
    page = open_page("haining", "/imports/new", "en")
    upload(page, written(tmp_path / "liste1.csv", FOREIGN, ("F1", "陈美芳", "13805731234", "海宁", "VIP")))
    page.select_option("#profile", "customer")
    page.click('button[value="inspect"]')
    page.wait_for_load_state()

    for at, header in enumerate(FOREIGN):
        if header in wanted:
            page.select_option(f'select[name="target-{at}"]', wanted[header])
    page.check('input[name="remember"]')
    page.click('button[value="dry_run"]')
    page.wait_for_selector(".decide .button.primary", timeout=PATIENCE)
    page.click(".decide .button.primary")
    page.wait_for_selector("text=Undo this import", timeout=PATIENCE)

    (first,) = page.request.get("/api/v1/crm_customers/customers").json()["items"]
    assert first["name"] == "陈美芳"

    page.goto("/imports/new")
    upload(page, written(tmp_path / "liste2.csv", FOREIGN, ("F2", "沈建国", "13905735678", "海宁", "")))
    assert page.input_value("#profile") == "customer"
    chosen = {header: page.input_value(f'select[name="target-{at}"]') for at, header in enumerate(FOREIGN)}
    assert {header: bool(chosen[header]) for header in wanted} == dict.fromkeys(wanted, True)


def upload(page: Any, file: Path) -> None:
    """Send a file and wait for its columns."""
    page.set_input_files("#file", file)
    page.click("main form .button.primary")
    page.wait_for_url(re.compile(r"/columns"))


@pytest.mark.browser
@pytest.mark.feature("CU-03")
@pytest.mark.parametrize("site", ["embedded"], indirect=True)
def test_a_word_composed_by_an_input_method_is_searched_once(open_page: Callable[..., Any]) -> None:
    page = open_page("haining", "/", "zh-CN")
    searches: list[str] = []
    page.on("request", lambda request: searches.append(request.url) if "/search?q=" in request.url else None)
    keyboard = page.context.new_cdp_session(page)
    page.keyboard.press("Control+K")
    page.wait_for_selector("#palette-input")

    for typed in ("m", "mei", "meif", "meifang"):
        place = {"selectionStart": len(typed), "selectionEnd": len(typed)}
        keyboard.send("Input.imeSetComposition", {"text": typed, **place})
        page.wait_for_timeout(250)
    composing = list(searches)
    keyboard.send("Input.insertText", {"text": "美芳"})
    page.wait_for_timeout(800)

    assert composing == []
    assert len(searches) == 1
