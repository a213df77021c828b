"""Administration of plugins: what is installed, where it is active, plans of actions, their progress, archives."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from sqlalchemy import select
from starlette.requests import Request
from starlette.responses import Response

from core.builtin.plugin_jobs import ACTION
from core.builtin.plugin_labels import ACTION_LABELS, called, plan_in_words, step_in_words
from core.errors import ConflictError, NotFoundError, PermissionDeniedError
from core.jobs.faults import faults, reset
from core.jobs.models import QUEUED, RUNNING, Job
from core.jobs.queue import enqueue
from core.lifecycle.archive import read_head
from core.lifecycle.blockers import blockers
from core.lifecycle.overview import PluginRow, journal_of, one, overview
from core.lifecycle.plan import make_plan
from core.lifecycle.probe import PROBE_SECONDS, run_banyan
from core.lifecycle.requests import ACTIONS, DECISIONS, MODES
from core.lifecycle.requests import Request as Asked
from core.lifecycle.work import archive_folder
from core.plugin.breaker import BEHIND, FAILING, OPEN
from core.plugin.contributions import MenuItem, Permission, Route
from core.plugin.hookspecs import hookimpl
from core.plugin.models import AWAY, PluginFault
from core.registry.fields import Label
from core.security import audit
from core.security.branches import tree
from core.web import requests
from core.web.pages import actor_label, cell, page, table, words
from core.web.requests import text
from core.web.templating import render

if TYPE_CHECKING:
    from core.app import Suite
    from core.security.models import Branch

VIEW, EDIT = "core.plugin.view", "core.plugin.edit"
TONES = {"installed": "ok", "upgrading": "running", "failed": "failed", "missing": "failed", "blocked": "warn"}
SHOWN_STEPS = 20


@hookimpl
def core_routes() -> Sequence[Route]:
    """Declare the pages of plugins."""
    return [
        Route("/plugins", plugins, VIEW),
        Route("/plugins/{plugin}", detail, VIEW),
        Route("/plugins/{plugin}/plan/{action}", plan, EDIT),
        Route("/plugins/{plugin}/run", run, EDIT, ("POST",)),
        Route("/plugins/{plugin}/branch", switch, EDIT, ("POST",)),
        Route("/plugins/{plugin}/reset", reset_faults, EDIT, ("POST",)),
    ]


@hookimpl
def core_permissions() -> Sequence[Permission]:
    """Declare the permissions."""
    return [Permission(VIEW, Label("See plugins", "查看插件")), Permission(EDIT, Label("Manage plugins", "管理插件"))]


@hookimpl
def core_menu_items() -> Sequence[MenuItem]:
    """Declare the menu entry."""
    return [MenuItem("core.plugins", Label("Plugins", "插件"), "/plugins", VIEW, "plug-connected-x", "admin", 40)]


def plugins(request: Request) -> Response:
    """Show all plugins."""
    _ = words(request)
    rows = [
        (number, f"/plugins/{row.id}", _cells(request, row))
        for number, row in enumerate(overview(_suite(request), request.state.locale), 1)
    ]
    heads = [_("Plugin"), _("State"), _("Version"), _("Problem")]
    panel = table(_("Plugins"), heads, rows, _("No plugin was found."))
    return render(request, "tables.html", {"view": page(_("Plugins"), [panel])})


def detail(request: Request) -> Response:
    """Show one plugin: state, problem, branches, journal, archives, what can be done."""
    row = one(_suite(request), request.path_params["plugin"], request.state.locale)
    steps = journal_of(_suite(request), row.id)[-SHOWN_STEPS:]
    asked = _asked(request, row.id)
    moving = asked in {QUEUED, RUNNING} or any(step.state in {"waiting", "running"} for step in steps)
    context = {
        "plugin": row,
        "title": _title(request, row),
        "state": _state(request, row),
        "actions": _actions(request, row),
        "branches": _branches(request, row),
        "steps": [step_in_words(each, request.state.locale) for each in steps],
        "since": datetime.fromisoformat(row.since) if row.since else None,
        "by": actor_label(request, row.by),
        "done": sum(step.state == "done" for step in steps),
        "archives": _archives(request, row),
        "faults": [_fault(request, each) for each in faults(requests.session_of(request), row.id)],
        "may_reset": requests.actor_of(request).may(EDIT),
        "refresh_url": f"/plugins/{row.id}" if moving else None,
        "refused": asked if asked not in {QUEUED, RUNNING} else "",
    }
    return render(request, "plugins/detail.html", context)


def _asked(request: Request, plugin_id: str) -> str:
    """Return the state of the last action that was asked for on screen while it is open, its error if it failed."""
    recent = select(Job).where(Job.kind == ACTION).order_by(Job.id.desc()).limit(SHOWN_STEPS)
    for job in requests.session_of(request).scalars(recent):
        if job.payload["plugin"] == plugin_id:
            return job.state if job.state in {QUEUED, RUNNING} else job.error
    return ""


def plan(request: Request) -> Response:
    """Show exactly what an action would do; a child process works it out, since the code may be newer than ours."""
    asked, action = request.query_params, request.path_params["action"]
    row = one(_suite(request), request.path_params["plugin"], request.state.locale)
    if action not in ACTIONS or asked.get("mode", "keep") not in MODES:
        raise NotFoundError("no_such_page", "There is no such page.")
    made = _decision_plan(request, row) if action in DECISIONS else _plan_of_child(request, row)
    context = {
        "plan": plan_in_words(made, request.state.locale),
        "title": _title(request, row),
        "asked": dict(asked),
        "action": action,
        "label": called(ACTION_LABELS, action, request.state.locale),
        "decision": action in DECISIONS,
    }
    return render(request, "plugins/plan.html", context)


def _decision_plan(request: Request, row: PluginRow) -> dict[str, Any]:
    asked = Asked(
        request.path_params["action"], row.id, branch=_branch(request, request.query_params.get("branch", "")).code
    )
    return make_plan(_suite(request), asked, request.state.locale).as_json()


def _plan_of_child(request: Request, row: PluginRow) -> dict[str, Any]:
    asked = request.query_params
    options = [f"--{name}={asked[name]}" for name in ("mode", "branch", "archive") if asked.get(name)]
    words_ = ("plugin", "plan", request.path_params["action"], row.id, "--json", *options)
    made = run_banyan(*words_, seconds=PROBE_SECONDS, locale=request.state.locale)
    if made.returncode:
        raise ConflictError(
            "plan_failed", "The plan cannot be made: {problem}", problem=(made.stderr or made.stdout).strip()[-1000:]
        )
    plan: dict[str, Any] = json.loads(made.stdout)
    return plan


def run(request: Request) -> Response:
    """Queue an action on the whole installation; its steps show on the page of the plugin."""
    row = one(_suite(request), request.path_params["plugin"], request.state.locale)
    actor = requests.actor_of(request)
    if not actor.sees_all_branches:
        raise PermissionDeniedError("not_everywhere", "This concerns the whole installation.")
    payload = {name: text(request, name) for name in ("action", "mode", "branch", "archive")}
    if payload["action"] not in ACTIONS:
        raise NotFoundError("no_such_page", "There is no such page.")
    payload.update(plugin=row.id, by=actor.name)
    session = requests.session_of(request)
    enqueue(session, ACTION, payload, key=None, actor=actor, branch_id=None)
    audit.record(session, f"plugin.{payload['action']}.ask", "", None, payload)
    return requests.redirect(request, f"/plugins/{row.id}")


def switch(request: Request) -> Response:
    """Enable, preview or disable the plugin in a branch that the person reaches, at once."""
    session, plugin_id, action = requests.session_of(request), request.path_params["plugin"], text(request, "action")
    branch = _branch(request, text(request, "branch"))
    if action not in DECISIONS:
        raise NotFoundError("no_such_page", "There is no such page.")
    for against in blockers(_suite(request), Asked(action, plugin_id, branch=branch.code)):
        raise against
    _suite(request).activation.decide(session, plugin_id, branch.id, DECISIONS[action])
    audit.record(session, f"plugin.{action}", "core.branch", branch.id, {"plugin": plugin_id}, branch.id)
    return requests.redirect(request, f"/plugins/{plugin_id}")


def _branch(request: Request, code: str) -> Branch:
    actor = requests.actor_of(request)
    branch = next((each for _, each in tree(requests.session_of(request)) if each.code == code), None)
    if branch is None or not (actor.sees_all_branches or branch.id in actor.branch_ids):
        raise NotFoundError("unknown_branch_number", "There is no such branch.")
    return branch


def reset_faults(request: Request) -> Response:
    """Let all processes call the plugin's parts again."""
    session, plugin_id = requests.session_of(request), request.path_params["plugin"]
    reset(session, plugin_id)
    audit.record(session, "plugin.reset", "", None, {"plugin": plugin_id})
    return requests.redirect(request, f"/plugins/{plugin_id}")


