"""The calendar: my tasks by day, with holidays, exchanged working days and my own leave; a month or a week."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from sqlalchemy import select
from starlette.requests import Request
from starlette.responses import Response

from core.plugin.contributions import SIGNED_IN, Route
from core.plugin.hookspecs import hookimpl
from core.registry.filter_values import today_here
from core.tasks.models import Leave, Task
from core.tasks.work import mine
from core.values.working_days import day_mark
from core.web import requests
from core.web.templating import render

WEEK, FIRST, LAST = timedelta(days=7), date(1990, 1, 1), date(2099, 12, 31)
MOST = 500


@hookimpl
def core_routes() -> Sequence[Route]:
    """Declare the calendar."""
    return [Route("/tasks/calendar", show, SIGNED_IN)]


def show(request: Request) -> Response:
    """Show the month or the week in which a day lies."""
    today, asked = today_here(), request.query_params
    span = "week" if asked.get("span") == "week" else "month"
    day = _day(asked.get("day", ""), today)
    first, after = _bounds(day, span)
    begin = first - timedelta(days=first.weekday())
    days = [begin + timedelta(days=number) for number in range((after - begin).days + -(after - begin).days % 7)]
    context = {
        "title": _title(first, span, request.state.locale),
        "span": span,
        "day": day,
        "today": today,
        "weeks": [_week(request, days[at : at + 7], first, after) for at in range(0, len(days), 7)],
        "before": _address(first - timedelta(days=1), span),
        "after": _address(after, span),
        "now": _address(today, span),
        "other": _address(day, "month" if span == "week" else "week"),
    }
    return render(request, "tasks/calendar.html", _with_tasks(request, context, days))


def _week(request: Request, days: Sequence[date], first: date, after: date) -> list[dict[str, Any]]:
    marks = [(day, day_mark(day, request.state.locale)) for day in days]
    return [{"day": day, "mark": mark, "outside": not first <= day < after} for day, mark in marks]


def _with_tasks(request: Request, context: dict[str, Any], days: Sequence[date]) -> dict[str, Any]:
    """Add the tasks and the days of leave, with one statement each."""
    session, actor = requests.session_of(request), requests.actor_of(request)
    within = Task.due_on.between(days[0], days[-1])
    query = select(Task).where(mine(actor, context["today"]), within)
    tasks = defaultdict(list)
    for task in session.scalars(query.order_by(Task.due_on, Task.done_at.is_not(None), Task.id).limit(MOST)):
        tasks[task.due_on].append(task)
    leave = select(Leave.from_on, Leave.until_on).where(Leave.user_id == actor.user_id, Leave.until_on >= days[0])
    away = [tuple(row) for row in session.execute(leave.where(Leave.from_on <= days[-1]))]
    on_leave = {day for day in days if any(begin <= day <= end for begin, end in away)}
    return {**context, "tasks": tasks, "on_leave": on_leave}


def _bounds(day: date, span: str) -> tuple[date, date]:
    """Return the first day of a month or week, and the first after it."""
    if span == "week":
        monday = day - timedelta(days=day.weekday())
        return monday, monday + WEEK
    first = day.replace(day=1)
    return first, (first + timedelta(days=31)).replace(day=1)


def _title(first: date, span: str, locale: str) -> str:
    """Return the name of a month, or of a week by its number (ISO 8601)."""
    # here, since no start needs it
    from babel.dates import format_skeleton

    if span == "week":
        return format_skeleton("yw", first, locale=locale).capitalize()
    return format_skeleton("yMMMM", first, locale=locale)


def _day(text: str, today: date) -> date:
    try:
        return min(max(date.fromisoformat(text), FIRST), LAST)
    except ValueError:
        return today


def _address(day: date, span: str) -> str:
    return f"/tasks/calendar?day={day.isoformat()}" + ("&span=week" if span == "week" else "")
