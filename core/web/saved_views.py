"""Keeping what people make of a list: saved views, chosen columns, density."""

from __future__ import annotations

from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from core.errors import InvalidInputError
from core.i18n import localised
from core.registry.models import RegisteredModel
from core.registry.views import delete_view, keep_preference, save_view, saved_views
from core.web import requests
from core.web.list_tabs import view_url
from core.web.lists import Listing, View, read_listing
from core.web.templating import render


def list_columns(model: RegisteredModel) -> View:
    """Return the view that keeps a person's columns and density."""

    def view(request: Request) -> Response:
        listing = read_listing(request, model)
        form = requests.form(request)
        names = [] if "reset" in form else [str(name) for name in form.getlist("columns")]
        known = [name for name in dict.fromkeys(names) if name in listing.definition.columns]
        keep_preference(requests.session_of(request), model.id, known, requests.text(request, "density") or None)
        return requests.redirect(request, listing.state.url(model.url, columns=None))

    return view


def view_form(model: RegisteredModel) -> View:
    """Return the form that asks for the name of a view."""

    def view(request: Request) -> Response:
        return _view_form(read_listing(request, model), {})

    return view


def _view_form(listing: Listing, errors: dict[str, str]) -> Response:
    model, query = listing.model, urlencode(listing.state.pairs())
    views = saved_views(requests.session_of(listing.request), model.id)
    name = next((view.name for view in views if str(view.id) == listing.state.view and view.own), "")
    fields = [
        {
            "name": "name",
            "label": listing.say("Name"),
            "kind": "text",
            "value": name,
            "required": True,
            "error": errors.get("name"),
            "attributes": {"maxlength": "80"},
        },
        {"name": "shared", "label": listing.say("Offer it to everybody"), "kind": "checkbox", "value": False},
    ]
    context = {
        "title": listing.say("Save view"),
        "crumbs": [(model.declaration.plural.of(listing.locale), listing.state.url(model.url))],
        "action_url": f"{model.url}/views/new?{query}",
        "cancel_url": listing.state.url(model.url),
        "submit": listing.say("Save"),
        "version": None,
        "errors": [],
        "groups": [{"title": None, "fields": fields}],
        "conflict": None,
    }
    return render(listing.request, "form.html", {"view": context}, status=422 if errors else 200)


def keep_view(model: RegisteredModel) -> View:
    """Return the view that saves a list's state under a name."""

    def view(request: Request) -> Response:
        listing = read_listing(request, model)
        query = urlencode([pair for pair in listing.state.pairs() if pair[0] != "view"])
        shared = requests.text(request, "shared") == "yes"
        try:
            name = requests.text(request, "name")
            view_id = save_view(requests.session_of(request), model.id, name, query, shared=shared)
        except InvalidInputError as error:
            messages = {field: " ".join(localised(each, listing.locale)) for field, each in error.fields.items()}
            return _view_form(listing, messages)
        return requests.redirect(request, view_url(model, str(view_id), query))

    return view


def drop_view(model: RegisteredModel) -> View:
    """Return the view that deletes a saved view."""

    def view(request: Request) -> Response:
        delete_view(requests.session_of(request), model.id, int(request.path_params["id"]))
        return requests.redirect(request, model.url)

    return view
