"""The living style page: tokens, type, controls, states of the product, as they really look."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response

from core.plugin.contributions import SIGNED_IN, Route
from core.plugin.hookspecs import hookimpl
from core.web.templating import render


@hookimpl
def core_routes() -> Sequence[Route]:
    """Declare the style page."""
    return [Route("/style", style, SIGNED_IN)]


def style(request: Request) -> Response:
    """Show the style page."""
    return render(request, "style.html")
