"""Signing in and out, the first administrator, quick preferences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from sqlalchemy import select
from starlette.requests import Request
from starlette.responses import Response

from core.errors import BanyanError, InvalidInputError, InvalidValueError, NotSignedInError, TooManyRequestsError
from core.i18n import LOCALES, localised
from core.plugin.contributions import PUBLIC, SIGNED_IN, Role, Route
from core.plugin.hookspecs import hookimpl
from core.security import audit, bootstrap
from core.security.actors import system_actor
from core.security.limits import count_attempt
from core.security.login import HOUR, PER_CLIENT, Admission, admit, log_in, log_in_second
from core.security.models import User, UserSession
from core.security.passwords import SHORTEST
from core.security.permissions import CORE_ROLES
from core.security.sessions import LONGEST, end_session
from core.web import requests
from core.web.error_pages import field_messages, status_of
from core.web.requests import text
from core.web.routing import LOCALE_COOKIE, cookie_name
from core.web.templating import render

if TYPE_CHECKING:
    from core.app import Suite

THEMES = ("light", "dark", "auto")
YEAR_SECONDS = 365 * 24 * 3600


@hookimpl
def core_routes() -> Sequence[Route]:
    """Declare the routes of signing in."""
    return [
        Route("/login", login_page, PUBLIC),
        Route("/login", login, PUBLIC, ("POST",)),
        Route("/login/second", login_second, PUBLIC, ("POST",)),
        Route("/logout", logout, SIGNED_IN, ("POST",)),
        Route("/first-admin/{code}", code_page, PUBLIC),
        Route("/reset", reset_page, PUBLIC),
        Route("/first", use_code, PUBLIC, ("POST",)),
        Route("/preferences", preferences, SIGNED_IN, ("POST",)),
    ]


@hookimpl
def core_roles() -> Sequence[Role]:
    """Declare the roles of the core."""
    return CORE_ROLES


def login_page(request: Request) -> Response:
    """Show the form; somebody already signed in goes on at once."""
    target = requests.safe_path(request.query_params.get("next", "/"))
    if request.state.signed_in is not None:
        return requests.redirect(request, target)
    return render(request, "login.html", {**login_facts(request, target), "error": None})


def login(request: Request) -> Response:
    """Check the password; start a session with a new secret, or ask for the second factor."""
    suite: Suite = request.app.state.suite
    target, username = requests.safe_path(text(request, "next") or "/"), text(request, "username")
    agent = request.headers.get("user-agent", "")
    try:
        admission = log_in(suite.database, username, text(request, "password"), requests.client_of(request), agent)
    except (NotSignedInError, TooManyRequestsError) as error:
        return refused(request, "login.html", login_facts(request, target, username), error)
    return admitted(request, admission, target)


def login_second(request: Request) -> Response:
    """Check the second factor and start a session with a new secret."""
    suite: Suite = request.app.state.suite
    target, ticket = requests.safe_path(text(request, "next") or "/"), text(request, "ticket")
    client, agent = requests.client_of(request), request.headers.get("user-agent", "")
    try:
        token = log_in_second(suite.database, ticket, text(request, "code"), client, agent)
    except (NotSignedInError, TooManyRequestsError) as error:
        return refused(request, "login_second.html", {"next": target, "ticket": ticket}, error)
    return admitted(request, Admission(token), target)


def logout(request: Request) -> Response:
    """End the session and have the browser forget what it kept."""
    signed, session = request.state.signed_in, requests.session_of(request)
    end_session(session, signed.actor.user_id, signed.session_id)
    audit.record(session, "logout", "core.user", signed.actor.user_id)
    response = requests.redirect(request, "/login")
    response.delete_cookie(
        cookie_name(request.app.state.suite),
        secure=request.app.state.suite.settings.secure,
        httponly=True,
        samesite="lax",
    )
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response


def code_page(request: Request) -> Response:
    """Show the form of the first administrator's link."""
    with request.app.state.suite.database.read(system_actor("check a one-time code")) as session:
        bootstrap.check_code(session, request.path_params["code"])
    return _code_form(request, {"code": request.path_params["code"]}, {}, first=True)


