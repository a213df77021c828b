"""Tasks from outside: due, repeated, reminded of after a restart, taken over, about a record, in a calendar."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from core.db.sqlite import dbapi2 as sqlite
from tests.acceptance.installation import PASSWORD, PATIENCE, Installation
from tests.acceptance.test_bulk_actions import LIST, MODEL, customers, faults, finished, numbers


def numbers_of(page: str) -> list[str]:
    return re.findall(r'class="row-link" href="/tasks/(\d+)"', page)


def me(client: httpx2.Client) -> str:
    return re.findall(r'<option value="(user:\d+)" selected', client.get("/tasks/new").text)[0]


def person(client: httpx2.Client, name: str) -> str:
    return re.findall(rf'<option value="user:(\d+)"[^>]*>{name}<', client.get("/tasks/new").text)[0]


@pytest.mark.feature("EX-10", "CO-19")
def test_a_task_is_overdue_done_and_stands_there_again_in_its_rhythm(installation: Installation) -> None:
    with installation.served() as site, site.signed_in("haining") as client:
        task = {"title": "Ring the fleet", "who": me(client), "due_on": "2026-01-31", "repeat": "monthly"}
        assert client.post("/tasks/new", data=task).status_code == 303
        page = client.get("/tasks").text
        assert re.search(r'class="danger strong">▲\s*<time[^>]*>2026-01-31', page)
        assert "Ring the fleet" in client.get("/tasks/card").text
        number = numbers_of(page)[0]

        assert client.post(f"/tasks/{number}/done").status_code == 303

        (following,) = numbers_of(client.get("/tasks").text)
        assert following != number
        assert 'value="2026-02-28"' in client.get(f"/tasks/{following}").text
        assert numbers_of(client.get("/tasks?view=done").text) == [number]
        wrong = client.post("/tasks/new", data={**task, "title": "", "due_on": "", "who": "user:999"})
        assert wrong.status_code == 422
        assert wrong.text.count('class="error"') == 3


@pytest.mark.feature("EX-10", "CO-19")
def test_a_reminder_survives_a_restart_and_rings_once(installation: Installation) -> None:
    soon = datetime.now(UTC).astimezone().replace(microsecond=0) + timedelta(seconds=2)
    with installation.served() as site, site.signed_in("haining") as client:
        data = {"title": "Think of it", "who": me(client), "remind_at": soon.isoformat()}
        assert client.post("/tasks/new", data=data).status_code == 303
    # No process runs while the moment passes, and the minute whose schedule would have found it.
    time.sleep(max(0.0, (soon - datetime.now(UTC)).total_seconds()))
    with closing(sqlite.connect(installation.folder / "banyan.db")) as database, database:
        database.execute("UPDATE core_schedule SET next_at = '2020-01-01 00:00:00.000000' WHERE job = 'core.remind'")
    with installation.served() as site, site.signed_in("haining") as client:
        until = time.monotonic() + PATIENCE
        while not client.get("/notifications/count").text:
            assert time.monotonic() < until
            time.sleep(0.2)  # the worker starts
        page = client.get("/notifications").text
        assert page.count("Think of it") == 1
        assert ">1<" in client.get("/notifications/count").text
        client.post("/notifications/read")
        assert client.get("/notifications/count").text == ""


@pytest.mark.feature("CO-19")
def test_a_delegate_has_the_tasks_during_leave_only_and_another_branch_never(installation: Installation) -> None:
    installation.run(
        "user", "add", "rita", "--role", "reader", "--branch", "330481", "--password-stdin", typed=PASSWORD
    )
    today = date.today()  # noqa: DTZ011 -- the installation's own day
    with installation.served() as site, site.signed_in("haining") as client:
        client.post("/tasks/new", data={"title": "Visit", "who": me(client)})
        number = numbers_of(client.get("/tasks").text)[0]
        days = {"from_on": today.isoformat(), "until_on": (today + timedelta(days=3)).isoformat()}
        with site.signed_in("rita") as other:
            assert other.get(f"/tasks/{number}").status_code == 404
            assert other.post(f"/tasks/{number}/done").status_code == 404
            assert client.post("/tasks/leave", data={**days, "delegate": person(client, "rita")}).status_code == 303
            assert numbers_of(other.get("/tasks").text) == [number]
            assert other.post(f"/tasks/{number}/done").status_code == 303
            leave = re.findall(r"/tasks/leave/(\d+)/end", client.get("/tasks/leave").text)[0]
            assert other.post(f"/tasks/leave/{leave}/end").status_code == 404
            client.post(f"/tasks/leave/{leave}/end")
            assert other.get(f"/tasks/{number}").status_code == 404
        with site.signed_in("pinghu") as far:
            assert far.get(f"/tasks/{number}").status_code == 404
            assert "haining" not in far.get("/tasks/new").text.casefold()
        wrong = {"from_on": "2026-05-02", "until_on": "2026-05-01", "delegate": "0"}
        assert client.post("/tasks/leave", data=wrong).status_code == 422


@pytest.mark.feature("EX-10", "EX-11", "EX-16", "EX-17")
def test_tasks_are_about_records_come_in_bulk_and_leave_as_a_calendar(
    installation: Installation, tmp_path: Path
) -> None:
    installation.load(customers(tmp_path / "customers.csv", 5), "customer")
    with installation.served() as site, site.signed_in("haining") as client:
        own = re.findall(rf'href="{LIST}/(\d+)"', client.get(LIST).text)[0]
        data = {"title": "下周, 回访; " + "长" * 60, "who": me(client), "due_on": "2026-12-24"}
        assert client.post("/tasks/new", data={**data, "model": MODEL, "row_id": own}).status_code == 303
        assert client.post("/tasks/new", data={**data, "model": MODEL, "row_id": "999"}).status_code == 404
        assert f'href="{LIST}/{own}"' in client.get("/tasks").text

        lines = client.get("/tasks.ics").content.decode().split("\r\n")
        assert max(len(line.encode()) for line in lines) <= 75
        whole = "\r\n".join(lines).replace("\r\n ", "")
        assert "SUMMARY:下周\\, 回访\\; " + "长" * 60 in whole
        assert "DTSTART;VALUE=DATE:20261224" in whole

        bulk = {"action": "core.task", "all_matching": "yes", "input_title": "Call", "input_who": me(client)[5:]}
        run = client.post(f"{LIST}/bulk/run", data=bulk).headers["location"]
        assert numbers(finished(client, run))["Changed"] == "5"
        made = numbers_of(client.get("/tasks").text)
        assert len(made) == 6
        client.post(f"/tasks/{made[-1]}/done")
        client.post(f"{run}/undo")
        page = finished(client, run)
        assert (numbers(page)["Taken back"], numbers(page)["Changed since, not taken back"]) == ("4", "1")


@pytest.mark.feature("EX-10")
def test_a_role_of_the_branch_has_a_task_together(installation: Installation) -> None:
    installation.run("user", "add", "carl", "--role", "clerk", "--branch", "330481", "--password-stdin", typed=PASSWORD)
    with installation.served() as site, site.signed_in("haining") as client:
        client.post("/tasks/new", data={"title": "Count the stock", "who": "role:clerk"})
        assert numbers_of(client.get("/tasks").text) == []
        (number,) = numbers_of(client.get("/tasks?view=given").text)
        with site.signed_in("carl") as clerk, site.signed_in("pinghu") as far:
            assert numbers_of(clerk.get("/tasks").text) == [number]
            assert numbers_of(far.get("/tasks").text) == []
            assert clerk.post(f"/tasks/{number}/done").status_code == 303


@pytest.mark.browser
@pytest.mark.feature("EX-10")
@pytest.mark.parametrize(("locale", "width"), [("zh-CN", 390), ("en", 1280)])
def test_the_pages_of_tasks_are_accessible(open_page: Callable[..., Any], locale: str, width: int) -> None:
    import axe_playwright_python

    script = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text("utf-8")
    page = open_page("haining", "/tasks/new", locale, viewport={"width": width, "height": 800})
    page.fill("#title", "Ring")
    page.press("#title", "Enter")
    page.wait_for_url(re.compile("/tasks$"))
    for path in ("/tasks", "/tasks/new", "/tasks/leave", "/notifications", "/"):
        page.goto(path)
        assert faults(page, script) == [], path
