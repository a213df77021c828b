"""Doing an action: its steps are written into the journal, then done one after the other; a killed one is resumed."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING

from sqlalchemy import select, update

from core.db.base import utc_now
from core.db.migration_lock import WAIT_SECONDS, upgrade_lock
from core.errors import BanyanError, ConflictError
from core.lifecycle import journal
from core.lifecycle.blockers import blockers
from core.lifecycle.journal import Step
from core.lifecycle.requests import DECISIONS, Request
from core.lifecycle.sequence import steps_for
from core.lifecycle.steps import ACTOR, BEFORE_CHANGES, STEPS
from core.lifecycle.work import Work
from core.log import logger
from core.plugin.activation import EPOCH
from core.plugin.epochs import bump_epoch
from core.plugin.models import FAILED, INSTALLED, InstalledPlugin
from core.security import audit
from core.security.actors import system_actor
from core.security.branches import find_branch

if TYPE_CHECKING:
    from core.app import Suite

AGAIN_SECONDS = 0.5
"""How often a step that waits for other processes is tried again."""
Report = Callable[[Step], None]


def perform(
    suite: Suite,
    request: Request,
    *,
    wait: float = WAIT_SECONDS,
    patience: float = 0.0,
    report: Report = lambda step: None,
) -> list[Step]:
    """Do an action on a plugin.

    Args:
        suite: A suite built with ``taking=(plugin,)``, so that the plugin's new code is loaded.
        request: What to do.
        wait: Seconds to wait for another action to end.
        patience: Seconds to wait for steps that need other processes; what is left then is done by a worker.
        report: Called after each step.

    Returns:
        The steps as they stand at the end.

    Raises:
        ConflictError: Something stands against it; nothing was changed.
        BanyanError: A step failed; the journal says which. The plugin is failed if tables were changed before.
        DatabaseStateError: Another action took longer than ``wait``.
    """
    with upgrade_lock(suite.database, wait):
        against = [*_unfinished(suite, request), *blockers(suite, request)]
        if against:
            raise against[0]
        if request.action in DECISIONS:
            _switch(suite, request)
            return []
        steps = steps_for(suite, request)
        options = request.options()
        options.update(steps.options)
        with suite.database.write(ACTOR) as session:
            plan = journal.write_plan(session, options, steps.steps)
            audit.record(session, f"plugin.{request.action}", "", None, {**request.options(), "plan": plan})
        return _run(suite, _steps(suite, plan), patience, report)


def _unfinished(suite: Suite, request: Request) -> list[BanyanError]:
    return [
        ConflictError(
            "action_open", "An action on {plugin} is not finished; it waits at the step {step}.",
            "Wait, or see `banyan plugin steps {plugin}`.", plugin=request.plugin,
            step=next(step.step for step in steps if step.state != journal.DONE),
        )
        for steps in journal.open_plans(suite.database)
        if steps[0].plugin == request.plugin
    ]  # fmt: skip


def _switch(suite: Suite, request: Request) -> None:
    with suite.database.write(system_actor(f"{request.action} a plugin, for {request.by}")) as session:
        branch = find_branch(session, request.branch)
        suite.activation.decide(session, request.plugin, branch.id, DECISIONS[request.action])
        audit.record(session, f"plugin.{request.action}", "", None, request.options(), branch.id)


def resume(suite: Suite, report: Report = lambda step: None) -> list[Step]:
    """Go on with actions that were cut off, unless another process is at work.

    Returns:
        The steps of those that were open, as they stand now.
    """
    if not journal.open_plans(suite.database):
        return []
    done: list[Step] = []
    try:
        with upgrade_lock(suite.database, wait=0.0):
            for steps in journal.open_plans(suite.database):
                done += _run(suite, steps, 0.0, report)
    except BanyanError as error:
        if error.code != "upgrade_running":
            raise
    return done


def _run(suite: Suite, steps: list[Step], patience: float, report: Report) -> list[Step]:
    """Do the open steps of one plan; stops early at one that waits for others longer than ``patience`` seconds."""
    until = time.monotonic() + patience
    suite.activation.works_on(steps[0].plugin)
    try:
        for step in steps:
            if step.state == journal.DONE:
                continue
            journal.mark(suite.database, step, journal.RUNNING)
            if not _until_done(Work(suite, step), until):
                break
            journal.mark(suite.database, step, journal.DONE)
            report(step)
    finally:
        suite.activation.works_on(None)
    return _steps(suite, steps[0].plan)


def _until_done(work: Work, until: float) -> bool:
    try:
        while not STEPS[work.step.step](work):
            if time.monotonic() > until:
                return False
            time.sleep(AGAIN_SECONDS)
    except Exception as error:
        _give_up(work, error)
        raise
    return True


def _give_up(work: Work, error: Exception) -> None:
    """Write down that a step failed: the plugin is failed, or as before where nothing was changed yet."""
    problem = str(error) if isinstance(error, BanyanError) else f"{type(error).__name__}: {error}"
    logger(__name__).error("plugin_action_failed", plugin=work.plugin, step=work.step.step, problem=problem)
    journal.mark(work.suite.database, work.step, journal.FAILED, problem)
    if not _is_paused(work):
        return  # the new code runs on tables that were only expanded
    before = work.step.options.get("previous") or FAILED
    state = before if work.step.step in BEFORE_CHANGES else FAILED
    values = {"state": state, "problem": problem, "trace": "".join(traceback.format_exception(error))[-8000:]}
    with work.suite.database.write(ACTOR) as session:
        own = update(InstalledPlugin).where(InstalledPlugin.plugin == work.plugin)
        session.execute(own.values(**values, since=utc_now()))
        bump_epoch(session, EPOCH)


def _is_paused(work: Work) -> bool:
    with work.suite.database.read(ACTOR) as session:
        state = session.scalar(select(InstalledPlugin.state).where(InstalledPlugin.plugin == work.plugin))
    return state != INSTALLED


def _steps(suite: Suite, plan: str) -> list[Step]:
    with suite.database.read(ACTOR) as session:
        return journal.steps_of(session, plan)
