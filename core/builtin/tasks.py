"""Tasks on screen: my list, the form, done and undone, leave, the card of the start page, the calendar file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from starlette.requests import Request
from starlette.responses import Response

from core.builtin.annotations import visible_record
from core.builtin.task_bulk import task_action
from core.db.base import utc_now
from core.errors import InvalidInputError
from core.plugin.contributions import SIGNED_IN, AuditAction, BulkAction, HomeCard, Job, MenuItem, Route, Schedule
from core.plugin.hookspecs import hookimpl
from core.registry.fields import Label
from core.registry.filter_values import LOCAL_ZONE, today_here
from core.registry.titles import load_titles
from core.security.models import Role, User
from core.tasks.ics import calendar_file
from core.tasks.models import REPEATS, Task
from core.tasks.reminders import remind
from core.tasks.work import (
    add_task,
    colleagues,
    finish,
    mine,
    open_tasks,
    read_task,
    reopen,
    task_of,
)
from core.web import requests
from core.web.pages import cell, field, form_page, page, table, with_errors, words
from core.web.templating import render

if TYPE_CHECKING:
    from core.app import Suite

SHOWN = 200
CARD_ROWS = 5
NAMES = ("title", "detail", "due_on", "remind_at", "repeat", "who")
REMIND = "core.remind"
Row = tuple[int, str | None, list[dict[str, Any]]]
"""A row of a table: number, address, cells."""


@hookimpl
def core_routes() -> Sequence[Route]:
    """Declare the routes; each finds only the tasks of who asks."""
    post, one = ("POST",), "/tasks/{task_id:int}"
    return [
        Route("/tasks", show, SIGNED_IN),
        Route("/tasks/card", card, SIGNED_IN),
        Route("/tasks.ics", ics, SIGNED_IN),
        Route("/tasks/new", new_page, SIGNED_IN),
        Route("/tasks/new", create, SIGNED_IN, post),
        Route(one, edit_page, SIGNED_IN),
        Route(one, change, SIGNED_IN, post),
        Route(f"{one}/done", done, SIGNED_IN, post),
        Route(f"{one}/reopen", undone, SIGNED_IN, post),
    ]


@hookimpl
def core_audit_actions() -> Sequence[AuditAction]:
    """Declare what is written into the audit trail."""
    return [
        AuditAction("task.added", Label("Task added", "新建任务")),
        AuditAction("task.done", Label("Task done", "完成任务")),
        AuditAction("task.reopened", Label("Task reopened", "重开任务")),
    ]


@hookimpl
def core_menu_items() -> Sequence[MenuItem]:
    """Declare the menu entry."""
    return [MenuItem("core.tasks", Label("Tasks", "任务"), "/tasks", SIGNED_IN, "clipboard-check", order=5)]


@hookimpl
def core_home_cards() -> Sequence[HomeCard]:
    """Declare the card of the start page; it is fetched after the page."""
    title = Label("My tasks", "我的任务")
    return [HomeCard("core.tasks", "side", title, "tasks/card.html", lambda *_: {"url": "/tasks/card"}, SIGNED_IN, 5)]


@hookimpl
def core_jobs() -> Sequence[Job]:
    """Declare the search for due reminders."""
    return [Job(REMIND, remind, Label("Remind of tasks", "任务提醒"), quiet=True)]


@hookimpl
def core_schedules() -> Sequence[Schedule]:
    """Declare that it runs every minute."""
    return [Schedule(REMIND, "* * * * *")]


@hookimpl
def core_bulk_actions() -> Sequence[BulkAction]:
    """Declare a task about each of many records."""
    return [task_action()]


def show(request: Request) -> Response:
    """Show my open tasks, the done ones, or those I gave to others."""
    _, actor, today = words(request), requests.actor_of(request), today_here()
    wish, done_last = request.query_params.get("view", ""), Task.done_at.desc()
    given = select(Task).where(Task.author_id == actor.user_id)
    queries = {
        "": open_tasks(actor, today),
        "done": select(Task).where(mine(actor, today), Task.done_at.is_not(None)).order_by(done_last),
        "given": given.where(Task.id.not_in(select(Task.id).where(mine(actor, today)))).order_by(Task.id.desc()),
    }
    view = wish if wish in queries else ""
    tasks = requests.session_of(request).scalars(queries[view].limit(SHOWN)).all()
    titles = {"": _("My tasks"), "done": _("Done"), "given": _("Given to others")}
    others = [{"label": titles[name], "url": f"/tasks?view={name}"} for name in queries if name != view]
    actions = [
        *others,
        {"label": _("On leave"), "url": "/tasks/leave"},
        {"label": _("Calendar"), "url": "/tasks/calendar", "icon": "calendar-event"},
        {"label": _("Calendar file"), "url": "/tasks.ics", "icon": "calendar"},
        {"label": _("New task"), "url": "/tasks/new", "icon": "plus", "key": "c", "primary": True},
    ]
    heads = (_("Task"), (_("Due"), "date"), _("Who"), _("About"), _("Action"))
    panel = table(titles[view], heads, _rows(request, tasks), _("Nothing to do here."))
    return render(request, "tables.html", {"view": page(_("Tasks"), [panel], actions=actions)})


def card(request: Request) -> Response:
    """Show the next tasks, as the fragment that the start page fetches."""
    actor, today = requests.actor_of(request), today_here()
    found = requests.session_of(request).scalars(open_tasks(actor, today).limit(CARD_ROWS)).all()
    return render(request, "tasks/card_rows.html", {"tasks": found, "today": today})


def ics(request: Request) -> Response:
    """Send my open tasks as a calendar file."""
    tasks = requests.session_of(request).scalars(open_tasks(requests.actor_of(request), today_here()))
    host = request.headers.get("host", "banyan").partition(":")[0]
    headers = {"Content-Disposition": 'attachment; filename="tasks.ics"'}
    return Response(calendar_file(tasks, host, utc_now()), media_type="text/calendar; charset=utf-8", headers=headers)


def new_page(request: Request) -> Response:
    """Show the empty form; the address may name its day and the record that the task is about."""
    values = {"who": f"user:{requests.actor_of(request).user_id}", "due_on": request.query_params.get("due_on", "")}
    return render(request, "form.html", {"view": _form(request, None, values)})


def create(request: Request) -> Response:
    """Write a task down."""
    session, sent = requests.session_of(request), _sent(request)
    about = None
    if requests.text(request, "model"):
        row_id = int(number) if (number := requests.text(request, "row_id")).isdecimal() else 0
        model, _ = visible_record(request, requests.text(request, "model"), row_id, "view")
        about = (model.id, row_id)
    try:
        add_task(session, read_task(session, sent), about)
    except InvalidInputError as error:
        view = with_errors(_form(request, None, sent), error, request.state.locale)
        return render(request, "form.html", {"view": view}, status=422)
    return _done(request, "Created.")


def edit_page(request: Request) -> Response:
    """Show a task's form."""
    task = task_of(requests.session_of(request), int(request.path_params["task_id"]))
    moment = task.remind_at.astimezone(LOCAL_ZONE).strftime("%Y-%m-%dT%H:%M") if task.remind_at else ""
    who = f"user:{task.assignee_id}" if task.assignee_id else f"role:{task.role_code}"
    values = {"title": task.title, "detail": task.detail, "repeat": task.repeat, "who": who, "remind_at": moment}
    values["due_on"] = task.due_on.isoformat() if task.due_on else ""
    return render(request, "form.html", {"view": _form(request, task, values)})


