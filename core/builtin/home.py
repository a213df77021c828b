"""The start page: the cards that plugins contribute."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import Response

from core.plugin.contributions import SIGNED_IN, HomeCard, MenuItem, Route
from core.plugin.hookspecs import hookimpl
from core.registry.fields import Label
from core.web import requests
from core.web.parts import BROKEN, is_offered, isolated
from core.web.templating import Templates, render

if TYPE_CHECKING:
    from core.app import Suite


@hookimpl
def core_routes() -> Sequence[Route]:
    """Declare the start page."""
    return [Route("/", home, SIGNED_IN)]


@hookimpl
def core_menu_items() -> Sequence[MenuItem]:
    """Declare its menu entry."""
    return [MenuItem("core.home", Label("Home", "工作台"), "/", SIGNED_IN, "home", order=0, tab=True)]


def home(request: Request) -> Response:
    """Show the cards of the active plugins that the person may see; one that fails does not take the page along."""
    suite: Suite = request.app.state.suite
    actor = requests.actor_of(request)
    parts: dict[str, list[Any]] = {"top": [], "main": [], "side": []}
    cards = sorted(suite.plugins.collect("core_home_cards"), key=lambda each: each[1].order)
    for plugin_id, card in cards:
        if is_offered(suite, plugin_id, card, actor):
            shown = _card(request, plugin_id, card)
            if shown is not None:
                parts[card.place].append(shown)
    return render(request, "home.html", {"parts": parts})


def _card(request: Request, plugin_id: str, card: HomeCard) -> Any:
    templates: Templates = request.app.state.templates
    session, actor = requests.session_of(request), requests.actor_of(request)
    title = card.title.of(request.state.locale)

    def work() -> Any:
        loaded = card.load(session, actor)
        return None if loaded is None else templates.markup(request, card.template, {"title": title, **loaded})

    made = isolated(request, plugin_id, f"core_home_cards {card.id}", work)
    return templates.card(request, title, made) if made in BROKEN else made
