"""A person's own account: name, password, running sessions, interface tokens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import delete, select
from starlette.requests import Request
from starlette.responses import Response

from core.db.base import utc_now
from core.errors import BanyanError, InvalidInputError, InvalidValueError, NotFoundError
from core.plugin.contributions import SIGNED_IN, MenuItem, Route
from core.plugin.hookspecs import hookimpl
from core.registry.fields import Label
from core.registry.formats import screen_format
from core.security import audit
from core.security.accounts import set_password
from core.security.limits import count_attempt
from core.security.login import HOUR, PER_ACCOUNT_AND_CLIENT
from core.security.models import ApiToken, User
from core.security.passwords import SHORTEST, verify_password
from core.security.sessions import end_session, make_token, sessions_of
from core.web import requests
from core.web.pages import cell, field, form_page, page, table, with_errors, words
from core.web.requests import text
from core.web.templating import render

TOKEN_DAYS = 90


@hookimpl
def core_routes() -> Sequence[Route]:
    """Declare the routes of one's own account."""
    return [
        Route("/profile", profile, SIGNED_IN),
        Route("/profile/password", password_page, SIGNED_IN),
        Route("/profile/password", change_password, SIGNED_IN, ("POST",)),
        Route("/profile/sessions/{session_id:int}/end", end_one, SIGNED_IN, ("POST",)),
        Route("/profile/tokens", add_token, SIGNED_IN, ("POST",)),
        Route("/profile/tokens/{token_id:int}/end", end_token, SIGNED_IN, ("POST",)),
    ]


@hookimpl
def core_menu_items() -> Sequence[MenuItem]:
    """Declare its menu entry."""
    return [MenuItem("core.profile", Label("My account", "我的账号"), "/profile", SIGNED_IN, "user", "admin", 90)]


def profile(request: Request) -> Response:
    """Show running sessions and tokens, each of which can be ended."""
    return _profile(request, None)


def password_page(request: Request) -> Response:
    """Show the form of a new password."""
    return render(request, "form.html", {"view": _password_form(request)})


def change_password(request: Request) -> Response:
    """Change the password; all sessions end, this one too."""
    try:
        _check_present(request)
        set_password(requests.session_of(request), _self(request), text(request, "password"))
    except InvalidInputError as error:
        view = with_errors(_password_form(request), error, request.state.locale)
        return render(request, "form.html", {"view": view}, status=422)
    return requests.toast(requests.redirect(request, "/login"), words(request)("The password was changed."))


def end_one(request: Request) -> Response:
    """End one of the person's sessions."""
    session = requests.session_of(request)
    if not end_session(session, requests.actor_of(request).user_id or 0, request.path_params["session_id"]):
        raise NotFoundError("no_such_session", "There is no such session.")
    audit.record(session, "session.end", "core.user", requests.actor_of(request).user_id)
    return requests.redirect(request, "/profile")


def add_token(request: Request) -> Response:
    """Make an interface token and show it this one time."""
    session, user = requests.session_of(request), _self(request)
    token = make_token(session, user, text(request, "name") or "API", TOKEN_DAYS)
    audit.record(session, "token.add", "core.user", user.id, {"name": text(request, "name")})
    return _profile(request, words(request)("Your new token, shown only now:") + " " + token)


def end_token(request: Request) -> Response:
    """End one of the person's tokens."""
    session, user = requests.session_of(request), _self(request)
    ended = delete(ApiToken).where(ApiToken.id == request.path_params["token_id"], ApiToken.user_id == user.id)
    if session.execute(ended.returning(ApiToken.id)).first() is None:
        raise NotFoundError("no_such_token", "There is no such token.")
    audit.record(session, "token.end", "core.user", user.id)
    return requests.redirect(request, "/profile")


def _self(request: Request) -> User:
    user_id = requests.actor_of(request).user_id
    return requests.session_of(request).scalars(select(User).where(User.id == user_id)).one()


def _check_present(request: Request) -> None:
    """Ask for the present password: a browser left open must not give the account away.

    Counted in a unit of work of its own, since a refusal rolls the request's back.
    """
    database, actor = request.app.state.suite.database, requests.actor_of(request)
    problems: dict[str, BanyanError] = {}
    with database.write(actor) as counting:
        count_attempt(counting, f"password:{actor.user_id}", PER_ACCOUNT_AND_CLIENT, HOUR)
        stored = counting.scalar(select(User.password_hash).where(User.id == actor.user_id))
    if not verify_password(stored, text(request, "present")):
        problems["present"] = InvalidValueError("password_wrong", "This is not your present password.")
    if text(request, "password") != text(request, "again"):
        problems["again"] = InvalidValueError("passwords_differ", "The two passwords differ.")
    if problems:
        raise InvalidInputError(problems)


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


def _profile(request: Request, notice: str | None) -> Response:
    _ = words(request)
    panels = [_sessions(request), _tokens(request)]
    actions = [
        {"label": _("Change password"), "url": "/profile/password", "icon": "lock"},
        {"label": _("New token"), "url": "/profile/tokens", "icon": "key", "method": "post"},
    ]
    name = requests.actor_of(request).name
    return render(request, "tables.html", {"view": page(name, panels, actions=actions, notice=notice)})


def _sessions(request: Request) -> dict[str, Any]:
    _, signed = words(request), request.state.signed_in
    shown_at = screen_format("instant", None, request.state.locale)
    rows = []
    for row in sessions_of(requests.session_of(request), signed.actor.user_id):
        here = _("this one") if row.id == signed.session_id else ""
        end = {"url": f"/profile/sessions/{row.id}/end", "label": _("End"), "method": "post"}
        cells = [cell(shown_at(row.seen_at), hint=here), cell(row.client), cell(row.agent), cell(end, "action")]
        rows.append((row.id, None, cells))
    return table(_("Running sessions"), [_("Last used"), _("Address"), _("Browser"), ""], rows, _("None."))


def _tokens(request: Request) -> dict[str, Any]:
    _, signed = words(request), request.state.signed_in
    shown_at = screen_format("instant", None, request.state.locale)
    mine = select(ApiToken).where(ApiToken.user_id == signed.actor.user_id, ApiToken.expires_at > utc_now())
    rows = []
    for row in requests.session_of(request).scalars(mine.order_by(ApiToken.id)):
        end = {"url": f"/profile/tokens/{row.id}/end", "label": _("End"), "method": "post"}
        rows.append((row.id, None, [cell(row.name), cell(shown_at(row.expires_at)), cell(end, "action")]))
    return table(_("Interface tokens"), [_("Name"), _("Valid until"), ""], rows, _("No tokens."))
