"""Running a bulk action piece by piece, and taking it back; each piece is one unit of work with its own change log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select, update

from core.bulk.models import CHANGED, CONFLICT, REFUSED, SAME, UNDONE, WAITING, BulkChange, BulkRun
from core.db.base import utc_now
from core.db.bulk import insert_rows
from core.db.session import ScopedSession
from core.errors import BanyanError, ConflictError, InvalidInputError, InvalidValueError
from core.jobs.context import JobContext
from core.jobs.queue import enqueue
from core.plugin.contributions import BulkAction
from core.registry.definitions import definition_of
from core.registry.filter_values import today_here
from core.registry.models import RegisteredModel
from core.security.actors import Actor
from core.security.audit import record as audit

if TYPE_CHECKING:
    from core.app import Suite

PIECE = 1_000
"""Records of one unit of work: small enough that other writers on SQLite wait less than a second."""
UNDO = timedelta(hours=24)
RUN_JOB, UNDO_JOB = "core.bulk", "core.bulk_undo"
LONGEST_INPUT = 2_000


def actions_of(suite: Suite, model: RegisteredModel, actor: Actor) -> list[BulkAction]:
    """Return the actions that a person may use on a model's list, in order."""
    found = [
        action
        for plugin_id, action in suite.plugins.collect("core_bulk_actions")
        if (action.model or model.id) == model.id
        and (action.model or model.owner != "core")
        and actor.may(action.permission.format(model=model.id))
        and suite.plugins.is_active(plugin_id, actor.home_branch_id)
        and suite.plugins.is_active(model.owner, actor.home_branch_id)
    ]
    return sorted(found, key=lambda action: action.order)


def action_named(suite: Suite, model: RegisteredModel, actor: Actor, name: str) -> BulkAction:
    """Return an action that a person may use.

    Raises:
        InvalidValueError: There is none of this name for them.
    """
    for action in actions_of(suite, model, actor):
        if action.id == name:
            return action
    raise InvalidValueError("unknown_action", "There is no such action.", "Choose one of the bar.")


def read_inputs(session: ScopedSession, action: BulkAction, sent: Mapping[str, str]) -> dict[str, str]:
    """Check what was typed for an action.

    Raises:
        InvalidInputError: Something required is missing, or a choice is none that was offered.
    """
    values, problems = {}, dict[str, BanyanError]()
    for each in action.inputs:
        text = sent.get(each.name, "").strip()[:LONGEST_INPUT]
        if not text and each.required:
            problems[each.name] = InvalidValueError("field_required", "This field is required.", "Fill it in.")
        elif text and each.options is not None and text not in {value for value, _ in each.options(session)}:
            problems[each.name] = InvalidValueError("field_choice", "This is not one of the choices.", "Choose one.")
        elif text and each.kind == "date" and not _is_day(text):
            problems[each.name] = InvalidValueError("field_date", "This is not a day.", "Write it as 2026-11-20.")
        values[each.name] = text
    if problems:
        raise InvalidInputError(problems)
    return values


def start_run(
    session: ScopedSession, action: BulkAction, model: RegisteredModel, chosen: tuple[str, Sequence[int]], facts: Any
) -> int:
    """Queue a run.

    Args:
        session: A write session of the person.
        action: The action.
        model: The model.
        chosen: The list's filter text, and the ticked rows; without any, all that match.
        facts: (checked inputs, number of rows shown before).

    Returns:
        Number of the run.
    """
    actor, (query, ids), (inputs, expected) = _person(session), chosen, facts
    run = BulkRun(action=action.id, model=model.id, actor_id=actor.user_id, query=query, ids=list(ids))
    run.inputs, run.expected = dict(inputs), expected
    session.add(run)
    session.flush()
    branch = actor.home_branch_id
    run.job_id = enqueue(session, RUN_JOB, {"run": run.id}, key=f"bulk:{run.id}", actor=actor, branch_id=branch)
    return run.id


