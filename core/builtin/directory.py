"""Signing in by the company's directory: there and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from core.builtin.accounts import admitted, login_facts, refused
from core.errors import DirectoryError, NotFoundError, NotSignedInError, TooManyRequestsError
from core.plugin.contributions import PUBLIC, Route
from core.plugin.hookspecs import hookimpl
from core.security.actors import system_actor
from core.security.directory import WAY, Directory, linked_user, seal, unseal
from core.security.limits import count_attempt
from core.security.login import HOUR, PER_CLIENT, Admission, admit
from core.web import requests

if TYPE_CHECKING:
    from core.app import Suite

START, CALLBACK, COOKIE = "/login/directory", "/login/directory/callback", "banyan_directory"
ACTOR = system_actor("sign in by the directory")


@hookimpl
def core_routes() -> Sequence[Route]:
    """Declare the way there and the way back."""
    return [Route(START, start, PUBLIC), Route(CALLBACK, arrive, PUBLIC)]


def start(request: Request) -> Response:
    """Send the browser to the directory."""
    suite: Suite = request.app.state.suite
    target = requests.safe_path(request.query_params.get("next", "/"))
    try:
        address, journey = _directory(request).set_out(target)
    except DirectoryError as error:
        return refused(request, "login.html", login_facts(request, target), error)
    response = RedirectResponse(address, 303)
    response.set_cookie(
        COOKIE,
        seal(suite.vault, journey),
        max_age=int(WAY.total_seconds()),
        path=CALLBACK,
        secure=suite.settings.secure,
        httponly=True,
        samesite="lax",  # the way back comes from another site
    )
    return response


def arrive(request: Request) -> Response:
    """Take whom the directory sends back, and start a session with a new secret."""
    target = "/"
    try:
        target, admission = _admit(request)
    except (NotSignedInError, DirectoryError, TooManyRequestsError) as error:
        response = refused(request, "login.html", login_facts(request, target), error)
    else:
        response = admitted(request, admission, target)
    response.delete_cookie(COOKIE, path=CALLBACK)
    return response


def _admit(request: Request) -> tuple[str, Admission]:
    suite: Suite = request.app.state.suite
    directory, asked, client = _directory(request), request.query_params, requests.client_of(request)
    with suite.database.write(ACTOR) as session:
        count_attempt(session, f"login:{client}", PER_CLIENT, HOUR)
    journey = unseal(suite.vault, request.cookies.get(COOKIE, ""))
    claims = directory.arrive(journey, asked.get("state", ""), asked.get("code", ""))
    with suite.database.write(ACTOR) as session:
        user = linked_user(session, claims["iss"], claims["sub"], directory.username(claims))
        return journey.target, admit(session, user, client, request.headers.get("user-agent", ""))


def _directory(request: Request) -> Directory:
    settings = request.app.state.suite.settings
    if not settings.directory.issuer:
        raise NotFoundError("no_such_page", "There is no such page.")
    base = settings.server.base_url or str(request.base_url).rstrip("/")
    return Directory(settings.directory, base + CALLBACK)
