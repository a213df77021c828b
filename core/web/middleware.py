"""What every response and request passes: host check, size limit, request number, security headers."""

from __future__ import annotations

import ipaddress
import secrets
import socket
import time
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from starlette.middleware.body_limit import RequestBodyLimitResponder
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core.config import Settings
from core.log import bind, logger, unbind
from core.web.request_figures import RequestFigures

PLAIN_BYTES = 2 * 1024 * 1024
UPLOAD_BYTES = 512 * 1024 * 1024
"""Limit of a body that carries files; they are spooled to disk, and only once the sender is known."""

POLICY = (
    "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'self'; img-src 'self'; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types htmx"
)
FIXED_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
HSTS = (b"strict-transport-security", b"max-age=31536000; includeSubDomains")


class Shield:
    """Pure ASGI middleware around everything; an unexpected error becomes a plain page with the request's number.

    Args:
        app: The application.
        settings: For the allowed hosts and for TLS.
        on_error: Makes the answer to an unexpected error.
        figures: Counts the requests.
    """

    def __init__(
        self,
        app: ASGIApp,
        settings: Settings,
        on_error: Callable[[Scope, Exception], Awaitable[ASGIApp]],
        figures: RequestFigures,
    ) -> None:
        self._app = app
        self._hosts = Hosts(settings)
        self._headers = [*FIXED_HEADERS, *([HSTS] if settings.secure else [])]
        self._on_error = on_error
        self._figures = figures

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        state = scope.setdefault("state", {})
        request_id, nonce = secrets.token_hex(8), secrets.token_urlsafe(18)
        state["request_id"], state["csp_nonce"] = request_id, nonce
        begun, status = time.perf_counter(), 0

        async def protected(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = self._complete(message["headers"], request_id, nonce)
            await send(message)

        bind(request=request_id)
        try:
            await self._serve(scope, receive, protected)
        except Exception as error:
            logger(__name__).exception("request_failed", path=scope["path"], method=scope["method"])
            if status:
                raise
            answer = await self._on_error(scope, error)
            await answer(scope, receive, protected)
        finally:
            self._figures.note(scope, status, time.perf_counter() - begun)
            unbind()

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        if not self._hosts.allows(headers.get(b"host", b"")) or scope["path"].startswith("//"):
            await PlainTextResponse("Bad request", 400)(scope, receive, send)
            return
        if scope["method"] in {"GET", "HEAD"}:
            await self._app(scope, receive, send)
            return
        uploading = headers.get(b"content-type", b"").startswith(b"multipart/form-data")
        limit = UPLOAD_BYTES if uploading else PLAIN_BYTES
        await RequestBodyLimitResponder(self._app, limit)(scope, receive, send)

    def _complete(self, headers: list[tuple[bytes, bytes]], request_id: str, nonce: str) -> list[tuple[bytes, bytes]]:
        present = {name for name, _ in headers}
        complete = [*headers, *self._headers, (b"x-request-id", request_id.encode())]
        if b"content-security-policy" not in present:
            complete.append((b"content-security-policy", POLICY.format(nonce=nonce).encode()))
        if b"cache-control" not in present:
            complete.append((b"cache-control", b"no-store"))
        return complete


class Hosts:
    """Which Host headers are ours: authority of the base address, this machine, and bare addresses on a plain LAN.

    A bare address cannot be rebound to another machine by a foreign name server; a foreign name can.
    """

    def __init__(self, settings: Settings) -> None:
        base = urlsplit(settings.server.base_url).hostname
        self._names = {"localhost", "127.0.0.1", "::1", settings.server.host.lower()} | ({base} if base else set())
        self._plain = base is None
        if self._plain:
            self._names.add(socket.gethostname().lower())
        self._known: set[bytes] = set()

    def allows(self, header: bytes) -> bool:
        """Whether a Host header is ours."""
        if header in self._known:
            return True
        allowed = self._check(header)
        if allowed and len(self._known) < 100:
            self._known.add(header)
        return allowed

    def _check(self, header: bytes) -> bool:
        text = header.decode("latin-1")
        if not text or any(sign in text for sign in " /\\@?#,"):
            return False
        try:
            name = urlsplit(f"//{text}").hostname or ""
        except ValueError:
            return False
        return name in self._names or (self._plain and _is_address(name))


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