def run_action(context: JobContext) -> dict[str, int]:
    """Run a bulk action as the person who chose the records, with today's rights; resumed where it was."""
    suite, run_id = context.suite, int(context.payload["run"])
    run, model, action = _look_up(context)
    context.actor.require(f"{model.id}.view")
    if run.chosen_at is None:
        _choose(context, run, model)
    total, inputs = counts(context, run_id)["total"], {**run.inputs, "run": str(run_id)}
    while True:
        context.check()
        with suite.database.write(context.actor) as session:
            ids = _next(session, run_id, WAITING)
            if not ids:
                break
            _change_piece(suite, session, model, action, ids, inputs)
        context.progress(total - counts(context, run_id).get(WAITING, 0), total)
    return _finish(context, run, model, "bulk.run")


def undo_action(context: JobContext) -> dict[str, int]:
    """Take a run back: records that are still as it left them get their state before; the others are conflicts."""
    suite, run_id = context.suite, int(context.payload["run"])
    run, model, action = _look_up(context)
    inputs = {**run.inputs, "run": str(run_id)}
    after, total = action.after(inputs), counts(context, run_id).get(CHANGED, 0)
    while True:
        context.check()
        with suite.database.write(context.actor) as session:
            ids = _next(session, run_id, CHANGED)
            if not ids:
                break
            present = action.read(session, model.id, _seen(session, model, ids), inputs)
            mine = [row_id for row_id in ids if row_id in present and present[row_id] == after]
            action.write(session, model.id, _before(session, run_id, mine), inputs)
            _note(session, run_id, mine, UNDONE)
            _note(session, run_id, sorted(set(ids) - set(mine)), CONFLICT)
        context.progress(total - counts(context, run_id).get(CHANGED, 0), total)
    return _finish(context, run, model, "bulk.undone")


def start_undo(session: ScopedSession, run: BulkRun) -> None:
    """Queue the undo of a run.

    Raises:
        ConflictError: It has not ended, was taken back already, or is older than 24 hours.
    """
    if run.finished_at is None:
        raise ConflictError("bulk_running", "This action has not ended.", "Wait for it.")
    if run.undo_job_id is not None or not can_undo(run):
        raise ConflictError("bulk_undo_late", "This action cannot be taken back any more.")
    actor = _person(session)
    key, branch = f"bulk_undo:{run.id}", actor.home_branch_id
    run.undo_job_id = enqueue(session, UNDO_JOB, {"run": run.id}, key=key, actor=actor, branch_id=branch)


def can_undo(run: BulkRun) -> bool:
    """Whether a run has ended less than 24 hours ago and was not taken back."""
    return run.finished_at is not None and run.undo_job_id is None and utc_now() - run.finished_at < UNDO


def counts(context: JobContext, run_id: int) -> dict[str, int]:
    """Return the number of records of a run by state, and in ``total``."""
    with context.suite.database.read(context.actor) as session:
        return count_states(session, run_id)


def count_states(session: ScopedSession, run_id: int) -> dict[str, int]:
    """Return the number of records of a run by state, and in ``total``."""
    grouped = select(BulkChange.state, func.count()).where(BulkChange.run_id == run_id).group_by(BulkChange.state)
    found = {state: int(number) for state, number in session.execute(grouped)}
    return {**found, "total": sum(found.values())}


def _look_up(context: JobContext) -> tuple[BulkRun, RegisteredModel, BulkAction]:
    with context.suite.database.read(context.actor) as session:
        run = session.get_one(BulkRun, int(context.payload["run"]))
        session.expunge(run)
    model = context.suite.registry.get(run.model)
    return run, model, action_named(context.suite, model, context.actor, run.action)


def _choose(context: JobContext, run: BulkRun, model: RegisteredModel) -> None:
    """Write down which records the run is about, so that later changes of the filter's rows do not matter."""
    definition = definition_of(context.suite, model, context.actor)
    with context.suite.database.write(context.actor) as session:
        where = definition.where(session, definition.filters.parse(run.query), today_here())
        if run.ids:
            where.append(definition.id_column.in_(run.ids))
        ids = session.scalars(select(definition.id_column).where(*where).order_by(definition.id_column)).all()
        rows = ((run.id, row_id, WAITING) for row_id in ids)
        insert_rows(session.connection(), BulkChange.__table__, ("run_id", "row_id", "state"), rows)  # type: ignore[arg-type]  # a mapped class has a table
        session.execute(update(BulkRun).where(BulkRun.id == run.id).values(chosen_at=utc_now()))


