"""The bulk action that writes a task about each of many records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import delete, insert, select

from core.db.base import utc_now
from core.db.session import ScopedSession
from core.errors import PermissionDeniedError
from core.plugin.contributions import BulkAction, BulkInput
from core.registry.fields import Label
from core.tasks.models import Task
from core.tasks.work import TITLE_LENGTH, colleagues, person

OPEN, DONE = "open", "done"
"""States of the task that the run wrote about a record; none before it and after its undo."""


def task_action() -> BulkAction:
    """Return the action; it is offered above the list of every plugin's model."""
    asked = (
        BulkInput("title", Label("Task", "任务")),
        BulkInput("who", Label("Who", "执行人"), _people),
        BulkInput("due_on", Label("Due", "截止"), kind="date", required=False),
    )
    label = Label("New task", "新建任务")
    return BulkAction(
        "", "core.task", label, "{model}.view", asked, _read, lambda _: OPEN, _write, "clipboard-check", 60
    )


def _people(session: ScopedSession) -> list[tuple[str, str]]:
    return [(str(user.id), user.name) for user in colleagues(session)]


def _read(session: ScopedSession, model: str, ids: Sequence[int], inputs: Mapping[str, str]) -> dict[int, Any]:
    mine = (Task.bulk_run_id == int(inputs["run"]), Task.model == model, Task.row_id.in_(ids))
    written = session.execute(select(Task.row_id, Task.done_at).where(*mine))
    found = {row_id: DONE if done_at else OPEN for row_id, done_at in written}
    return {row_id: found.get(row_id) for row_id in ids}


def _write(session: ScopedSession, model: str, states: Mapping[int, Any], inputs: Mapping[str, str]) -> None:
    run, actor = int(inputs["run"]), person(session)
    if actor.home_branch_id is None:
        raise PermissionDeniedError("no_branch", "You belong to no branch.", "Ask an administrator.")
    gone = [row_id for row_id, state in states.items() if state is None]
    if gone:
        session.execute(delete(Task).where(Task.bulk_run_id == run, Task.model == model, Task.row_id.in_(gone)))
    same = {
        "title": inputs["title"][:TITLE_LENGTH],
        "assignee_id": int(inputs["who"]),
        "due_on": date.fromisoformat(inputs["due_on"]) if inputs.get("due_on") else None,
        "branch_id": actor.home_branch_id,
        "author_id": actor.user_id,
        "model": model,
        "bulk_run_id": run,
        "created_at": utc_now(),
        "detail": "",
        "repeat": "",
        "role_code": "",
    }
    fresh = [{**same, "row_id": row_id} for row_id, state in states.items() if state == OPEN]
    if fresh:
        session.execute(insert(Task), fresh)
