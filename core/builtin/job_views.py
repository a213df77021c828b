"""The page of background work: what waits, runs or needs a person; stop and try again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from sqlalchemy import ColumnElement, select, true
from starlette.requests import Request
from starlette.responses import Response

from core.builtin.import_jobs import DRY_RUN, RUN
from core.errors import NotFoundError
from core.jobs import queue
from core.jobs.models import CANCELLED, DONE, FAILED, PARKED, QUEUED, RUNNING, STATES, Job
from core.jobs.runner import declared_jobs
from core.plugin.contributions import SIGNED_IN, Route
from core.plugin.hookspecs import hookimpl
from core.web import requests
from core.web.pages import actor_label, words
from core.web.templating import render

if TYPE_CHECKING:
    from core.app import Suite

PAGE = 50
SEE_ALL, CHANGE_ALL = "core.job.view", "core.job.edit"
"""Everybody sees and stops the work they started; these rights are for that of others."""
VIEWS = {"all": (), "open": (QUEUED, RUNNING), "attention": (FAILED, PARKED)}
TONES = {QUEUED: "idle", RUNNING: "running", DONE: "ok", FAILED: "failed", PARKED: "warn", CANCELLED: "idle"}


@hookimpl
def core_routes() -> Sequence[Route]:
    """Declare the page and its two actions."""
    return [
        Route("/jobs", page, SIGNED_IN),
        Route("/jobs/{job_id:int}/stop", stop, SIGNED_IN, ("POST",)),
        Route("/jobs/{job_id:int}/again", again, SIGNED_IN, ("POST",)),
    ]


def page(request: Request) -> Response:
    """Show the latest jobs of a view; while one waits or runs the list is fetched again."""
    asked = request.query_params
    view = asked.get("view") if asked.get("view") in VIEWS else "all"
    before = int(asked["before"]) if asked.get("before", "").isdecimal() else None
    query = select(Job).where(_seen(request, SEE_ALL)).order_by(Job.id.desc()).limit(PAGE + 1)
    if VIEWS[view or "all"]:
        query = query.where(Job.state.in_(VIEWS[view or "all"]))
    if before is not None:
        query = query.where(Job.id < before)
    found = list(requests.session_of(request).scalars(query))
    shown, moving = found[:PAGE], any(job.state in VIEWS["open"] for job in found)
    older = _address(view, shown[-1].id) if len(found) > PAGE else None
    context = {
        "jobs": _rows(request, shown),
        "views": _views(request, view or "all"),
        "previous_url": _address(view) if before is not None else None,
        "next_url": older,
        "refresh_url": _address(view, before) if moving else None,
    }
    return render(request, "jobs/list.html", context)


def stop(request: Request) -> Response:
    """Stop a job: a running one at its next safe point."""
    return _changed(request, queue.cancel, "The job stops.")


def again(request: Request) -> Response:
    """Queue a failed, parked or stopped job again."""
    return _changed(request, queue.retry, "The job was queued again.")


def _changed(request: Request, change: Any, text: str) -> Response:
    session, job_id = requests.session_of(request), int(request.path_params["job_id"])
    if session.scalar(select(Job.id).where(Job.id == job_id, _seen(request, CHANGE_ALL))) is None:
        raise NotFoundError("unknown_job", "There is no job {job}.", job=job_id)
    change(session, job_id)
    return requests.toast(requests.redirect(request, "/jobs"), words(request)(text))


def _seen(request: Request, right: str) -> ColumnElement[bool]:
    actor = requests.actor_of(request)
    return true() if actor.may(right) else Job.actor_id == actor.user_id


def _views(request: Request, now: str) -> list[dict[str, Any]]:
    _ = words(request)
    labels = {"all": _("All"), "open": _("Waiting and running"), "attention": _("Needs a person")}
    return [
        {"label": label, "url": _address(view), "active": view == now, "number": None} for view, label in labels.items()
    ]


def _address(view: str | None, before: int | None = None) -> str:
    asked = {"view": view, **({"before": before} if before is not None else {})}
    return f"/jobs?{urlencode(asked)}"


def _rows(request: Request, jobs: Sequence[Job]) -> list[dict[str, Any]]:
    suite: Suite = request.app.state.suite
    locale, kinds, actor = request.state.locale, declared_jobs(suite), requests.actor_of(request)
    states = {state.code: state.label.of(locale) for state in STATES}
    return [
        {
            "id": job.id,
            "title": kinds[job.kind].label.of(locale) if job.kind in kinds else job.kind,
            "status": states[job.state],
            "tone": TONES[job.state],
            "at": (job.started_at or job.created_at),
            "who": actor_label(request, job.actor_name),
            "finished": _finished(job),
            "total": job.total or None,
            "seconds": _seconds(job),
            "url": f"/imports/{job.payload['batch']}" if job.kind in {RUN, DRY_RUN} else None,
            "error": job.error.strip().splitlines()[-1] if job.error.strip() else None,
            **_actions(job, allowed=actor.may(CHANGE_ALL) or job.actor_id == actor.user_id),
        }
        for job in jobs
    ]


def _finished(job: Job) -> int | None:
    """Return how far a job is; one that is done is wholly done, whatever it told last."""
    if job.state == DONE:
        return job.total or None
    return job.progress_done


def _seconds(job: Job) -> str | None:
    if job.started_at is None or job.finished_at is None:
        return None
    return f"{max(0.0, (job.finished_at - job.started_at).total_seconds()):,.1f} s"


def _actions(job: Job, *, allowed: bool) -> dict[str, str | None]:
    stoppable = job.state in {QUEUED, RUNNING, PARKED} and not job.cancel_requested
    repeatable = job.state in {FAILED, PARKED, CANCELLED}
    return {
        "stop_url": f"/jobs/{job.id}/stop" if allowed and stoppable else None,
        "again_url": f"/jobs/{job.id}/again" if allowed and repeatable else None,
    }
