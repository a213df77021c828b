"""The generated form of a model: making and changing records."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from starlette.requests import Request
from starlette.responses import Response

from core.errors import BanyanError, ConflictError, InvalidInputError
from core.i18n import localised, translate
from core.registry.fields import Field
from core.registry.filter_sql import target_of
from core.registry.input import form_text, writable_fields
from core.registry.models import RegisteredModel
from core.registry.records import change_record, create_record, is_versioned, load_record
from core.registry.titles import load_titles
from core.web import requests
from core.web.error_pages import field_messages
from core.web.form_sections import (
    added_inputs,
    added_values,
    form_sections,
    prefixed,
    save_sections,
    section_values,
    take_sections,
)
from core.web.lists import View
from core.web.records import title_of
from core.web.templating import render

if TYPE_CHECKING:
    from core.app import Suite

FORM_TOKEN = "csrf_token"  # noqa: S105 -- the name of the field, not its value
MOST_OPTIONS = 200
"""Targets of a reference offered as a list; larger targets take the number of a record."""


def new_form(model: RegisteredModel) -> View:
    """Return the view of the empty form; the address may fill fields in, as links from other records do."""

    def view(request: Request) -> Response:
        known = {name: request.query_params[name] for name in writable_fields(model) if name in request.query_params}
        return _form(request, model, None, known)

    return view


def create(model: RegisteredModel) -> View:
    """Return the view that makes a record."""

    def view(request: Request) -> Response:
        sent = _sent(request, model, fresh=True)
        own, parts = take_sections(form_sections(request, model), sent)
        suite: Suite = request.app.state.suite
        try:
            made = create_record(suite, requests.session_of(request), model, own)
            save_sections(request, made, parts)
        except (InvalidInputError, ConflictError) as error:
            # What the database or a model's own rule refused has ended the transaction; nothing of it is kept anyway.
            requests.session_of(request).rollback()
            return _failed(request, model, None, sent, error)
        return _done(request, model, made, "Created.")

    return view


def edit_form(model: RegisteredModel) -> View:
    """Return the view of a record's form."""

    def view(request: Request) -> Response:
        found = load_record(requests.session_of(request), model, int(request.path_params["id"]))
        values = {name: form_text(field, getattr(found, name)) for name, field in _shown(model, found).items()}
        for section in form_sections(request, model):
            values |= section_values(request, section, found.id)
        values |= added_values(request, model, found.id)
        return _form(request, model, found, values)

    return view


def change(model: RegisteredModel) -> View:
    """Return the view that changes a record."""

    def view(request: Request) -> Response:
        session, record_id = requests.session_of(request), int(request.path_params["id"])
        found = load_record(session, model, record_id)
        sent = _sent(request, model, fresh=False)
        own, parts = take_sections(form_sections(request, model), sent)
        suite: Suite = request.app.state.suite
        try:
            change_record(suite, session, model, record_id, own)
            save_sections(request, record_id, parts)
        except (InvalidInputError, ConflictError) as error:
            session.rollback()  # as above; the form shows the record as it stands in the database
            session.refresh(found)
            return _failed(request, model, found, sent, error)
        return _done(request, model, record_id, "Saved.")

    return view


def _shown(model: RegisteredModel, found: Any | None) -> dict[str, Field]:
    """Return the fields of the form; a masked value would leave in clear, so it is only entered anew."""
    fields = writable_fields(model)
    return fields if found is None else {name: field for name, field in fields.items() if not field.mask}


def _sent(request: Request, model: RegisteredModel, *, fresh: bool) -> dict[str, Any]:
    """Return the form's fields; an unticked box is not sent by browsers and means no."""
    sent: dict[str, Any] = {}
    for name, value in requests.form(request).multi_items():
        if name != FORM_TOKEN:
            sent[name] = value if isinstance(value, str) else []
    fields = writable_fields(model) | added_inputs(request, model)
    for name, field in fields.items():
        if field.kind == "boolean":
            sent[name] = sent.get(name) == "yes"
        elif field.mask and not fresh and not sent.get(name):
            sent.pop(name, None)
    return sent


def _done(request: Request, model: RegisteredModel, record_id: int, text: str) -> Response:
    message = translate(request.state.locale).gettext(text)
    return requests.toast(requests.redirect(request, model.record_url(record_id)), message)


