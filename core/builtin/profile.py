"""A person's own account: name, password, running sessions, interface tokens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from starlette.requests import Request
from starlette.responses import Response

from core.builtin.accounts import check_same_twice
from core.builtin.sessions import sessions_panel, sign_out_everywhere
from core.builtin.tokens import tokens_panel
from core.errors import InvalidInputError
from core.plugin.contributions import SIGNED_IN, MenuItem, Route
from core.plugin.hookspecs import hookimpl
from core.registry.fields import Label
from core.security.accounts import check_present_password, set_password
from core.security.models import User
from core.security.passwords import SHORTEST
from core.web import requests
from core.web.pages import field, form_page, page, with_errors, words
from core.web.requests import text
from core.web.routing import SECOND_FACTOR
from core.web.templating import render


@hookimpl
def core_routes() -> Sequence[Route]:
    """Declare the routes of one's own account."""
    return [
        Route("/profile", profile, SIGNED_IN),
        Route("/profile/password", password_page, SIGNED_IN),
        Route("/profile/password", change_password, SIGNED_IN, ("POST",)),
    ]


@hookimpl
def core_menu_items() -> Sequence[MenuItem]:
    """Declare its menu entry."""
    return [MenuItem("core.profile", Label("My account", "我的账号"), "/profile", SIGNED_IN, "user", "admin", 90)]


def profile(request: Request) -> Response:
    """Show running sessions and tokens, each of which can be ended."""
    _ = words(request)
    panels = [sessions_panel(request, requests.actor_of(request).user_id or 0, "/profile"), tokens_panel(request)]
    actions = [
        {"label": _("Change password"), "url": "/profile/password", "icon": "lock"},
        {"label": _("Second factor"), "url": SECOND_FACTOR, "icon": "shield-check"},
        {"label": _("New token"), "url": "/profile/tokens/new", "icon": "key"},
        sign_out_everywhere(request, "/profile"),
    ]
    return render(request, "tables.html", {"view": page(requests.actor_of(request).name, panels, actions=actions)})


def password_page(request: Request) -> Response:
    """Show the form of a new password."""
    return render(request, "form.html", {"view": _password_form(request)})


def change_password(request: Request) -> Response:
    """Change the password; all sessions end, this one too."""
    try:
        check_same_twice(request)
        user_id = requests.actor_of(request).user_id or 0
        check_present_password(request.app.state.suite.database, user_id, text(request, "present"))
        set_password(requests.session_of(request), _self(request), text(request, "password"))
    except InvalidInputError as error:
        view = with_errors(_password_form(request), error, request.state.locale)
        return render(request, "form.html", {"view": view}, status=422)
    return requests.toast(requests.redirect(request, "/login"), words(request)("The password was changed."))


def _self(request: Request) -> User:
    user_id = requests.actor_of(request).user_id
    return requests.session_of(request).scalars(select(User).where(User.id == user_id)).one()


def _password_form(request: Request) -> dict[str, Any]:
    _ = words(request)
    fresh = {"autocomplete": "new-password", "minlength": SHORTEST}
    new: dict[str, Any] = {"type": "password", "required": True, "attributes": fresh}
    present: dict[str, Any] = {**new, "attributes": {"autocomplete": "current-password"}}
    fields = [
        field("present", _("Present password"), **present),
        field("password", _("New password"), **new),
        field("again", _("Password again"), **new),
    ]
    return form_page(_("Change password"), "/profile/password", _("Save"), fields, "/profile")
