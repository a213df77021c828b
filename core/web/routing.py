"""Routes: what plugins declare becomes the route table; every call passes sign-in, origin, activation, permission."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from sqlalchemy import Connection
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.routing import Route as StarletteRoute
from starlette.types import Receive, Scope, Send

from core.errors import NotSignedInError, PermissionDeniedError, PluginError
from core.i18n import choose_locale
from core.plugin.contributions import PUBLIC, SIGNED_IN, Route
from core.plugin.manager import CORE
from core.security.actors import Actor
from core.security.sessions import SessionKeeper, SignedIn
from core.web.error_pages import error_response
from core.web.model_routes import model_routes
from core.web.requests import SAFE_METHODS, redirect

if TYPE_CHECKING:
    from core.app import Suite
    from core.db.session import ScopedSession

SECURE_COOKIE = "__Host-banyan"
PLAIN_COOKIE = "banyan_session"
"""Browsers refuse ``__Host-`` cookies over plain HTTP, on which small offices run."""
LOCALE_COOKIE = "locale"
PUBLIC_BODY_BYTES = 64 * 1024
FORM_FIELDS = 5_000
FORM_FILES = 20
SECOND_FACTOR = "/profile/second-factor"
"""Where people set up their second factor; whose role needs one goes nowhere else before."""
OPEN_BEFORE_ENROLMENT = frozenset({SECOND_FACTOR, "/logout", "/preferences"})


class Endpoint:
    """One declared route as an ASGI application.

    Args:
        suite: The application.
        keeper: Knows the sessions.
        plugin_id: Owner of the route.
        route: The declaration.
    """

    def __init__(self, suite: Suite, keeper: SessionKeeper, plugin_id: str, route: Route) -> None:
        self.plugin_id = plugin_id
        self.route = route
        self._suite = suite
        self._keeper = keeper

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; reading takes one turn in the thread pool, writing two with the form between."""
        request = Request(scope, receive, send)
        state = request.state
        state.form = state.body = state.session = state.actor = state.signed_in = None
        if request.method in SAFE_METHODS:
            response = await run_in_threadpool(self._read, request)
        else:
            response = await self._write(request)
        await response(scope, receive, send)

    def _read(self, request: Request) -> Response:
        with self._suite.database.read(None) as session:
            refused = self._enter(request, session.connection())
            if refused is not None:
                return refused
            session.actor = request.state.actor
            return self._answer(request, session)

    async def _write(self, request: Request) -> Response:
        refused = await run_in_threadpool(self._enter, request)
        if refused is not None:
            return refused
        await _read_body(request)
        return await run_in_threadpool(self._unit_of_work, request)

    def _unit_of_work(self, request: Request) -> Response:
        try:
            check_form_token(request)
        except PermissionDeniedError as error:
            return error_response(request, error)
        try:
            with self._suite.database.write(request.state.actor) as session:
                response = self._answer(request, session)
                if response.status_code >= 400:
                    session.rollback()
                    session.after_commit.clear()
                return response
        except Exception as error:
            request.state.session = None
            return error_response(request, error)

    def _enter(self, request: Request, connection: Connection | None = None) -> Response | None:
        """Find out who asks and whether they may; nothing of the request but its head is looked at."""
        request.state.locale = choose_locale(
            request.cookies.get(LOCALE_COOKIE, ""), accept_language=request.headers.get("accept-language", "")
        )
        try:
            signed = sign_in(request, self._suite, self._keeper, connection)
            if request.method not in SAFE_METHODS:
                check_origin(request, self._suite.settings.server.base_url)
            self.admit(signed.actor if signed else None, writes=request.method not in SAFE_METHODS)
        except Exception as error:
            return error_response(request, error)
        if signed is not None and signed.must_enrol and not self._is_open_before_enrolment():
            return redirect(request, SECOND_FACTOR)
        return None

    def _is_open_before_enrolment(self) -> bool:
        return self.route.permission == PUBLIC or self.route.path in OPEN_BEFORE_ENROLMENT

    def admit(self, actor: Actor | None, *, writes: bool) -> None:
        """Refuse who may not call this route.

        Raises:
            NotSignedInError: Nobody is signed in, and the route is not public.
            BanyanError: The plugin is not there for them (`Activation.require_for`).
            PermissionDeniedError: They lack the permission.
        """
        needed = self.route.permission
        if needed != PUBLIC and actor is None:
            raise NotSignedInError("not_signed_in", "Please sign in.")
        self._suite.activation.require_for(self.plugin_id, actor, writes=writes)
        if actor is not None and needed not in {PUBLIC, SIGNED_IN}:
            actor.require(needed)

    def _answer(self, request: Request, session: ScopedSession) -> Response:
        request.state.session = session
        session.info["request_id"] = request.state.request_id
        try:
            return self.route.view(request)
        except Exception as error:
            session.rollback()
            return error_response(request, error)


