"""The bell: how many lines wait, and the page of them."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, select
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from core.plugin.contributions import SIGNED_IN, Route
from core.plugin.hookspecs import hookimpl
from core.tasks.models import Notification
from core.tasks.reminders import mark_read
from core.web import requests
from core.web.pages import cell, page, table, words
from core.web.templating import render

SHOWN = 50
MOST = 99
"""Largest number beside the bell."""


@hookimpl
def core_routes() -> Sequence[Route]:
    """Declare the routes; everybody has a bell of their own."""
    return [
        Route("/notifications", show, SIGNED_IN),
        Route("/notifications/count", count, SIGNED_IN),
        Route("/notifications/read", read, SIGNED_IN, ("POST",)),
    ]


def show(request: Request) -> Response:
    """Show the newest lines, the unread ones marked."""
    _, actor = words(request), requests.actor_of(request)
    query = select(Notification).where(Notification.user_id == actor.user_id).order_by(Notification.id.desc())
    lines = requests.session_of(request).scalars(query.limit(SHOWN)).all()
    rows = [
        (each.id, each.url, [cell(each.text), cell(each.at, "instant"), _state(request, unread=each.read_at is None)])
        for each in lines
    ]
    heads = (_("What"), (_("When"), "instant"), _("Status"))
    panel = table(_("Notifications"), heads, rows, _("Nothing yet."))
    actions = []
    if any(each.read_at is None for each in lines):
        actions.append({"label": _("Mark all as read"), "url": "/notifications/read", "method": "post"})
    return render(request, "tables.html", {"view": page(_("Notifications"), [panel], actions=actions)})


def count(request: Request) -> Response:
    """Answer with the number of unread lines, nothing where there are none."""
    actor = requests.actor_of(request)
    unread = (Notification.user_id == actor.user_id, Notification.read_at.is_(None))
    number = requests.session_of(request).scalar(select(func.count()).select_from(Notification).where(*unread)) or 0
    return HTMLResponse(f'<b class="bell-count">{min(number, MOST)}</b>' if number else "")


def read(request: Request) -> Response:
    """Mark all lines as read."""
    actor = requests.actor_of(request)
    if actor.user_id is not None:
        mark_read(requests.session_of(request), actor.user_id)
    return requests.redirect(request, "/notifications")


def _state(request: Request, *, unread: bool) -> dict[str, object]:
    _ = words(request)
    return cell(_("new"), "status", tone="warn") if unread else cell(_("read"), "status", tone="idle")
