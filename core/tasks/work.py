"""What can be done with tasks: find mine, write, finish, repeat, hand over while on leave."""

from __future__ import annotations

import calendar
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, or_, select

from core.db.base import utc_now
from core.db.session import ScopedSession
from core.errors import BanyanError, InvalidInputError, InvalidValueError, NotFoundError, PermissionDeniedError
from core.registry.filter_values import LOCAL_ZONE, today_here
from core.security.actors import Actor
from core.security.audit import record as audit
from core.security.models import Grant, Role, User
from core.tasks.models import REPEATS, Leave, Task
from core.values.working_days import next_working_day

TITLE_LENGTH = 200
DETAIL_LENGTH = 4_000


def mine(actor: Actor, today: date) -> ColumnElement[bool]:
    """Return the condition of a person's tasks: their own, those of roles they hold, those of people they stand in for.

    The session's row rule keeps tasks of other branches out.
    """
    away = select(Leave.user_id).where(
        Leave.delegate_id == actor.user_id, Leave.from_on <= today, Leave.until_on >= today
    )
    held = select(Role.code).join(Grant, Grant.role_id == Role.id).where(Grant.user_id == actor.user_id)
    return or_(Task.assignee_id == actor.user_id, Task.assignee_id.in_(away), Task.role_code.in_(held))


def open_tasks(actor: Actor, today: date) -> Select[Any]:
    """Select a person's open tasks, the earliest due first, those without a day last."""
    query = select(Task).where(mine(actor, today), Task.done_at.is_(None))
    return query.order_by(Task.due_on.is_(None), Task.due_on, Task.id)


def task_of(session: ScopedSession, task_id: int) -> Task:
    """Return a task that the person may work on: one of theirs, or one that they gave.

    Raises:
        NotFoundError: There is none.
    """
    actor = person(session)
    allowed = or_(mine(actor, today_here()), Task.author_id == actor.user_id)
    found = session.scalar(select(Task).where(Task.id == task_id, allowed))
    if found is None:
        raise NotFoundError("unknown_task", "There is no such task.")
    return found


def colleagues(session: ScopedSession) -> list[User]:
    """Return the people of the branches that the actor reaches, who can be given tasks."""
    actor = person(session)
    query = select(User).where(User.active).order_by(User.name, User.id)
    if not actor.sees_all_branches:
        query = query.where(or_(User.home_branch_id.in_(sorted(actor.branch_ids)), User.id == actor.user_id))
    return list(session.scalars(query))


def read_task(session: ScopedSession, sent: Mapping[str, str]) -> dict[str, Any]:
    """Check what was typed for a task; returns columns of it.

    Args:
        session: Session of the person.
        sent: title, detail, due_on, remind_at, repeat, and ``who``: ``user:<id>`` or ``role:<code>``.

    Raises:
        InvalidInputError: Values are wrong, all named.
    """
    problems: dict[str, BanyanError] = {}
    title, detail = sent.get("title", "").strip(), sent.get("detail", "").strip()[:DETAIL_LENGTH]
    if not 1 <= len(title) <= TITLE_LENGTH:
        problems["title"] = InvalidValueError(
            "wrong_length", "Give between 1 and {most} characters.", most=TITLE_LENGTH
        )
    due = _read(sent.get("due_on", ""), date.fromisoformat, "due_on", problems)
    moment = _read(sent.get("remind_at", ""), datetime.fromisoformat, "remind_at", problems)
    repeat = sent.get("repeat", "")
    if repeat not in ("", *REPEATS):
        problems["repeat"] = InvalidValueError("field_choice", "This is not one of the choices.", "Choose one.")
    if repeat and due is None and "due_on" not in problems:
        problems["due_on"] = InvalidValueError("repeat_needs_day", "A task that repeats needs a day.", "Give one.")
    assignee, role = _who(session, sent.get("who", ""), problems)
    if problems:
        raise InvalidInputError(problems)
    local = moment.replace(tzinfo=LOCAL_ZONE) if moment and moment.tzinfo is None else moment
    values = {"title": title, "detail": detail, "due_on": due, "remind_at": local, "repeat": repeat}
    return {**values, "assignee_id": assignee, "role_code": role}


def add_task(session: ScopedSession, values: Mapping[str, Any], record: tuple[str, int] | None = None) -> Task:
    """Write a task down.

    Args:
        session: A write session.
        values: What `read_task` gave.
        record: Model id and number of the record it is about, which the person may see.

    Raises:
        PermissionDeniedError: The person works for no branch.
    """
    actor = person(session)
    if actor.home_branch_id is None:
        raise PermissionDeniedError("no_branch", "You belong to no branch.", "Ask an administrator.")
    task = Task(**values, author_id=actor.user_id, branch_id=actor.home_branch_id)
    if record is not None:
        task.model, task.row_id = record
    session.add(task)
    session.flush()
    audit(session, "task.added", "core.task", task.id, {"repeat": task.repeat})
    return task


