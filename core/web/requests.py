"""Reading requests and answering them: forms, safe redirects, toasts, the client's address."""

from __future__ import annotations

import json
import re
from typing import Any, cast
from urllib.parse import quote, unquote, urlsplit

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from core.db.session import ScopedSession
from core.errors import NotSignedInError
from core.security.actors import Actor

SAFE_METHODS = frozenset({"GET", "HEAD"})
_OWN_PATH = re.compile(r"/(?![/\\])[^\\\x00-\x20\x7f]*")
TOAST_COOKIE = "toast"


def is_htmx(request: Request) -> bool:
    """Whether htmx asks for a fragment; going back in history asks for the page."""
    return "hx-request" in request.headers and "hx-history-restore-request" not in request.headers


def form(request: Request) -> FormData:
    """Return the form that was sent, read before the view runs; empty when there was none."""
    return cast("FormData", request.state.form) or FormData()


def text(request: Request, name: str) -> str:
    """Return one text of the form, empty when absent or a file."""
    value = form(request).get(name, "")
    return value if isinstance(value, str) else ""


def body(request: Request) -> bytes:
    """Return the body of a request that is not a form."""
    return cast("bytes", request.state.body)


def actor_of(request: Request) -> Actor:
    """Return who asks.

    Raises:
        NotSignedInError: Nobody is signed in.
    """
    actor = request.state.actor
    if actor is None:
        raise NotSignedInError("not_signed_in", "Please sign in.")
    return cast("Actor", actor)


def session_of(request: Request) -> ScopedSession:
    """Return the request's unit of work: reading for GET, writing otherwise."""
    return cast("ScopedSession", request.state.session)


def client_of(request: Request) -> str:
    """Return the network address of the other side; forwarded headers count only where the server trusts the proxy."""
    return request.client.host if request.client else ""


def safe_path(wish: str) -> str:
    """Return an address of this site, ``/`` for anything that could lead elsewhere (OWASP ASVS 5.0 3.7.2)."""
    if not _OWN_PATH.fullmatch(wish):
        return "/"
    parts = urlsplit(wish)
    return wish if not parts.scheme and not parts.netloc else "/"


def redirect(request: Request, url: str) -> Response:
    """Send the browser to an address of this site, whether htmx asks or not."""
    url = safe_path(url)
    if is_htmx(request):
        return Response(status_code=204, headers={"HX-Redirect": url})
    return RedirectResponse(quote(url, safe="/%:=&?~#+!$,;'@()*[]"), 303)


def toast(response: Response, message: str, undo_url: str | None = None) -> Response:
    """Show a short message on the next page.

    Args:
        response: The answer, usually a redirect.
        message: Text in the reader's language.
        undo_url: Address that takes the change back by POST.
    """
    value = {"text": message, **({"undo_url": safe_path(undo_url)} if undo_url else {})}
    packed = quote(json.dumps(value, ensure_ascii=False))[:3500]
    response.set_cookie(TOAST_COOKIE, packed, max_age=60, httponly=True, samesite="lax")
    return response


def waiting_toasts(request: Request) -> list[dict[str, Any]]:
    """Return the messages for this page, as arguments of the toast macro."""
    packed = request.cookies.get(TOAST_COOKIE)
    if not packed:
        return []
    try:
        value = json.loads(unquote(packed))
        found = {"text": str(value["text"])}
    except (ValueError, KeyError, TypeError):
        return []
    if isinstance(value.get("undo_url"), str):
        found["undo_url"] = safe_path(value["undo_url"])
    return [found]
