"""Leave on screen: when I am away, and who has my tasks meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import select
from starlette.requests import Request
from starlette.responses import Response

from core.errors import InvalidInputError
from core.plugin.contributions import SIGNED_IN, AuditAction, Route
from core.plugin.hookspecs import hookimpl
from core.registry.fields import Label
from core.registry.filter_values import today_here
from core.security.models import User
from core.tasks.models import Leave
from core.tasks.work import colleagues, end_leave, go_on_leave
from core.web import requests
from core.web.pages import cell, field, form_page, table, with_errors, words
from core.web.templating import render


@hookimpl
def core_routes() -> Sequence[Route]:
    """Declare the page; everybody has their own."""
    return [
        Route("/tasks/leave", leave_page, SIGNED_IN),
        Route("/tasks/leave", leave, SIGNED_IN, ("POST",)),
        Route("/tasks/leave/{leave_id:int}/end", leave_ended, SIGNED_IN, ("POST",)),
    ]


@hookimpl
def core_audit_actions() -> Sequence[AuditAction]:
    """Declare what is written into the audit trail."""
    return [AuditAction("leave.added", Label("Leave noted", "登记休假"))]


def leave_page(request: Request) -> Response:
    """Show when I am away and who takes over."""
    return _leave(request, None)


def leave(request: Request) -> Response:
    """Note a leave."""
    sent = {name: requests.text(request, name) for name in ("from_on", "until_on", "delegate")}
    try:
        go_on_leave(requests.session_of(request), sent)
    except InvalidInputError as error:
        return _leave(request, error)
    return requests.toast(requests.redirect(request, "/tasks/leave"), words(request)("Saved."))


def leave_ended(request: Request) -> Response:
    """Delete a leave."""
    end_leave(requests.session_of(request), int(request.path_params["leave_id"]))
    return requests.redirect(request, "/tasks/leave")


def _leave(request: Request, error: InvalidInputError | None) -> Response:
    _, session, actor = words(request), requests.session_of(request), requests.actor_of(request)
    people = [(str(user.id), user.name) for user in colleagues(session) if user.id != actor.user_id]
    tomorrow = (today_here() + timedelta(days=1)).isoformat()
    typed = requests.text
    fields = [
        field("from_on", _("From"), typed(request, "from_on") or tomorrow, "date", required=True),
        field("until_on", _("Until"), typed(request, "until_on"), "date", required=True),
        field("delegate", _("Who takes over"), typed(request, "delegate"), "select", options=people, required=True),
    ]
    view = form_page(_("On leave"), "/tasks/leave", _("Save"), fields, "/tasks", crumbs=[(_("Tasks"), "/tasks")])
    if error is not None:
        view = with_errors(view, error, request.state.locale)
    names = dict(session.execute(select(User.id, User.name)).all())
    leaves = session.scalars(select(Leave).where(Leave.user_id == actor.user_id).order_by(Leave.from_on.desc()))
    rows = [
        (
            each.id,
            None,
            [
                cell(names.get(each.delegate_id, "")),
                cell(each.from_on, "date"),
                cell(each.until_on, "date"),
                cell({"label": _("Delete"), "url": f"/tasks/leave/{each.id}/end", "method": "post"}, "action"),
            ],
        )
        for each in leaves
    ]
    heads = (_("Who takes over"), (_("From"), "date"), (_("Until"), "date"), _("Action"))
    known = table(_("Leaves"), heads, rows, _("No leave is noted."))
    return render(request, "tasks/leave.html", {"view": view, "known": known}, status=422 if error else 200)