def finish(session: ScopedSession, task: Task) -> Task | None:
    """Mark a task done; returns the next one where it repeats. Doing it again changes nothing."""
    if task.done_at is not None:
        return None
    task.done_at, task.done_by_id = utc_now(), person(session).user_id
    audit(session, "task.done", "core.task", task.id)
    if not task.repeat or task.due_on is None:
        return None
    due = next_day(task.due_on, task.repeat)
    kept = ("title", "detail", "repeat", "assignee_id", "role_code", "branch_id", "model", "row_id", "author_id")
    following = Task(**{name: getattr(task, name) for name in kept}, due_on=due)
    if task.remind_at is not None:
        following.remind_at = task.remind_at + (due - task.due_on)
    session.add(following)
    session.flush()
    return following


def reopen(session: ScopedSession, task: Task) -> None:
    """Take back that a task was done."""
    task.done_at = task.done_by_id = None
    audit(session, "task.reopened", "core.task", task.id)


def next_day(day: date, repeat: str) -> date:
    """Return the day after a day in a rhythm; the 31st falls on the last day of shorter months."""
    if repeat == "workdays":
        return next_working_day(day)
    if repeat in {"daily", "weekly"}:
        return day + timedelta(days=1 if repeat == "daily" else 7)
    months = day.month if repeat == "monthly" else day.month + 11
    year, month = day.year + months // 12, months % 12 + 1
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


def delegates(session: ScopedSession, user_id: int, today: date) -> list[int]:
    """Return who stands in for a person on a day."""
    away = and_(Leave.user_id == user_id, Leave.from_on <= today, Leave.until_on >= today)
    return list(session.scalars(select(Leave.delegate_id).where(away)))


def go_on_leave(session: ScopedSession, sent: Mapping[str, str]) -> None:
    """Say that one is away and who takes over.

    Args:
        session: A write session of the person.
        sent: from_on, until_on, and ``delegate``: the number of a colleague.

    Raises:
        InvalidInputError: A day is wrong, or the colleague is none.
    """
    actor, problems = person(session), dict[str, BanyanError]()
    days = [_read(sent.get(name, ""), date.fromisoformat, name, problems) for name in ("from_on", "until_on")]
    for name, day in zip(("from_on", "until_on"), days, strict=True):
        if day is None and name not in problems:
            problems[name] = InvalidValueError("field_required", "This field is required.", "Fill it in.")
    if days[0] and days[1] and days[1] < days[0]:
        problems["until_on"] = InvalidValueError("days_reversed", "It ends before it begins.", "Exchange the days.")
    known = {str(user.id) for user in colleagues(session) if user.id != actor.user_id}
    if sent.get("delegate", "") not in known:
        problems["delegate"] = InvalidValueError("field_choice", "This is not one of the choices.", "Choose one.")
    if problems:
        raise InvalidInputError(problems)
    leave = Leave(user_id=actor.user_id, delegate_id=int(sent["delegate"]), from_on=days[0], until_on=days[1])
    session.add(leave)
    audit(session, "leave.added", "core.user", actor.user_id, {"delegate": leave.delegate_id})


def end_leave(session: ScopedSession, leave_id: int) -> None:
    """Delete one of one's own leaves.

    Raises:
        NotFoundError: There is none.
    """
    found = session.get(Leave, leave_id)
    if found is None or found.user_id != person(session).user_id:
        raise NotFoundError("unknown_leave", "There is no such leave.")
    session.delete(found)


def person(session: ScopedSession) -> Actor:
    """Return who works.

    Raises:
        PermissionDeniedError: It is a system task.
    """
    if session.actor is None or session.actor.user_id is None:
        raise PermissionDeniedError("not_a_person", "Only people have tasks.", "Sign in.")
    return session.actor


def _who(session: ScopedSession, text: str, problems: dict[str, BanyanError]) -> tuple[int | None, str]:
    kind, _, value = text.partition(":")
    if kind == "role" and session.scalar(select(Role.id).where(Role.code == value)) is not None:
        return None, value
    if kind == "user" and value in {str(user.id) for user in colleagues(session)}:
        return int(value), ""
    problems["who"] = InvalidValueError("field_choice", "This is not one of the choices.", "Choose one.")
    return None, ""


def _read(text: str, read: Any, name: str, problems: dict[str, BanyanError]) -> Any:
    if not text.strip():
        return None
    try:
        return read(text.strip())
    except ValueError:
        problems[name] = InvalidValueError("field_date", "This is not a day.", "Write it as 2026-11-20.")
        return None
