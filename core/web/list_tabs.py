"""The tabs above a list: all rows, the views that plugins declare, the views that people saved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode

from core.registry.models import RegisteredModel
from core.registry.views import View as Saved

if TYPE_CHECKING:
    from core.plugin.contributions import ListView
    from core.web.lists import Listing

ALL = ""
"""Id of the tab with all rows."""


def tab_strip(listing: Listing, declared: tuple[ListView, ...], saved: tuple[Saved, ...]) -> dict[str, Any]:
    """Return the tabs and what may be done with a changed view.

    Args:
        listing: The list as asked for.
        declared: Views of plugins for this reader.
        saved: Views of the person and shared ones.
    """
    state, model = listing.state, listing.model
    queries = {ALL: "", **{view.id: _query(view) for view in declared}, **{str(view.id): view.query for view in saved}}
    current = state.view if state.view in queries else ALL
    names = {ALL: listing.say("All"), **{view.id: view.label.of(listing.locale) for view in declared}}
    names |= {str(view.id): view.name for view in saved}
    here = urlencode([pair for pair in state.pairs() if pair[0] not in {"view", "density"}])
    changed = here != _without_density(queries[current])
    return {
        "tabs": [
            {"id": name, "label": label, "url": view_url(model, name, queries[name]), "active": name == current}
            for name, label in names.items()
        ]
        if len(names) > 1 or changed
        else [],
        "tabs_url": f"{model.url}/tabs?{urlencode(state.pairs())}",
        "changed": changed and bool(state.q or state.sort or current),
        "save_url": f"{model.url}/views/new?{urlencode(state.pairs())}",
        "reset_url": view_url(model, current, queries[current]),
    }


def counted(tabs: list[dict[str, Any]], numbers: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the tabs with the numbers of those that were counted."""
    return [{**tab, "number": numbers.get(tab["id"])} for tab in tabs]


def view_url(model: RegisteredModel, view_id: str, query: str) -> str:
    """Return the address of a view; of all rows without id."""
    pairs = [*parse_qsl(query), *([("view", view_id)] if view_id else [])]
    return f"{model.url}?{urlencode(pairs)}" if pairs else model.url


def _query(view: ListView) -> str:
    return urlencode({name: value for name, value in (("q", view.query), ("sort", view.sort)) if value})


def _without_density(query: str) -> str:
    return urlencode([pair for pair in parse_qsl(query) if pair[0] != "density"])
