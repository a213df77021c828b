"""Every page of the menu and the pages behind it: no serious fault of accessibility, nothing wider than the window."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.acceptance.installation import PASSWORD, PATIENCE, Installation, Site
from tests.acceptance.test_core_files import CUSTOMER, POLICY, policy, written

pytestmark = pytest.mark.browser
DESKTOP, PHONE = 1440, 390
WIDTHS = {DESKTOP: 900, PHONE: 844}
"""Widths of the window with their heights: a desktop and a phone."""
DELIVERED = (
    ("K1", "陈美芬", "个人", "13805731201", "", "海宁市硖石街道", "海宁"),
    ("K2", "", "个人", "13805731202", "", "海宁市硖石街道", "海宁"),
    ("K77", "沈建国", "个人", "13805731277", "", "海宁市硖石街道", "海宁"),
)
"""A file with a changed name, a rejected row, a new customer."""
MISSING, REFUSED = "/no/such/page", "/crm_customers/customers?q=nothing:here"
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"], "resultTypes": ["violations"]}
LOOK = """async rules => {
  const found = rules ? (await axe.run(document, rules)).violations : [];
  const bad = found.filter(each => ['serious', 'critical'].includes(each.impact));
  return {
    faults: bad.map(each => each.id + ': ' + each.nodes.slice(0, 3).map(node => node.target.join(' ')).join(' | ')),
    wide: document.documentElement.scrollWidth - document.documentElement.clientWidth,
  };
}"""
LOADED = "() => !document.querySelector('[hx-trigger=load] .skeleton, #list-count:empty')"
"""What is fetched after a page is there."""


@pytest.fixture(scope="module")
def site(module_installation: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Some customers with policies, and an import with rejected rows."""
    folder, today = tmp_path_factory.mktemp("files"), date.today()  # noqa: DTZ011 -- only relative to the policies' days
    people = [(f"K{n}", f"陈美芳{n}", "个人", f"138057312{n:02d}", "", "海宁市硖石街道", "海宁") for n in range(12)]
    people.append(("K99", "浙江海宁经编产业园区开发有限公司", "单位", "", "0573-87001234", "海宁市马桥街道", "海宁"))
    module_installation.load(written(folder / "客户.csv", CUSTOMER, *people), "customer")
    start = today - timedelta(days=345)
    dates = (start.isoformat(), (start + timedelta(days=364)).isoformat())
    policies = [policy(f"P{n:03d}", name, str(900 * (n + 1)), *dates) for n, (_, name, *_rest) in enumerate(people)]
    policies += [policy("P900", "王小明", "见批单", *dates), policy("P901", "王小明", "100", dates[1], dates[0])]
    module_installation.load(written(folder / "保单.csv", POLICY, *policies), "policy")
    module_installation.run("classify")
    with module_installation.served() as served:
        yield served


@pytest.fixture(scope="module")
def addresses(site: Site, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The pages of an administrator: the menu, and what a list, a record, a form and an import lead to."""
    file = written(tmp_path_factory.mktemp("upload") / "客户2.csv", CUSTOMER, *DELIVERED)
    with site.signed_in("anna") as client:
        trial = rehearsed(client, file)
        menu = re.findall(r'<li><a href="(/[^"#?]*)"', client.get("/").text)
        customer, record = (
            re.findall(r'class="row-link" href="([^"]+)"', client.get(f"/crm_customers/{each}").text)[0]
            for each in ("customers", "policies")
        )
        person = re.findall(r'href="(/users/\d+)"', client.get("/users").text)[0]
        batch = re.findall(r'href="(/imports/\d+)"', client.get("/imports").text)[0]
    tabs = [f"{customer}?tab={each}" for each in ("claims", "vehicles", "contacts", "portrait", "sources", "timeline")]
    others = [
        "/plugins/crm_customers",
        "/plugins/crm_customers/plan/uninstall",
        "/style",
        "/search?q=陈美",
        "/profile",
        "/imports/new",
        batch,
        person,
        f"{record}/edit",
        REFUSED,
        MISSING,
    ]
    return list(dict.fromkeys([*menu, customer, *tabs, record, *others, f"{trial}/columns", trial]))


def rehearsed(client: httpx2.Client, file: Path) -> str:
    """Upload a file, accept its columns, wait for the dry run; returns the address of its report."""
    answer = client.post("/imports/new", data={"profile": "customer"}, files={"file": (file.name, file.read_bytes())})
    trial = answer.headers["location"].removesuffix("/columns")
    client.post(f"{trial}/columns", data={"profile": "customer", "go": "dry_run"})
    ended(client, trial)
    return trial


def ended(client: httpx2.Client, batch: str) -> None:
    """Wait until the dry run or the run of a batch has ended."""
    until = time.monotonic() + PATIENCE
    while "HX-Redirect" not in client.get(f"{batch}/progress").headers:
        assert time.monotonic() < until
        time.sleep(0.2)  # the job runs in another process


def look_at(page: Any, address: str, *, narrow_too: bool) -> list[str]:
    """Return the faults of the page as it stands, at each width; axe on the narrow one only where it is asked for."""
    found = []
    for width, height in WIDTHS.items():
        page.set_viewport_size({"width": width, "height": height})
        seen = page.evaluate(LOOK, RULES if narrow_too or width == DESKTOP else None)
        found += [f"{address} at {width}: {fault}" for fault in seen["faults"]]
        found += [f"{address} at {width}: {seen['wide']} px wider than the window"] if seen["wide"] > 0 else []
    return found


@pytest.mark.parametrize(
    ("locale", "scheme"), [("zh-CN", "light"), pytest.param("en", "dark", marks=pytest.mark.proof)]
)
def test_no_page_has_a_serious_fault_is_too_wide_or_complains(
    chromium: Any, site: Site, addresses: list[str], locale: str, scheme: str
) -> None:
    import axe_playwright_python

    script = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text("utf-8")
    faults: list[str] = []
    look = {"locale": locale, "color_scheme": scheme, "reduced_motion": "reduce"}
    context = chromium.new_context(base_url=site.url, **look)
    page = context.new_page()
    page.on("console", lambda said: faults.append(f"{page.url}: {said.text}") if said.type == "error" else None)
    page.on("pageerror", lambda error: faults.append(f"{page.url}: {error}"))
    for address in ("/login", *addresses):
        page.goto(address)
        page.wait_for_function(LOADED)
        page.evaluate(script)
        faults += look_at(page, address, narrow_too=scheme == "light")
        if address == "/login":
            sign_in(page)
    context.close()

    expected = ("422", "404")  # the browser itself tells of the two pages that are errors on purpose
    assert len(addresses) > 30
    assert [fault for fault in faults if not any(code in fault for code in expected)] == []


def sign_in(page: Any) -> None:
    page.fill('input[name="username"]', "anna")
    page.fill('input[name="password"]', PASSWORD)
    page.press('input[name="password"]', "Enter")
    page.wait_for_url(lambda url: not url.endswith("/login"))