def _next(session: ScopedSession, run_id: int, state: str) -> list[int]:
    waiting = select(BulkChange.row_id).where(BulkChange.run_id == run_id, BulkChange.state == state)
    return list(session.scalars(waiting.order_by(BulkChange.row_id).limit(PIECE)))


def _seen(session: ScopedSession, model: RegisteredModel, ids: Sequence[int]) -> list[int]:
    column = model.column("id")
    return list(session.scalars(select(column).where(column.in_(ids)).order_by(column)))


def _change_piece(
    suite: Suite,
    session: ScopedSession,
    model: RegisteredModel,
    action: BulkAction,
    ids: Sequence[int],
    inputs: dict[str, str],
) -> None:
    allowed = _allowed(suite, session, model, _seen(session, model, ids))
    before, after = action.read(session, model.id, allowed, inputs), action.after(inputs)
    changed = [row_id for row_id in allowed if before.get(row_id) != after]
    action.write(session, model.id, dict.fromkeys(changed, after), inputs)
    run_id = int(inputs["run"])
    _note(session, run_id, changed, CHANGED, before)
    _note(session, run_id, [row_id for row_id in allowed if before.get(row_id) == after], SAME)
    _note(session, run_id, sorted(set(ids) - set(allowed)), REFUSED)


def _allowed(suite: Suite, session: ScopedSession, model: RegisteredModel, ids: Sequence[int]) -> list[int]:
    """Return the records that no plugin refuses to have changed; without such a plugin none is loaded."""
    actor = _person(session)
    if not suite.plugins.calls("core_authorize"):
        return list(ids)
    asked = {"session": session, "actor": actor, "permission": f"{model.id}.edit"}
    records = session.scalars(select(model.entity).where(model.column("id").in_(ids))).all()
    where = actor.home_branch_id
    refused = {
        each.id for each in records if suite.plugins.gather("core_authorize", in_branch=where, record=each, **asked)
    }
    return [row_id for row_id in ids if row_id not in refused]


def _before(session: ScopedSession, run_id: int, ids: Sequence[int]) -> dict[int, Any]:
    kept = select(BulkChange.row_id, BulkChange.before).where(BulkChange.run_id == run_id, BulkChange.row_id.in_(ids))
    return dict(session.execute(kept).all())


def _note(
    session: ScopedSession, run_id: int, ids: Sequence[int], state: str, before: Mapping[int, Any] | None = None
) -> None:
    """Note a state for records, with one statement for each state before."""
    groups: dict[str, tuple[Any, list[int]]] = {}
    for row_id in ids:
        value = before.get(row_id) if before is not None else None
        groups.setdefault(repr(value), (value, []))[1].append(row_id)
    for value, members in groups.values():
        mine = update(BulkChange).where(BulkChange.run_id == run_id, BulkChange.row_id.in_(members))
        kept = {"before": value} if before is not None else {}
        session.execute(mine.values(state=state, **kept))


def _finish(context: JobContext, run: BulkRun, model: RegisteredModel, verb: str) -> dict[str, int]:
    with context.suite.database.write(context.actor) as session:
        found = count_states(session, run.id)
        ended = {"undone_at" if verb == "bulk.undone" else "finished_at": utc_now()}
        session.execute(update(BulkRun).where(BulkRun.id == run.id).values(ended))
        audit(session, verb, model.id, None, {"run": run.id, "action": run.action, **found})
    return found


def _person(session: ScopedSession) -> Actor:
    if session.actor is None or session.actor.user_id is None:
        raise ConflictError("not_a_person", "Only people run bulk actions.", "Sign in.")
    return session.actor


def _is_day(text: str) -> bool:
    from datetime import date

    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