def reset_page(request: Request) -> Response:
    """Show the form for a code that an administrator gave."""
    return _code_form(request, {"code": ""}, {}, first=False)


def use_code(request: Request) -> Response:
    """Use a one-time code and sign in."""
    suite: Suite = request.app.state.suite
    sent = {name: text(request, name) for name in ("code", "username", "name")}
    client, agent = requests.client_of(request), request.headers.get("user-agent", "")
    with suite.database.write(system_actor("count uses of codes")) as counting:
        count_attempt(counting, f"code:{client}", PER_CLIENT, HOUR)
    try:
        check_same_twice(request)
        with suite.database.write(system_actor("use a one-time code")) as session:
            user = bootstrap.redeem(session, **sent, password=text(request, "password"))
            admission = admit(session, user, client, agent)
    except InvalidInputError as error:
        first = "name" in requests.form(request)
        return _code_form(request, sent, field_messages(error, request.state.locale), first=first)
    return admitted(request, admission, "/")


def preferences(request: Request) -> Response:
    """Set language, appearance, branch to work as, or single keys."""
    session, signed = requests.session_of(request), request.state.signed_in
    response = requests.redirect(request, text(request, "next") or "/")
    user = session.scalars(select(User).where(User.id == signed.actor.user_id)).one()
    if text(request, "locale") in LOCALES:
        user.locale = text(request, "locale")
        _remember(request, response, LOCALE_COOKIE, user.locale)
    if text(request, "theme") in THEMES:
        user.theme = text(request, "theme")
    if text(request, "keys") in {"on", "off"}:
        _remember(request, response, "keys", text(request, "keys"))
    branch = text(request, "branch")
    if branch.isascii() and branch.isdigit() and int(branch) in signed.actor.branch_ids:
        running = session.scalars(select(UserSession).where(UserSession.id == signed.session_id)).one()
        running.work_branch_id = int(branch)
    return response


def check_same_twice(request: Request) -> None:
    """Refuse a form whose two passwords differ.

    Raises:
        InvalidInputError: They do; the field is ``again``.
    """
    if text(request, "password") != text(request, "again"):
        raise InvalidInputError({"again": InvalidValueError("passwords_differ", "The two passwords differ.")})


def _code_form(request: Request, sent: dict[str, str], problems: dict[str, str], *, first: bool) -> Response:
    facts: dict[str, Any] = {"first": first, "name": "", "username": "", **sent}
    facts |= {"errors": problems, "min_length": SHORTEST}
    return render(request, "first_admin.html", facts, status=422 if problems else 200)


def admitted(request: Request, admission: Admission, target: str) -> Response:
    """Set the cookie of a new session, or show the form of the second factor."""
    if admission.ticket:
        return render(request, "login_second.html", {"next": target, "ticket": admission.ticket, "error": None})
    suite: Suite = request.app.state.suite
    seconds, response = int(LONGEST.total_seconds()), requests.redirect(request, target)
    response.set_cookie(
        cookie_name(suite),
        admission.token,
        max_age=seconds,
        secure=suite.settings.secure,
        httponly=True,
        samesite="lax",
    )
    return response


def login_facts(request: Request, target: str, username: str = "") -> dict[str, Any]:
    """Return what the form for signing in shows: where it leads, and the directory that knows people too."""
    known = request.app.state.suite.settings.directory
    name = (known.name or urlsplit(known.issuer).hostname) if known.issuer else ""
    way = f"/login/directory?{urlencode({'next': target})}"
    return {"next": target, "username": username, "directory": name, "directory_url": way}


def refused(request: Request, template: str, facts: dict[str, Any], error: BanyanError) -> Response:
    """Show a form of signing in again, with what went wrong."""
    message = " ".join(localised(error, request.state.locale))
    response = render(request, template, {**facts, "error": message}, status=status_of(error))
    if isinstance(error, TooManyRequestsError):
        response.headers["Retry-After"] = str(error.facts["seconds"])
    return response


def _remember(request: Request, response: Response, name: str, value: str) -> None:
    secure = request.app.state.suite.settings.secure
    response.set_cookie(name, value, max_age=YEAR_SECONDS, secure=secure, httponly=True, samesite="lax")
