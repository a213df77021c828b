"""Reminders: what is due is looked up in the tasks themselves, so that a restart forgets none and none rings twice."""

from __future__ import annotations

from sqlalchemy import insert, select, update

from core.db.base import utc_now
from core.db.session import ScopedSession
from core.jobs.context import JobContext
from core.registry.filter_values import today_here
from core.security.actors import system_actor
from core.security.branches import below
from core.security.models import Branch, Grant, Role, User
from core.tasks.models import Notification, Task
from core.tasks.work import delegates

PIECE = 500
KEPT = 200
"""Characters of a notification."""


def remind(context: JobContext) -> int:
    """Ring for every open task whose moment has come; returns for how many."""
    number = 0
    while True:
        context.check()
        with context.suite.database.write(system_actor("remind of tasks")) as session:
            due = select(Task).where(Task.reminded_at.is_(None), Task.remind_at <= utc_now(), Task.done_at.is_(None))
            tasks = session.scalars(due.order_by(Task.remind_at).limit(PIECE)).all()
            for task in tasks:
                _ring(session, task)
                task.reminded_at = utc_now()
        number += len(tasks)
        if len(tasks) < PIECE:
            return number


def notify(session: ScopedSession, user_id: int, key: str, text: str, url: str) -> None:
    """Put a line behind a person's bell, unless the same cause has rung already.

    Args:
        session: A write session.
        user_id: The person.
        key: The cause, at most 120 characters.
        text: What it says, in the words of whoever caused it.
        url: Where it leads.
    """
    known = select(Notification.id).where(Notification.user_id == user_id, Notification.key == key)
    if session.scalar(known) is None:
        row = {"user_id": user_id, "key": key, "text": text[:KEPT], "url": url, "at": utc_now()}
        session.execute(insert(Notification).values(row))


def mark_read(session: ScopedSession, user_id: int) -> None:
    """Note that a person has seen all lines behind the bell."""
    unread = update(Notification).where(Notification.user_id == user_id, Notification.read_at.is_(None))
    session.execute(unread.values(read_at=utc_now()))


def _ring(session: ScopedSession, task: Task) -> None:
    moment = task.remind_at.isoformat() if task.remind_at else ""
    for user_id in _people(session, task):
        notify(session, user_id, f"task:{task.id}:{moment}", task.title, f"/tasks/{task.id}")


def _people(session: ScopedSession, task: Task) -> list[int]:
    if task.assignee_id is not None:
        return delegates(session, task.assignee_id, today_here()) or [task.assignee_id]
    pairs = [(row.id, row.parent_id) for row in session.execute(select(Branch.id, Branch.parent_id))]
    held = select(Grant.user_id, Grant.branch_id, Grant.subtree).join(Role, Role.id == Grant.role_id)
    active = held.join(User, User.id == Grant.user_id).where(Role.code == task.role_code, User.active)
    return sorted(
        {
            user_id
            for user_id, branch_id, subtree in session.execute(active)
            if branch_id is None
            or branch_id == task.branch_id
            or (subtree and task.branch_id in below(pairs, branch_id))
        }
    )