def _fault(request: Request, row: PluginFault) -> dict[str, Any]:
    _ = words(request)
    said = {
        FAILING: (_("fails"), "warn"), OPEN: (_("suspended"), "failed"),
        BEHIND: (_("slow, fetched after the page"), "warn"),
    }  # fmt: skip
    return {"part": row.part, "state": said[row.state], "failures": row.failures, "error": row.error,
            "until": row.until, "process": row.process}  # fmt: skip


def _suite(request: Request) -> Suite:
    suite: Suite = request.app.state.suite
    return suite


def _title(request: Request, row: PluginRow) -> str:
    return (row.title or {}).get("zh" if request.state.locale == "zh_CN" else "en", row.id)


def _cells(request: Request, row: PluginRow) -> list[dict[str, Any]]:
    label, tone = _state(request, row)
    return [
        cell(f"{_title(request, row)} ({row.id})"),
        cell(label, "status", tone=tone),
        cell(row.installed_version or row.version),
        cell(row.problem),
    ]


def _state(request: Request, row: PluginRow) -> tuple[str, str]:
    _ = words(request)
    labels = {
        "available": _("available"), "enabled": _("enabled"), "installed": _("installed"), "dormant": _("dormant"),
        "upgrading": _("under work"), "failed": _("failed"), "archived": _("archived"), "dropped": _("dropped"),
        "missing": _("missing"), "blocked": _("blocked"), "excluded": _("left out"),
    }  # fmt: skip
    name = row.status if row.status in {"missing", "blocked", "excluded", "failed"} else row.state
    return labels[name], TONES.get(name, "idle")


