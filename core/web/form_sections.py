"""Sections that side models of other plugins add to a model's form: shown below its own fields, saved with them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from starlette.requests import Request

from core.errors import InvalidInputError
from core.registry.added_fields import load_values
from core.registry.fields import Field
from core.registry.input import form_text, writable_fields
from core.registry.models import RegisteredModel
from core.registry.records import added_fields, change_record, create_record
from core.registry.side_models import side_models
from core.web import requests

if TYPE_CHECKING:
    from core.app import Suite


def form_sections(request: Request, host: RegisteredModel) -> list[RegisteredModel]:
    """Return the side models whose fields the form offers: of plugins active here, with the right to edit."""
    suite: Suite = request.app.state.suite
    actor = requests.actor_of(request)
    return [
        model
        for model in side_models(suite.registry, host.id)
        if actor.may(f"{model.id}.edit")
        and suite.plugins.is_active(model.owner, actor.home_branch_id)
        and writable_fields(model)
    ]


def added_inputs(request: Request, model: RegisteredModel) -> dict[str, Field]:
    """Return the fields that administrators added, for the form."""
    suite: Suite = request.app.state.suite
    return {each.field.name: each.field for each in added_fields(suite, model, requests.actor_of(request))}


def added_values(request: Request, model: RegisteredModel, record_id: int) -> dict[str, Any]:
    """Return what the form shows of the added fields; a masked value is only entered anew."""
    suite: Suite = request.app.state.suite
    shown = [each for each in added_fields(suite, model, requests.actor_of(request)) if not each.field.mask]
    known = load_values(requests.session_of(request), model, shown, [record_id])[record_id]
    return {each.field.name: form_text(each.field, known.get(each.field.name)) for each in shown}


def prefixed(model: RegisteredModel, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values under the names that the fields of a section have in the form: ``<model>:<field>``."""
    return {f"{model.id}:{name}": value for name, value in values.items()}


def section_values(request: Request, model: RegisteredModel, host_id: int) -> dict[str, Any]:
    """Return what the form shows of a record's side row, by the names of the form; nothing where there is no row."""
    row = requests.session_of(request).scalar(select(model.entity).where(model.column("id") == host_id))
    shown = {name: field for name, field in writable_fields(model).items() if not field.mask}
    values = {name: form_text(field, getattr(row, name)) for name, field in shown.items()} if row else {}
    return prefixed(model, values)


def take_sections(
    models: list[RegisteredModel], sent: dict[str, Any]
) -> tuple[dict[str, Any], list[tuple[RegisteredModel, dict[str, Any]]]]:
    """Part what was sent into the host's own fields and those of each section; an unticked box means no."""
    own, parts = dict(sent), []
    for model in models:
        start = f"{model.id}:"
        part = {name.removeprefix(start): own.pop(name) for name in list(own) if name.startswith(start)}
        for name, field in writable_fields(model).items():
            if field.kind == "boolean":
                part[name] = part.get(name) == "yes"
            elif field.mask and not part.get(name):
                part.pop(name, None)
        parts.append((model, part))
    return own, parts


def save_sections(request: Request, host_id: int, parts: list[tuple[RegisteredModel, dict[str, Any]]]) -> None:
    """Write the sections of a record, in its unit of work; a row is made when something is said in it.

    Raises:
        InvalidInputError: Values are wrong; named as in the form.
    """
    suite: Suite = request.app.state.suite
    session = requests.session_of(request)
    for model, sent in parts:
        row = session.scalar(select(model.column("id")).where(model.column("id") == host_id))
        try:
            if row is not None:
                change_record(suite, session, model, host_id, sent)
            elif any(value not in {"", False} for value in sent.values()):
                create_record(suite, session, model, sent, host_id)
        except InvalidInputError as error:
            raise InvalidInputError(prefixed(model, error.fields)) from error