def change(request: Request) -> Response:
    """Change a task; a new moment rings anew."""
    session, sent = requests.session_of(request), _sent(request)
    task = task_of(session, int(request.path_params["task_id"]))
    try:
        values = read_task(session, sent)
    except InvalidInputError as error:
        view = with_errors(_form(request, task, sent), error, request.state.locale)
        return render(request, "form.html", {"view": view}, status=422)
    if values["remind_at"] != task.remind_at:
        task.reminded_at = None
    for name, value in values.items():
        setattr(task, name, value)
    return _done(request, "Saved.")


def done(request: Request) -> Response:
    """Mark a task done; where it repeats, the next one stands in the list."""
    session = requests.session_of(request)
    task = task_of(session, int(request.path_params["task_id"]))
    finish(session, task)
    text = words(request)("Done.")
    return requests.toast(requests.redirect(request, "/tasks"), text, f"/tasks/{task.id}/reopen")


def undone(request: Request) -> Response:
    """Take back that a task was done."""
    session = requests.session_of(request)
    reopen(session, task_of(session, int(request.path_params["task_id"])))
    return _done(request, "Saved.")


def _rows(request: Request, tasks: Sequence[Task]) -> list[Row]:
    _, session, today = words(request), requests.session_of(request), today_here()
    names = dict(session.execute(select(User.id, User.name)).all()) if tasks else {}
    roles = {role.code: role.label(request.state.locale) for role in session.scalars(select(Role))} if tasks else {}
    titles, rows = _titles(request, tasks), list[Row]()
    for task in tasks:
        late = task.due_on is not None and task.done_at is None and task.due_on < today
        who = names.get(task.assignee_id or 0, "") if task.assignee_id else roles.get(task.role_code, task.role_code)
        verb, label = ("reopen", _("Reopen")) if task.done_at else ("done", _("Done"))
        action = {"label": f"{label}: {task.title}", "url": f"/tasks/{task.id}/{verb}", "method": "post"}
        cells = [
            cell(task.title),
            cell(task.due_on, "date", tone="danger" if late else ""),
            cell(who),
            titles.get((task.model, task.row_id), cell(None)),
            cell({**action, "label": label}, "action"),
        ]
        rows.append((task.id, f"/tasks/{task.id}", cells))
    return rows