def _actions(request: Request, row: PluginRow) -> list[dict[str, Any]]:
    """Return the plans that make sense now."""
    _ = words(request)
    if not (requests.actor_of(request).may(EDIT) and requests.actor_of(request).sees_all_branches):
        return []
    place = f"/plugins/{row.id}/plan"
    if row.state in {"available", "dropped"}:
        return [{"label": _("Install"), "url": f"{place}/install", "primary": True}]
    if row.state in AWAY:
        return [
            {"label": _("Restore"), "url": f"{place}/restore", "primary": True},
            {"label": _("Delete the data"), "url": f"{place}/uninstall?mode=drop", "danger": True},
        ]
    newer = row.version is not None and (row.version != row.installed_version or row.status == "failed")
    return [
        *([{"label": _("Upgrade"), "url": f"{place}/upgrade", "primary": True}] if newer else []),
        {"label": _("Uninstall, keep the data"), "url": f"{place}/uninstall?mode=keep"},
        {"label": _("Uninstall into an archive"), "url": f"{place}/uninstall?mode=archive"},
        {"label": _("Uninstall and delete the data"), "url": f"{place}/uninstall?mode=drop", "danger": True},
    ]


def _branches(request: Request, row: PluginRow) -> list[dict[str, Any]]:
    """Return the branches the person reaches, with what holds there; none for a plugin of the whole installation."""
    suite, actor = _suite(request), requests.actor_of(request)
    state = suite.plugins.states.get(row.id)
    if state is None or state.manifest is None or state.manifest.scope == "system":
        return []
    return [
        {
            "code": branch.code,
            "name": "\u3000" * depth + branch.name,
            "plain": branch.name,
            "own": suite.activation.decision(row.id, branch.id),
            "state": suite.activation.state(row.id, branch.id),
            "may": actor.may(EDIT),
        }
        for depth, branch in tree(requests.session_of(request))
        if actor.sees_all_branches or branch.id in actor.branch_ids
    ]


def _archives(request: Request, row: PluginRow) -> list[dict[str, Any]]:
    found = []
    for file in sorted(archive_folder(_suite(request)).glob(f"{row.id}-*.zip"), reverse=True):
        head = read_head(file)
        if head.plugin == row.id:
            asked = {"archive": file.name, **({"branch": head.branch} if head.branch else {})}
            url = f"/plugins/{row.id}/plan/restore?{urlencode(asked)}"
            rows = sum(table.rows for table in head.tables)
            found.append({"name": file.name, "version": head.version, "branch": head.branch, "rows": rows, "url": url})
    return found
