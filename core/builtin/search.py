"""The search box: asks every source that the person may use, opens the only hit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from starlette.requests import Request
from starlette.responses import Response

from core.plugin.contributions import SIGNED_IN, Route, SearchHit, SearchSource
from core.plugin.hookspecs import hookimpl
from core.web import requests
from core.web.parts import BROKEN, is_offered, isolated
from core.web.templating import render

if TYPE_CHECKING:
    from core.app import Suite

PER_SOURCE = 8
LONGEST_TEXT = 100


@hookimpl
def core_routes() -> Sequence[Route]:
    """Declare the search."""
    return [Route("/search", search, SIGNED_IN)]


def search(request: Request) -> Response:
    """Show results by source: a fragment while typing, else a page; the only hit opens at once."""
    wish = request.query_params.get("q", "").strip()[:LONGEST_TEXT]
    groups = _groups(request, wish) if wish else []
    hits = [entry for group in groups for entry in group["entries"]]
    if len(hits) == 1 and not requests.is_htmx(request):
        return requests.redirect(request, hits[0]["url"])
    name = "search_results.html" if requests.is_htmx(request) else "search.html"
    return render(request, name, {"q": wish, "groups": groups, "sunk": not hits})


def _groups(request: Request, wish: str) -> list[dict[str, Any]]:
    suite: Suite = request.app.state.suite
    actor = requests.actor_of(request)
    sources = sorted(suite.plugins.collect("core_search_sources"), key=lambda each: each[1].order)
    groups = []
    for plugin_id, source in sources:
        if is_offered(suite, plugin_id, source, actor):
            entries = [_entry(hit) for hit in _hits(request, plugin_id, source, wish)]
            if entries:
                groups.append({"label": source.label.of(request.state.locale), "entries": entries})
    return groups


def _hits(request: Request, plugin_id: str, source: SearchSource, wish: str) -> Sequence[SearchHit]:
    session = requests.session_of(request)
    part = f"core_search_sources {source.id}"
    found = isolated(request, plugin_id, part, lambda: tuple(source.find(session, wish, PER_SOURCE)))
    return () if found in BROKEN else cast("Sequence[SearchHit]", found)


def _entry(hit: SearchHit) -> dict[str, str]:
    return {"url": hit.url, "title": hit.title, "hint": hit.detail, "icon": hit.icon, "badge": hit.badge}
