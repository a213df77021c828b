"""The calendar of tasks over HTTP: what stands on which day, in both spans, for whom."""

from __future__ import annotations

import re

import pytest

pytestmark = pytest.mark.feature("CO-19")
PAGE = "/tasks/calendar?day=2026-10-05"


def cells(page: str) -> dict[int, str]:
    """The cells of the month by the number of their day."""
    found = re.findall(r'<td class="([^"]*)"[^>]*>(.*?)</td>', page, re.DOTALL)
    inside = [content for classes, content in found if "outside" not in classes]
    return {int(re.search(r"(\d+)</a>", content)[1]): content for content in inside}


def add(client, title, due_on, **more):
    who = re.search(r'<option value="(user:\d+)" selected', client.get("/tasks/new").text)[1]
    answer = client.post("/tasks/new", data={"title": title, "due_on": due_on, "who": who, **more})
    assert answer.status_code == 303, answer.text


def test_a_month_shows_tasks_holidays_and_exchanged_days(signed_in):
    client = signed_in("mi")
    add(client, "报送报表", "2026-10-08")

    days = cells(client.get(PAGE).text)

    assert sorted(days) == list(range(1, 32))
    assert "报送报表" in days[8]
    assert "National Day" in days[1]
    assert 'class="mark work"' in days[10]
    assert 'class="mark' not in days[12]


def test_a_week_shows_seven_days_and_leads_to_those_around_it(signed_in):
    page = signed_in("mi").get(f"{PAGE}&span=week").text

    assert sorted(cells(page)) == list(range(5, 12))
    assert 'href="/tasks/calendar?day=2026-10-04&amp;span=week"' in page
    assert 'href="/tasks/calendar?day=2026-10-12&amp;span=week"' in page


def test_a_day_leads_to_a_new_task_on_it(signed_in):
    client = signed_in("mi")

    link = re.search(r'href="(/tasks/new\?due_on=2026-10-06)"', client.get(PAGE).text)[1]

    assert 'value="2026-10-06"' in client.get(link).text


def test_nobody_sees_the_days_of_others(signed_in):
    add(signed_in("mi"), "只给自己", "2026-10-08")

    assert "只给自己" not in signed_in("ce").get(PAGE).text


def test_leave_stands_in_the_calendar(signed_in):
    client = signed_in("mi")
    delegate = re.findall(r'<option value="(\d+)"', client.get("/tasks/leave").text)[0]
    client.post("/tasks/leave", data={"from_on": "2026-10-13", "until_on": "2026-10-14", "delegate": delegate})

    days = cells(client.get(PAGE).text)

    assert ["away" in days[day] for day in (12, 13, 14, 15)] == [False, True, True, False]


def test_a_task_of_every_working_day_moves_past_the_holidays(signed_in):
    client = signed_in("mi")
    add(client, "日清", "2026-09-30", repeat="workdays")

    client.post(re.search(r'action="(/tasks/\d+/done)"', client.get("/tasks").text)[1])

    assert "日清" in cells(client.get(PAGE).text)[8]


def test_a_day_that_is_none_shows_the_present_month(signed_in):
    assert signed_in("mi").get("/tasks/calendar?day=x").status_code == 200
    assert signed_in("mi").get("/tasks/calendar?day=9999-12-31").status_code == 200
