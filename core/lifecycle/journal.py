"""The journal of actions: every step is written down before the first one begins."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select, update

from core.db.base import utc_now
from core.db.session import Database, ScopedSession
from core.plugin.installed import read_installed
from core.plugin.models import PluginStep
from core.security.actors import system_actor

WAITING, RUNNING, DONE, FAILED = "waiting", "running", "done", "failed"
CANCELLED = "cancelled"
"""Never begun, since a step before it failed."""
ACTOR = system_actor("journal of plugins")


@dataclass(frozen=True)
class Step:
    """One step of a plan: what is done, and to what."""

    plan: str
    sequence: int
    plugin: str
    action: str
    step: str
    target: str
    options: dict[str, Any]
    state: str = WAITING
    error: str = ""


def write_plan(session: ScopedSession, options: dict[str, Any], steps: Sequence[tuple[str, str]]) -> str:
    """Write down a plan; returns its number.

    Args:
        session: A unit of work.
        options: The request as JSON values, besides what the steps need to know.
        steps: (step, target) in order.
    """
    plan = secrets.token_hex(8)
    for sequence, (step, target) in enumerate(steps):
        row = PluginStep(plan=plan, sequence=sequence, plugin=options["plugin"], action=options["action"], step=step)
        row.target, row.options = target, options
        session.add(row)
    return plan


def open_plans(database: Database) -> list[list[Step]]:
    """Return the plans that were begun and neither ended nor failed, oldest first, each with all its steps."""
    unfinished = select(PluginStep.plan).where(PluginStep.state.in_((WAITING, RUNNING)))
    with database.read(ACTOR) as session:
        plans = list(dict.fromkeys(session.scalars(unfinished.order_by(PluginStep.id))))
        return [steps_of(session, plan) for plan in plans]


def open_plugins(database: Database) -> list[str]:
    """Return the plugins with such a plan; none where the database has no journal yet."""
    if not read_installed(database).plugins:
        return []
    return list(dict.fromkeys(steps[0].plugin for steps in open_plans(database)))


def steps_of(session: ScopedSession, plan: str) -> list[Step]:
    """Return the steps of a plan in order."""
    rows = session.scalars(select(PluginStep).where(PluginStep.plan == plan).order_by(PluginStep.sequence))
    return [
        Step(row.plan, row.sequence, row.plugin, row.action, row.step, row.target, row.options, row.state, row.error)
        for row in rows
    ]


def mark(database: Database, step: Step, state: str, error: str = "") -> None:
    """Write down how a step is doing; after a failure the rest of its plan is cancelled."""
    times = {RUNNING: {"started": utc_now()}, DONE: {"finished": utc_now()}, FAILED: {"finished": utc_now()}}
    own = (PluginStep.plan == step.plan, PluginStep.sequence == step.sequence)
    with database.write(ACTOR) as session:
        session.execute(update(PluginStep).where(*own).values(state=state, error=error, **times.get(state, {})))
        if state == FAILED:
            rest = (PluginStep.plan == step.plan, PluginStep.sequence > step.sequence)
            session.execute(update(PluginStep).where(*rest).values(state=CANCELLED))