def build_routes(suite: Suite, keeper: SessionKeeper) -> list[BaseRoute]:
    """Make the route table of the core and all plugins; declared routes win over generated ones.

    Raises:
        PluginError: A route names no permission, or one that nobody declared.
    """
    routes = [*suite.plugins.collect("core_routes"), *model_routes(suite.registry)]
    return [_mounted(suite, keeper, plugin_id, route) for plugin_id, route in routes]


def _mounted(suite: Suite, keeper: SessionKeeper, plugin_id: str, route: Route) -> BaseRoute:
    if not route.permission or (route.permission not in {PUBLIC, SIGNED_IN} and "." not in route.permission):
        raise PluginError(
            plugin_id,
            "hooks",
            "The route {path} of {plugin} names no permission.",
            "Name a permission, or SIGNED_IN or PUBLIC.",
            path=route.path,
        )
    path = route.path if plugin_id == CORE else f"/{plugin_id}{route.path}"
    endpoint = Endpoint(suite, keeper, plugin_id, route)
    limit = PUBLIC_BODY_BYTES if route.permission == PUBLIC else None
    name = f"{plugin_id}:{route.path}"
    return StarletteRoute(path.rstrip("/") or "/", endpoint, methods=route.methods, name=name, max_body_size=limit)


def sign_in(
    request: Request, suite: Suite, keeper: SessionKeeper, connection: Connection | None = None
) -> SignedIn | None:
    """Find out whose browser asks and note it in the request's state.

    Args:
        request: The request; its ``state.locale`` is set for people who chose no language.
        suite: The application.
        keeper: Knows the sessions.
        connection: The request's own connection where it has one already.
    """
    cookie = request.cookies.get(cookie_name(suite))
    signed = keeper.check(cookie, request.state.locale, connection) if cookie else None
    note_sign_in(request, signed)
    return signed


def note_sign_in(request: Request, signed: SignedIn | None) -> None:
    """Note in the request's state who asks."""
    request.state.signed_in = signed
    request.state.actor = signed.actor if signed else None
    if signed is not None:
        request.state.locale = signed.actor.locale


def cookie_name(suite: Suite) -> str:
    """Return the name of the session cookie."""
    return SECURE_COOKIE if suite.settings.secure else PLAIN_COOKIE


def check_origin(request: Request, base_url: str) -> None:
    """Refuse an unsafe request that another site caused (OWASP ASVS 5.0 3.5.1-3.5.3).

    ``Sec-Fetch-Site`` decides; browsers leave it out on plain HTTP, where ``Origin`` decides. A program sends neither.

    Raises:
        PermissionDeniedError: It comes from elsewhere.
    """
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    own = site in {"same-origin", "none"}
    if site is None:
        host = request.headers.get("host", "")
        own = origin is None or origin == base_url or (origin != "null" and urlsplit(origin).netloc == host)
    if not own:
        raise PermissionDeniedError("foreign_origin", "This request came from another site and was refused.")


def check_form_token(request: Request) -> None:
    """Refuse an unsafe request of a session that does not carry the session's form token.

    Raises:
        PermissionDeniedError: The token is missing or belongs to another session.
    """
    signed = request.state.signed_in
    if signed is None or not signed.csrf_token:
        return
    sent = request.headers.get("x-csrf-token", "")
    if not sent and request.state.form is not None:
        sent = request.state.form.get("csrf_token", "")
    if not isinstance(sent, str) or not hmac.compare_digest(sent.encode(), signed.csrf_token.encode()):
        raise PermissionDeniedError(
            "form_expired", "This form is no longer valid. Nothing was changed.", "Reload the page and try again."
        )


async def _read_body(request: Request) -> None:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind in {"application/x-www-form-urlencoded", "multipart/form-data"}:
        request.state.form = await request.form(max_files=FORM_FILES, max_fields=FORM_FIELDS)
    else:
        request.state.body = await request.body()
