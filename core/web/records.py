"""The generated page of one record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import Response

from core.i18n import translate
from core.registry.definitions import definition_of
from core.registry.filters import is_hidden
from core.registry.formats import masked, screen_format
from core.registry.input import writable_fields
from core.registry.models import RegisteredModel
from core.registry.query import ListColumn
from core.registry.records import load_record
from core.registry.titles import load_titles
from core.web import requests
from core.web.actions import record_actions
from core.web.lists import View
from core.web.templating import render

if TYPE_CHECKING:
    from core.app import Suite

FACTS = 4


def record_page(model: RegisteredModel) -> View:
    """Return the view of one record."""

    def view(request: Request) -> Response:
        session = requests.session_of(request)
        found = load_record(session, model, int(request.path_params["id"]))
        return render(request, "record.html", {"view": _context(request, model, found)})

    return view


def _context(request: Request, model: RegisteredModel, found: Any) -> dict[str, Any]:
    locale, actor = request.state.locale, requests.actor_of(request)
    suite: Suite = request.app.state.suite
    definition = definition_of(suite, model, actor)
    added = definition.filters.added
    own = [column for column in definition.columns.values() if column.field is not None and column.name not in added]
    pairs = [_pair(request, model, found, column) for column in own]
    facts = [pair for pair, column in zip(pairs, own, strict=True) if column.listed][:FACTS]
    texts = translate(locale)
    return {
        "title": title_of(model, found),
        "crumbs": [(model.declaration.plural.of(locale), model.url)],
        "badge_class": None,
        "tags": [],
        "actions": _actions(request, model, found),
        "position": None,
        "previous_url": None,
        "next_url": None,
        "facts": facts,
        "figures": [],
        "tabs": [],
        "panels": [
            {"title": model.declaration.label.of(locale), "kind": "definitions", "pairs": pairs, "two": True},
            {
                "title": texts.gettext("History"),
                "kind": "lazy",
                "url": f"{model.url}/{found.id}/history",
                "id": "history",
            },
        ],
        "side": [],
        "slot": f"{model.id}.side",
        "record_id": found.id,
    }


def _actions(request: Request, model: RegisteredModel, found: Any) -> list[dict[str, Any]]:
    given = record_actions(request, model.id, found.id)
    if not requests.actor_of(request).may(f"{model.id}.edit") or not writable_fields(model):
        return given
    label, url = translate(request.state.locale).gettext("Edit"), f"{model.url}/{found.id}/edit"
    return [*given, {"label": label, "url": url, "icon": "pencil", "key": "e", "primary": True}]


def title_of(model: RegisteredModel, found: Any) -> str:
    """Return what a record is called, masked where its field is."""
    field = model.fields.get(model.declaration.title)
    value = None if field is None or is_hidden(field) else getattr(found, field.name)
    if field is None or value is None or value == "":
        return f"#{found.id}"
    return str(masked(field)(value) if field.mask else value)


def _pair(request: Request, model: RegisteredModel, found: Any, column: ListColumn) -> dict[str, Any]:
    value = getattr(found, column.name)
    cell: dict[str, Any] = {"kind": "text", "value": value}
    field = column.field
    if column.target is not None:
        titles = load_titles(requests.session_of(request), column.target, [value])
        cell["value"] = titles.get(value)
        may_open = requests.actor_of(request).may(f"{column.target.id}.view")
        cell["url"] = column.target.record_url(value) if value in titles and may_open else None
    elif field is not None and field.mask:
        cell = {"kind": "masked", "value": masked(field)(value), "field_id": field.name, "url": None}
        if requests.actor_of(request).may(f"{model.id}.unmask"):
            cell["url"] = f"/unmask/{model.id}/{found.id}/{field.name}"
    elif value is not None:
        cell["value"] = screen_format(column.kind, field, request.state.locale)(value)
    return {"label": column.label.of(request.state.locale), "cell": cell}
