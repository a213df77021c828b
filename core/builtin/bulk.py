"""The page of one bulk action: progress, what became of the records, undo with its conflicts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from starlette.requests import Request
from starlette.responses import Response

from core.bulk.models import CHANGED, CONFLICT, REFUSED, SAME, UNDONE, WAITING, BulkChange, BulkRun
from core.bulk.running import RUN_JOB, UNDO, UNDO_JOB, can_undo, count_states, run_action, start_undo, undo_action
from core.errors import NotFoundError
from core.jobs.models import QUEUED, RUNNING
from core.jobs.models import Job as JobRow
from core.plugin.contributions import SIGNED_IN, AuditAction, Job, Route
from core.plugin.hookspecs import hookimpl
from core.registry.fields import Label
from core.registry.titles import load_titles
from core.web import requests
from core.web.pages import cell, columns, words
from core.web.templating import render

if TYPE_CHECKING:
    from core.app import Suite

LISTED = 50
"""Records of a state that the page shows."""
SEE_ALL = "core.job.view"


@hookimpl
def core_jobs() -> Sequence[Job]:
    """Declare running and undoing."""
    return [
        Job(RUN_JOB, run_action, Label("Bulk action", "批量操作")),
        Job(UNDO_JOB, undo_action, Label("Undo of a bulk action", "撤销批量操作")),
    ]


@hookimpl
def core_audit_actions() -> Sequence[AuditAction]:
    """Declare what runs write into the audit trail."""
    return [
        AuditAction("bulk.run", Label("Bulk action", "批量操作")),
        AuditAction("bulk.undone", Label("Bulk action undone", "撤销批量操作")),
    ]


@hookimpl
def core_routes() -> Sequence[Route]:
    """Declare the page and its undo; everybody sees and undoes their own."""
    return [
        Route("/bulk/{run_id:int}", page, SIGNED_IN),
        Route("/bulk/{run_id:int}/undo", undo, SIGNED_IN, ("POST",)),
    ]


def page(request: Request) -> Response:
    """Show one run; while it runs the page is fetched again."""
    session, run = requests.session_of(request), run_of(request)
    suite: Suite = request.app.state.suite
    model = suite.registry.get(run.model)
    job = session.get(JobRow, run.undo_job_id or run.job_id)
    found = count_states(session, run.id)
    running = job is not None and job.state in {QUEUED, RUNNING}
    view = {
        "title": _title(request, run),
        "crumbs": [(model.declaration.plural.of(request.state.locale), model.url)],
        "running": running,
        "url": f"/bulk/{run.id}",
        "done": job.progress_done if job else 0,
        "total": (job.total if job else 0) or run.expected,
        "states": [{"label": label, "value": f"{found.get(state, 0):,}"} for state, label in _labels(request).items()],
        "problem": job.error.strip().splitlines()[-1] if job and job.error.strip() else None,
        "undo_url": f"/bulk/{run.id}/undo" if can_undo(run) and found.get(CHANGED) else None,
        "undo_until": run.finished_at + UNDO if run.finished_at else None,
        "tables": [_table(request, run, state) for state in (CONFLICT, REFUSED) if found.get(state)],
    }
    return render(request, "bulk/run.html", {"view": view})


def undo(request: Request) -> Response:
    """Queue the undo."""
    run = run_of(request)
    start_undo(requests.session_of(request), run)
    return requests.redirect(request, f"/bulk/{run.id}")


def run_of(request: Request) -> BulkRun:
    """Return the run of the address; that of somebody else is as good as none.

    Raises:
        NotFoundError: There is none.
    """
    actor, session = requests.actor_of(request), requests.session_of(request)
    run = session.get(BulkRun, int(request.path_params["run_id"]))
    may_see = actor.may(SEE_ALL) and actor.sees_all_branches and request.method in requests.SAFE_METHODS
    if run is None or (run.actor_id != actor.user_id and not may_see):
        raise NotFoundError("unknown_run", "There is no such bulk action.")
    return run


def _title(request: Request, run: BulkRun) -> str:
    suite: Suite = request.app.state.suite
    declared = {action.id: action for _, action in suite.plugins.collect("core_bulk_actions")}
    return declared[run.action].label.of(request.state.locale) if run.action in declared else run.action


def _labels(request: Request) -> dict[str, str]:
    _ = words(request)
    return {
        CHANGED: _("Changed"),
        SAME: _("Already so"),
        REFUSED: _("Refused"),
        WAITING: _("Waiting"),
        UNDONE: _("Taken back"),
        CONFLICT: _("Changed since, not taken back"),
    }


def _table(request: Request, run: BulkRun, state: str) -> tuple[str, Any, Any]:
    session, suite = requests.session_of(request), request.app.state.suite
    model = suite.registry.get(run.model)
    found = select(BulkChange.row_id).where(BulkChange.run_id == run.id, BulkChange.state == state)
    ids = session.scalars(found.order_by(BulkChange.row_id).limit(LISTED)).all()
    titles = load_titles(session, model, ids)
    rows = [
        {
            "id": row_id,
            "url": model.record_url(row_id) if row_id in titles else None,
            "cells": [cell(titles.get(row_id, f"#{row_id}"))],
        }
        for row_id in ids
    ]
    return _labels(request)[state], columns(model.declaration.label.of(request.state.locale)), rows
