"""The web application: routes, static files, health, errors, in one Starlette application."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import Receive, Scope, Send

from core.errors import BanyanError
from core.health import is_ready
from core.i18n import add_catalogues, choose_locale
from core.security.sessions import SessionKeeper
from core.web.api import Gate, build_api
from core.web.error_pages import error_response
from core.web.metrics import MetricsPage
from core.web.middleware import Shield
from core.web.request_figures import RequestFigures
from core.web.route_table import RouteTable
from core.web.routing import LOCALE_COOKIE, build_routes
from core.web.static_files import StaticFiles
from core.web.templating import Templates

if TYPE_CHECKING:
    from core.app import Suite


def build_application(suite: Suite) -> Starlette:
    """Build the web application.

    Args:
        suite: The application's parts; found again as ``request.app.state.suite``.

    Raises:
        PluginError: A route names no permission.
    """
    for manifest in suite.plugins.ready():
        add_catalogues(manifest.folder / "locale")
    keeper = SessionKeeper(suite.database)
    gate, figures = Gate(suite, keeper), RequestFigures()
    static = StaticFiles(_static_folders(suite))
    routes: list[BaseRoute] = [
        Route("/livez", _alive),
        Route("/readyz", _ready),
        Route("/metrics", MetricsPage(suite, gate, figures).answer),
        *build_routes(suite, keeper),
        Mount("/static", _Static(static)),
        Mount("/api", build_api(gate)),
    ]
    application = Starlette(
        middleware=[Middleware(Shield, settings=suite.settings, on_error=_unexpected, figures=figures)],
        exception_handlers={404: _http_error, 405: _http_error, 413: _http_error, 400: _http_error},
    )
    application.router = RouteTable(routes)
    application.state.suite = suite
    application.state.keeper = keeper
    application.state.static = static
    application.state.templates = Templates(suite, static)
    return application


def _static_folders(suite: Suite) -> dict[str, Path]:
    plugins = {each.id: each.folder / "static" / each.id for each in suite.plugins.ready()}
    return {"core": Path(__file__).parent / "static", **plugins}


class _Static:
    """Gives the static files their full path back, which mounting cuts."""

    def __init__(self, files: StaticFiles) -> None:
        self._files = files

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._files(scope, receive, send)


def _alive(_request: Request) -> Response:
    return PlainTextResponse("ok")


def _ready(request: Request) -> Response:
    """Whether requests can be answered."""
    return PlainTextResponse("ok") if is_ready(request.app.state.suite) else PlainTextResponse("no", 503)


async def _http_error(request: Request, error: Exception) -> Response:
    _complete_state(request)
    return await run_in_threadpool(error_response, request, _unavailable(request) or error)


def _unavailable(request: Request) -> Exception | None:
    """Return the error of an address of a plugin that should be there and is not loaded."""
    suite: Suite = request.app.state.suite
    parts = request.url.path.split("/")[1:]
    owner = parts[2] if parts[:2] == ["api", "v1"] and len(parts) > 2 else parts[0]
    if owner in suite.plugins.states and not suite.plugins.is_ready(owner):
        try:
            suite.activation.require(owner, None)
        except BanyanError as error:
            return error
    return None


async def _unexpected(scope: Scope, error: Exception) -> Response:
    request = Request(scope)
    _complete_state(request)
    return await run_in_threadpool(error_response, request, error)


def _complete_state(request: Request) -> None:
    """Give an answer outside of any route what pages need."""
    wish, browser = request.cookies.get(LOCALE_COOKIE, ""), request.headers.get("accept-language", "")
    request.state.locale = choose_locale(wish, accept_language=browser)
    request.state.signed_in = request.state.actor = request.state.session = None