def _titles(request: Request, tasks: Sequence[Task]) -> dict[tuple[str, int | None], dict[str, Any]]:
    """Return what names the records that tasks are about, with one statement per model."""
    suite: Suite = request.app.state.suite
    actor, session = requests.actor_of(request), requests.session_of(request)
    found = {}
    for name in sorted({task.model for task in tasks}):
        if name in suite.registry and actor.may(f"{name}.view"):
            model = suite.registry.get(name)
            ids = [task.row_id for task in tasks if task.model == name]
            for row_id, title in load_titles(session, model, ids).items():
                found[name, row_id] = cell(title, url=model.record_url(row_id))
    return found


def _sent(request: Request) -> dict[str, str]:
    return {name: requests.text(request, name) for name in NAMES}


def _done(request: Request, text: str) -> Response:
    return requests.toast(requests.redirect(request, "/tasks"), words(request)(text))


def _form(request: Request, task: Task | None, values: dict[str, str]) -> dict[str, Any]:
    _, here = words(request), f"/tasks/{task.id}" if task else "/tasks/new"
    repeats = {
        "daily": _("every day"),
        "workdays": _("every working day"),
        "weekly": _("every week"),
        "monthly": _("every month"),
        "yearly": _("every year"),
    }
    known = {"options": [("", _("never")), *((code, repeats[code]) for code in REPEATS)]}
    given = values.get
    fields = [
        field("title", _("Task"), given("title", ""), required=True, attributes={"maxlength": "200"}),
        field("who", _("Given to"), given("who", ""), "select", options=_people(request), required=True),
        field("due_on", _("Due"), given("due_on", ""), "date"),
        field("remind_at", _("Remind at"), given("remind_at", ""), "text", type="datetime-local"),
        field("repeat", _("Repeat"), given("repeat", ""), "select", **known),
        field("detail", _("Details"), given("detail", ""), "textarea", span=True),
    ]
    crumbs = [(_("Tasks"), "/tasks")]
    view = form_page(task.title if task else _("New task"), here, _("Save"), fields, "/tasks", crumbs=crumbs)
    if task is None:
        view["hidden"] = [(name, _asked(request, name)) for name in ("model", "row_id") if _asked(request, name)]
    return view


def _asked(request: Request, name: str) -> str:
    return requests.text(request, name) or request.query_params.get(name, "")


def _people(request: Request) -> list[tuple[str, Any]]:
    _, session = words(request), requests.session_of(request)
    people = [(f"user:{user.id}", user.name) for user in colleagues(session)]
    roles = session.scalars(select(Role).order_by(Role.code))
    held = [(f"role:{role.code}", role.label(request.state.locale)) for role in roles]
    return [(_("People"), people), (_("Whoever holds the role here"), held)]
