"""The JSON interface: built on first use, since FastAPI costs memory and start time that most processes never need."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from core.db.session import ScopedSession
from core.errors import BanyanError, InvalidInputError, NotSignedInError, PermissionDeniedError
from core.i18n import choose_locale, localised
from core.log import logger
from core.registry.models import RegisteredModel
from core.security.sessions import SessionKeeper, SignedIn
from core.security.tokens import TokenKeeper
from core.web.error_pages import UNEXPECTED, field_messages, status_of
from core.web.requests import SAFE_METHODS
from core.web.routing import LOCALE_COOKIE, check_form_token, check_origin, note_sign_in, sign_in

if TYPE_CHECKING:
    from core.app import Suite
    from core.security.actors import Actor


def build_api(gate: Gate) -> ASGIApp:
    """Return the application to be mounted at ``/api``.

    Args:
        gate: What every call passes.
    """
    return _Lazy(lambda: _build(gate))


def _build(gate: Gate) -> ASGIApp:
    from core.web.api_endpoints import build_endpoints

    return build_endpoints(gate)


class _Lazy:
    """An application that is built when the first request comes."""

    def __init__(self, build: Callable[[], ASGIApp]) -> None:
        self._build = build
        self._lock = Lock()
        self._built: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._lock:
            if self._built is None:
                self._built = self._build()
        await self._built(scope, receive, send)


class Gate:
    """What every call passes: sign-in by token or session, origin, activation, permission, one unit of work.

    Args:
        suite: The parts of the application.
        keeper: Knows sessions and tokens.
    """

    def __init__(self, suite: Suite, keeper: SessionKeeper) -> None:
        self.suite = suite
        self._keeper = keeper
        self._tokens = TokenKeeper(suite.database, keeper)

    def enter(self, request: Request) -> None:
        """Find out who asks.

        Raises:
            NotSignedInError: Neither a valid token nor a session.
            PermissionDeniedError: A browser was made to send this by another site.
        """
        request.state.form = request.state.session = request.state.actor = request.state.signed_in = None
        request.state.locale = locale_of(request)
        signed = self._sign_in(request)
        if signed is None:
            raise NotSignedInError("not_signed_in", "Please sign in.", "Send `Authorization: Bearer <token>`.")
        if signed.must_enrol:
            raise PermissionDeniedError(
                "second_factor_needed", "Your role needs a second factor.", "Set it up under My account."
            )
        if request.method not in SAFE_METHODS:
            check_origin(request, self.suite.settings.server.base_url)
            check_form_token(request)

    def _sign_in(self, request: Request) -> SignedIn | None:
        """Take the token where one is sent, else the session; never both."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return sign_in(request, self.suite, self._keeper)
        signed = self._tokens.check(token.strip(), request.state.locale)
        note_sign_in(request, signed)
        return signed

    @contextmanager
    def session(self, request: Request, model: RegisteredModel, verb: str) -> Iterator[ScopedSession]:
        """Give the unit of work of one call: reading for GET, writing otherwise.

        Raises:
            NotFoundError: The model's plugin is switched off in the actor's branch.
            DatabaseStateError: It is under work or failed.
            PermissionDeniedError: The actor lacks ``<model>.<verb>``.
        """
        self.enter(request)
        actor = request.state.actor
        admit(self.suite, model, verb, actor, writes=request.method not in SAFE_METHODS)
        database = self.suite.database
        opened = database.read(actor) if request.method in SAFE_METHODS else database.write(actor)
        with opened as session:
            session.info["request_id"] = request_id(request)
            yield session


def admit(suite: Suite, model: RegisteredModel, verb: str, actor: Actor, *, writes: bool) -> None:
    """Refuse who may not reach a model by the interface; raises what `Gate.session` says."""
    suite.activation.require_for(model.owner, actor, writes=writes)
    actor.require(f"{model.id}.{verb}")


def locale_of(request: Request) -> str:
    """Return the language of an answer before anybody is known."""
    return choose_locale(
        request.cookies.get(LOCALE_COOKIE, ""), accept_language=request.headers.get("accept-language", "")
    )


def request_id(request: Request) -> str:
    """Return the number by which logs and audit trail know the request."""
    return str(getattr(request.state, "request_id", ""))


def error_answer(request: Request, error: Exception) -> JSONResponse:
    """Answer with an error: ``{code, message, cure, fields, request_id}``; what is not expected shows no detail."""
    status = status_of(error)
    if status >= 500:
        logger(__name__).error("request_failed", path=request.url.path, method=request.method, exc_info=error)
    shown = error if isinstance(error, BanyanError) and status < 500 else UNEXPECTED
    locale = getattr(request.state, "locale", None) or locale_of(request)
    message, cure = localised(shown, locale)
    fields = field_messages(shown, locale) if isinstance(shown, InvalidInputError) else {}
    answer = error_json(status, shown.code, message, cure, fields=fields, request_id=request_id(request))
    if status == 429:
        answer.headers["Retry-After"] = str(shown.facts.get("seconds", 60))
    return answer


def error_json(status: int, code: str, message: str, cure: str, **further: Any) -> JSONResponse:
    """Build the one form of errors."""
    return JSONResponse({"code": code, "message": message, "cure": cure, **further}, status)