def _failed(
    request: Request, model: RegisteredModel, found: Any | None, sent: Mapping[str, Any], error: BanyanError
) -> Response:
    if isinstance(error, InvalidInputError):
        fields = field_messages(error, request.state.locale)
        known = {*writable_fields(model), *added_inputs(request, model)}
        for section in form_sections(request, model):
            known |= prefixed(section, writable_fields(section)).keys()
        general = [f"{name}: {text}" for name, text in fields.items() if name not in known]
        return _form(request, model, found, sent, fields, general, status=422)
    general = [" ".join(filter(None, localised(error, request.state.locale)))]
    return _form(request, model, found, sent, {}, general, status=409)


def _form(
    request: Request,
    model: RegisteredModel,
    found: Any | None,
    values: Mapping[str, Any],
    errors: Mapping[str, str] | None = None,
    general: list[str] | None = None,
    status: int = 200,
) -> Response:
    texts, locale = translate(request.state.locale), request.state.locale
    fields = writable_fields(model)
    errors = errors or {}
    inputs = [_input(request, model, field, values, errors.get(field.name)) for field in fields.values()]
    groups = [{"title": model.declaration.label.of(locale), "fields": inputs}]
    added = added_inputs(request, model)
    if added:
        more = [_input(request, model, field, values, errors.get(name)) for name, field in added.items()]
        groups.append({"title": texts.gettext("Further fields"), "fields": more})
        inputs, fields = [*inputs, *more], fields | added
    groups += [_section(request, each, values, errors) for each in form_sections(request, model)]
    address = f"{model.url}/new" if found is None else f"{model.url}/{found.id}/edit"
    for item in inputs:
        item["required"] = item["required"] and not (found is not None and fields[item["name"]].mask)
    context = {
        "title": texts.gettext("New") if found is None else title_of(model, found),
        "crumbs": [(model.declaration.plural.of(locale), model.url)],
        "action_url": address,
        "cancel_url": model.url if found is None else model.record_url(found.id),
        "submit": texts.gettext("Save"),
        "version": found.version if found is not None and is_versioned(model) else None,
        "errors": general or [],
        "groups": groups,
        "conflict": None,
    }
    return render(request, "form.html", {"view": context}, status=status)


def _section(
    request: Request, model: RegisteredModel, values: Mapping[str, Any], errors: Mapping[str, str]
) -> dict[str, Any]:
    start = f"{model.id}:"
    own = {name.removeprefix(start): value for name, value in values.items() if name.startswith(start)}
    inputs = [
        _input(request, model, field, own, errors.get(start + name)) | {"name": start + name, "required": False}
        for name, field in writable_fields(model).items()
    ]
    return {"title": model.declaration.label.of(request.state.locale), "fields": inputs}


def _input(
    request: Request, model: RegisteredModel, field: Field, values: Mapping[str, Any], error: str | None
) -> dict[str, Any]:
    locale = request.state.locale
    item: dict[str, Any] = {
        "name": field.name,
        "label": field.label.of(locale),
        "kind": _KINDS.get(field.kind, "text"),
        "value": values.get(field.name, ""),
        "required": field.required,
        "hint": field.hint.of(locale) if field.hint else None,
        "error": error,
    }
    if field.options:
        options = [(option.code, option.label.of(locale)) for option in field.options]
        item |= {"kind": "select", "options": options if field.required else [("", "—"), *options]}
    elif field.kind == "reference":
        item |= _reference_input(request, model, field, values.get(field.name, ""))
    elif item["kind"] == "text" and field.max_length:
        item["attributes"] = {"maxlength": str(field.max_length)}
        if field.max_length > 200:
            item |= {"kind": "textarea", "span": True}
    return item


_KINDS = {
    "integer": "number",
    "decimal": "number",
    "ratio": "number",
    "money": "number",
    "date": "date",
    "boolean": "checkbox",
}


def _reference_input(request: Request, model: RegisteredModel, field: Field, value: Any) -> dict[str, Any]:
    """Offer the targets that the actor may see; of a large target only the present one, others by number."""
    suite: Suite = request.app.state.suite
    session, target = requests.session_of(request), target_of(suite.registry, field, model)
    if target is None:
        return {"kind": "number"}
    ids: list[int | None] = list(session.scalars(select(target.column("id")).limit(MOST_OPTIONS + 1)))
    if len(ids) > MOST_OPTIONS:
        hint = translate(request.state.locale).gettext("Number of the record")
        return {"kind": "number", "hint": hint}
    if field.name == "branch_id":
        actor = requests.actor_of(request)
        ids = [branch for branch in ids if actor.sees_all_branches or branch in actor.branch_ids]
        value = value or actor.home_branch_id
    titles = load_titles(session, target, ids)
    options = sorted(((str(row_id), title) for row_id, title in titles.items()), key=lambda option: option[1])
    return {"kind": "select", "options": [("", "—"), *options], "value": str(value or "")}
