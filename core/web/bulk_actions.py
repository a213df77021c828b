"""The bulk bar of a list: exports at once, every other action shows first what it would change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from core.bulk.running import action_named, read_inputs, start_run
from core.errors import InvalidInputError, InvalidValueError
from core.plugin.contributions import BulkAction
from core.registry.models import RegisteredModel
from core.registry.query import ListQuery, count, fetch_page
from core.web import requests
from core.web.error_pages import field_messages
from core.web.exports import bulk_export, ticked
from core.web.lists import Listing, View, read_listing
from core.web.pages import cell, columns, field
from core.web.templating import render

if TYPE_CHECKING:
    from core.app import Suite

SHOWN = 10
"""Rows of the preview."""
SHOWN_COLUMNS = 4


def bulk(model: RegisteredModel) -> View:
    """Return the view of the bar."""
    export = bulk_export(model)

    def view(request: Request) -> Response:
        return export(request) if requests.text(request, "action") == "export" else _preview(request, model, {}, 200)

    return view


def start_bulk(model: RegisteredModel) -> View:
    """Return the view that queues the action that was shown."""

    def view(request: Request) -> Response:
        session, listing, action, ids = _asked(request, model)
        sent = {each.name: requests.text(request, f"input_{each.name}") for each in action.inputs}
        try:
            inputs = read_inputs(session, action, sent)
        except InvalidInputError as error:
            return _preview(request, model, field_messages(error, request.state.locale), 422)
        chosen = (listing.state.q, ids)
        run = start_run(session, action, model, chosen, (inputs, _number(session, listing, ids)))
        return requests.redirect(request, f"/bulk/{run}")

    return view


def _asked(request: Request, model: RegisteredModel) -> tuple[Any, Listing, BulkAction, tuple[int, ...]]:
    suite: Suite = request.app.state.suite
    action = action_named(suite, model, requests.actor_of(request), requests.text(request, "action"))
    listing = read_listing(request, model)
    if listing.error:
        raise InvalidValueError("bulk_filter", "The filter cannot be read", "Correct it in the list.")
    ids = () if requests.text(request, "all_matching") else ticked(request)
    return requests.session_of(request), listing, action, ids


def _number(session: Any, listing: Listing, ids: tuple[int, ...]) -> int:
    return count(session, listing.definition, listing.conditions, ids=ids, cap=None)[0]


def _preview(request: Request, model: RegisteredModel, errors: dict[str, str], status: int) -> Response:
    session, listing, action, ids = _asked(request, model)
    state = urlencode(listing.state.pairs())
    label = action.label.of(listing.locale)
    view = {
        "title": label,
        "crumbs": [(model.declaration.plural.of(listing.locale), listing.state.url(model.url))],
        "number": _number(session, listing, ids),
        "action": action.id,
        "action_url": f"{model.url}/bulk/run?{state}",
        "cancel_url": listing.state.url(model.url),
        "ids": ids,
        "inputs": [_input(request, session, each, errors) for each in action.inputs],
        "table": _first_rows(session, listing, ids),
    }
    return render(request, "bulk/preview.html", {"view": view}, status=status)


def _input(request: Request, session: Any, each: Any, errors: dict[str, str]) -> dict[str, Any]:
    name = f"input_{each.name}"
    more: dict[str, Any] = {"required": each.required, "error": errors.get(each.name)}
    if each.options is not None:
        more["options"] = each.options(session)
    kind = "select" if each.options is not None else each.kind
    return field(name, each.label.of(request.state.locale), requests.text(request, name), kind, **more)


def _first_rows(session: Any, listing: Listing, ids: tuple[int, ...]) -> dict[str, Any]:
    names = listing.definition.default_columns[:SHOWN_COLUMNS]
    query = ListQuery(names, listing.conditions, listing.state.sort, limit=SHOWN, ids=ids)
    page = fetch_page(session, listing.definition, query)
    shown = [listing.definition.columns[name] for name in names]
    cells = [[_text(listing, column, value) for value in page.values[column.name]] for column in shown]
    rows = [
        {"id": row_id, "url": None, "cells": [column[place] for column in cells]}
        for place, row_id in enumerate(page.ids)
    ]
    return {"columns": columns(*(column.label.of(listing.locale) for column in shown)), "rows": rows}


def _text(listing: Listing, column: Any, value: Any) -> dict[str, Any]:
    from core.registry.formats import screen_format

    if value is None or column.kind == "class":
        return cell(value)
    kind = "text" if column.target or (column.field and column.field.mask) else column.kind
    return cell(screen_format(kind, column.field, listing.locale)(value))
