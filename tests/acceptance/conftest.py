"""Installations, servers and browsers for tests from outside."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from core.installation import initialise
from core.security.accounts import add_user
from core.security.actors import system_actor
from core.security.branches import add_branch
from core.security.permissions import find_role, give_grant
from core.testing.fixtures import make_settings, missing
from core.testing.people import quick_hasher
from tests.acceptance.installation import PASSWORD, Installation, Site


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh installation with a city branch, two county branches and four people; copied, never used itself."""
    folder = tmp_path_factory.mktemp("template") / "data"
    suite, _ = initialise(make_settings(folder, ("crm_customers",)))
    with pytest.MonkeyPatch.context() as patch, suite.database.write(system_actor("test data")) as session:
        city = add_branch(session, "3304", "嘉兴", None, "0573")
        haining = add_branch(session, "330481", "海宁", city, "0573")
        pinghu = add_branch(session, "330482", "平湖", city, "0573")
        places = {
            "anna": ("admin", None),
            "city": ("branch_manager", city),
            "haining": ("branch_manager", haining),
            "pinghu": ("clerk", pinghu),
        }
        patch.setattr("core.security.passwords._hasher", quick_hasher())
        for name, (role, branch) in places.items():
            user = add_user(session, name, name.title(), PASSWORD, branch or city)
            give_grant(session, user, find_role(session, role), branch)
    suite.close()
    return folder


@pytest.fixture
def installation(template: Path, tmp_path: Path) -> Installation:
    """An installation of the test's own."""
    return Installation(Path(shutil.copytree(template, tmp_path / "data")))


@pytest.fixture(scope="module")
def module_installation(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """An installation that the tests of one file share."""
    return Installation(Path(shutil.copytree(template, tmp_path_factory.mktemp("shared") / "data")))


@pytest.fixture
def site(installation: Installation) -> Iterator[Site]:
    """The test's installation, served."""
    with installation.served() as site:
        yield site


@pytest.fixture(scope="module")
def chromium() -> Iterator[object]:
    """Debian's Chromium, driven by Playwright, whose event loop would stand in the way of other modules' own."""
    sync_api = pytest.importorskip("playwright.sync_api")
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        missing("Chromium is not installed")
        pytest.fail("Chromium is required here and not installed")
    with sync_api.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium, site: Site) -> Iterator[Callable[..., object]]:
    """Open a page as a person; at the end no page has had an error or has been refused by its own security policy."""
    problems: list[str] = []
    with ExitStack() as contexts:

        def open_as(username: str, path: str = "/", locale: str = "en", **options: object) -> object:
            context = chromium.new_context(base_url=site.url, locale=locale, **options)
            contexts.callback(context.close)
            page = context.new_page()
            page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
            page.on("pageerror", lambda error: problems.append(str(error)))
            page.goto("/login")
            page.fill('input[name="username"]', username)
            page.fill('input[name="password"]', PASSWORD)
            page.press('input[name="password"]', "Enter")
            page.wait_for_url(lambda url: not url.endswith("/login"))
            page.goto(path)
            return page

        yield open_as
    assert problems == []
