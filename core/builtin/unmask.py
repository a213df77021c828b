"""The command that shows one masked value for sixty seconds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response

from core.errors import NotFoundError
from core.plugin.contributions import SIGNED_IN, Route
from core.plugin.hookspecs import hookimpl
from core.registry.formats import masked
from core.security.unmask import field_of, reveal
from core.web import requests
from core.web.templating import render

if TYPE_CHECKING:
    from core.app import Suite

CALLED = frozenset({"phone", "contact"})
"""Masks of telephone numbers: shown in clear, they can be called."""


@hookimpl
def core_routes() -> Sequence[Route]:
    """Declare the command; the permission depends on the model and is checked by `reveal`."""
    return [Route("/unmask/{model}/{row_id:int}/{field}", unmask, SIGNED_IN, ("POST",))]


def unmask(request: Request) -> Response:
    """Answer with the clear value, which the page masks again after sixty seconds."""
    suite: Suite = request.app.state.suite
    name, row_id = request.path_params["field"], request.path_params["row_id"]
    model = suite.registry.get(request.path_params["model"])
    clear = reveal(suite, requests.session_of(request), model, row_id, name, requests.text(request, "reason"))
    field = field_of(suite, model, name, requests.actor_of(request))
    if field is None:
        raise NotFoundError("unknown_field", "{model} has no field {field}.", model=model.id, field=name)
    is_number = field.mask in CALLED and clear.replace("-", "").isdigit()
    facts = {
        "text": clear,
        "masked_text": masked(field)(clear),
        "call_url": f"tel:{clear}" if is_number else None,
    }
    return render(request, "_unmasked.html", {**facts, "field_id": requests.text(request, "field_id") or name})
