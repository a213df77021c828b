"""Running sessions: people see and end their own, administrators those of people within their reach."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from core.builtin.grants import reachable_person
from core.errors import NotFoundError
from core.plugin.contributions import SIGNED_IN, Route
from core.plugin.hookspecs import hookimpl
from core.registry.formats import screen_format
from core.security import audit
from core.security.sessions import end_session, end_sessions, sessions_of
from core.web import requests
from core.web.pages import cell, table, words

EDIT = "core.user.edit"
BROWSERS = (
    ("MicroMessenger", "WeChat"),
    ("Edg/", "Edge"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
"""Sign in the text -> browser, the first that fits: each names the ones it descends from, too."""
SYSTEMS = (
    ("Windows", "Windows"),
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("Mac OS", "macOS"),
    ("Linux", "Linux"),
)


@hookimpl
def core_routes() -> Sequence[Route]:
    """Declare the commands that end sessions."""
    post = ("POST",)
    return [
        Route("/profile/sessions/{session_id:int}/end", end_own, SIGNED_IN, post),
        Route("/profile/sessions/end", end_all_own, SIGNED_IN, post),
        Route("/users/{user_id:int}/sessions/{session_id:int}/end", end_foreign, EDIT, post),
        Route("/users/{user_id:int}/sessions/end", end_all_foreign, EDIT, post),
    ]


def end_own(request: Request) -> Response:
    """End one of the person's sessions."""
    return _end_one(request, requests.actor_of(request).user_id or 0, "/profile")


def end_all_own(request: Request) -> Response:
    """End all of the person's sessions, this one too."""
    return _end_all(request, requests.actor_of(request).user_id or 0, "/login")


def end_foreign(request: Request) -> Response:
    """End one session of somebody within reach."""
    user = reachable_person(request)
    return _end_one(request, user.id, f"/users/{user.id}")


def end_all_foreign(request: Request) -> Response:
    """End all sessions of somebody within reach."""
    user = reachable_person(request)
    return _end_all(request, user.id, f"/users/{user.id}")


def sessions_panel(request: Request, user_id: int, base: str) -> dict[str, Any]:
    """Return the table of a person's running sessions, each with the command that ends it below ``base``."""
    _, signed = words(request), request.state.signed_in
    shown_at = screen_format("instant", None, request.state.locale)
    rows = []
    for row in sessions_of(requests.session_of(request), user_id):
        here = _("this one") if row.id == signed.session_id else ""
        end = {"url": f"{base}/sessions/{row.id}/end", "label": _("Sign out"), "method": "post"}
        cells = [
            cell(shown_at(row.seen_at), hint=here),
            cell(row.client),
            cell(browser_name(row.agent)),
            cell(end, "action"),
        ]
        rows.append((row.id, None, cells))
    return table(_("Running sessions"), [_("Last used"), _("Address"), _("Browser"), ""], rows, _("None."))


def browser_name(agent: str) -> str:
    """Return ``Chrome · Windows`` for what a browser says of itself (RFC 9110, User-Agent); the text where unknown."""
    found = [next((name for sign, name in signs if sign in agent), "") for signs in (BROWSERS, SYSTEMS)]
    return " · ".join(filter(None, found)) or agent


def sign_out_everywhere(request: Request, base: str) -> dict[str, Any]:
    """Return the action that ends all sessions of the person whose page is ``base``."""
    _ = words(request)
    return {"label": _("Sign out everywhere"), "url": f"{base}/sessions/end", "method": "post", "icon": "logout"}


def _end_one(request: Request, user_id: int, target: str) -> Response:
    session = requests.session_of(request)
    if not end_session(session, user_id, request.path_params["session_id"]):
        raise NotFoundError("no_such_session", "There is no such session.")
    audit.record(session, "session.end", "core.user", user_id)
    return requests.redirect(request, target)


def _end_all(request: Request, user_id: int, target: str) -> Response:
    session = requests.session_of(request)
    end_sessions(session, user_id)
    audit.record(session, "session.end_all", "core.user", user_id)
    return requests.redirect(request, target)
