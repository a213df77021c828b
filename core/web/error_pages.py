"""Errors as answers: status by kind of error; page, fragment or JSON by who asks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response

from core import errors
from core.errors import BanyanError
from core.i18n import localised, translate
from core.log import logger
from core.web import requests
from core.web.templating import render

STATUS: Mapping[type[Exception], int] = {
    errors.InvalidValueError: 422,
    errors.InvalidInputError: 422,
    errors.ImportFileError: 422,
    errors.NotFoundError: 404,
    errors.PermissionDeniedError: 403,
    errors.NotSignedInError: 401,
    errors.DirectoryError: 502,
    errors.ConflictError: 409,
    errors.TooManyRequestsError: 429,
    errors.DatabaseStateError: 503,
    BanyanError: 500,
}
TITLES = {
    400: "Not understood",
    401: "Please sign in",
    403: "Not allowed",
    404: "Not found",
    405: "Not possible here",
    409: "Changed by somebody else",
    413: "Too large",
    422: "Please correct",
    429: "Too many tries",
    503: "Not available now",
}
UNEXPECTED = BanyanError(
    "unexpected", "Something went wrong. Nothing was changed.", "Try again; if it stays, tell us the request number."
)


def status_of(error: Exception) -> int:
    """Return the HTTP status of an error, by its nearest known class."""
    if isinstance(error, HTTPException):
        return error.status_code
    return next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), 500)


def error_response(request: Request, error: Exception) -> Response:
    """Answer a request with an error; what is not expected is logged and shown without detail.

    Args:
        request: The request; its state may be incomplete when the error came early.
        error: A `BanyanError`, an `HTTPException` or anything else.
    """
    status = status_of(error)
    if status >= 500:
        logger(__name__).error("request_failed", path=request.url.path, method=request.method, exc_info=error)
    if not isinstance(error, BanyanError):
        error = _as_banyan(error, status)
    elif status == 500:
        error = UNEXPECTED
    response = _not_signed_in(request, error) if status == 401 else None
    response = response or _answer(request, error, status)
    if status == 429:
        response.headers["Retry-After"] = str(error.facts.get("seconds", 60))
    return response


def _as_banyan(error: Exception, status: int) -> BanyanError:
    if isinstance(error, HTTPException) and status < 500:
        return BanyanError("http", TITLES.get(status, "Not understood") + ".")
    return UNEXPECTED


def _answer(request: Request, error: BanyanError, status: int) -> Response:
    message, cure = localised(error, request.state.locale)
    request_id = getattr(request.state, "request_id", "")
    if _wants_json(request):
        content: dict[str, Any] = {"code": error.code, "message": message, "cure": cure, "request": request_id}
        if isinstance(error, errors.InvalidInputError):
            content["fields"] = field_messages(error, request.state.locale)
        return JSONResponse({"error": content}, status)
    if requests.is_htmx(request):
        facts = {"message": message, "cure": cure, "request_id": request_id}
        response = render(request, "_error_fragment.html", facts, status=status)
        response.headers["HX-Retarget"], response.headers["HX-Reswap"] = "#toasts", "beforeend"
        return response
    title = translate(request.state.locale).gettext(TITLES.get(status, "Something went wrong"))
    page = {"status": status, "title": title, "message": message, "cure": cure, "request_id": request_id}
    return render(request, "error.html", {**page, "back_url": None}, status=status)


def field_messages(error: errors.InvalidInputError, locale: str) -> dict[str, str]:
    """Return the message of each wrong field, with its cure."""
    return {name: " ".join(filter(None, localised(problem, locale))) for name, problem in error.fields.items()}


def _not_signed_in(request: Request, error: BanyanError) -> Response | None:
    if error.code == "login_failed" or _wants_json(request):
        return None
    wish = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    known = wish != "/" and request.method in requests.SAFE_METHODS
    target = "/login" + (f"?next={quote(requests.safe_path(wish), safe='')}" if known else "")
    if requests.is_htmx(request):
        return PlainTextResponse("", 401, headers={"HX-Redirect": "/login"})
    return RedirectResponse(target, 303)


def _wants_json(request: Request) -> bool:
    return request.url.path.startswith("/api/") or "application/json" in request.headers.get("accept", "")
