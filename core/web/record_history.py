"""What happened to one record: who made it, changed it, saw a masked value of it, and which imports changed it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from starlette.requests import Request
from starlette.responses import Response

from core.i18n import translate
from core.imports.models import ImportBatch, ImportChange
from core.registry.definitions import definition_of
from core.registry.fields import Field
from core.registry.filter_values import today_here
from core.registry.models import RegisteredModel
from core.registry.records import load_record
from core.security.models import AuditEntry
from core.web import requests
from core.web.audit_labels import action_label, declared_actions
from core.web.lists import View
from core.web.templating import render

if TYPE_CHECKING:
    from core.app import Suite

MOST = 50
"""Entries of each kind shown, the newest."""
ICONS = {"created": "plus", "changed": "pencil", "unmask": "eye"}


def record_history(model: RegisteredModel) -> View:
    """Return the view of a record's history, for who may see the record."""

    def view(request: Request) -> Response:
        row_id = int(request.path_params["id"])
        load_record(requests.session_of(request), model, row_id)
        events = sorted(
            [*_entries(request, model, row_id), *_imports(request, model, row_id)],
            key=lambda event: event["at"],
            reverse=True,
        )
        return render(request, "_history.html", {"events": events[:MOST], "year": today_here().year})

    return view


def _entries(request: Request, model: RegisteredModel, row_id: int) -> Iterator[dict[str, Any]]:
    """Yield the entries of the audit trail in the reader's branches."""
    query = select(AuditEntry).where(AuditEntry.model == model.id, AuditEntry.row_id == row_id)
    suite: Suite = request.app.state.suite
    actions = declared_actions(suite)
    for entry in requests.session_of(request).scalars(query.order_by(AuditEntry.id.desc()).limit(MOST)):
        verb = entry.action.rpartition(".")[2]
        yield {
            "at": entry.at,
            "icon": ICONS.get(verb, "history"),
            "text": action_label(actions, entry.action, request.state.locale),
            "hint": "; ".join(_told(request, model, verb, entry.detail or {})),
            "who": entry.actor_name,
        }


def _told(request: Request, model: RegisteredModel, verb: str, detail: Mapping[str, Any]) -> Iterator[str]:
    fields, told = _readable(request, model), detail.get("fields")
    if verb == "unmask" and detail.get("field") in fields:
        yield fields[detail["field"]].label.of(request.state.locale)
    for name, pair in told.items() if isinstance(told, dict) else ():
        if name in fields:
            yield _change(request, fields[name], *(pair if pair and not fields[name].mask else (None, None)))


def _imports(request: Request, model: RegisteredModel, row_id: int) -> Iterator[dict[str, Any]]:
    """Yield the values that imports of the reader's branches changed; undone ones are left out."""
    fields = _readable(request, model)
    query = (
        select(ImportChange.field, ImportChange.old, ImportChange.new, ImportBatch.id, ImportBatch.file_name)
        .add_columns(ImportBatch.created_at, ImportBatch.actor_name)
        .join(ImportBatch, ImportBatch.id == ImportChange.batch_id)
        .where(ImportChange.model == model.id, ImportChange.row_id == row_id, ImportChange.undone.is_(False))
    )
    for row in requests.session_of(request).execute(query.order_by(ImportChange.id.desc()).limit(MOST)):
        if row.field in fields:
            field, hidden = fields[row.field], fields[row.field].data_class != "C1"
            values = (None, None) if hidden else (_amount(field, row.old), _amount(field, row.new))
            yield {
                "at": row.created_at,
                "icon": "file-import",
                "text": _change(request, field, *values),
                "hint": row.file_name,
                "who": row.actor_name,
            }


def _readable(request: Request, model: RegisteredModel) -> Mapping[str, Field]:
    """Return the fields that exist for the reader: what a page does not show, its history does not tell."""
    suite: Suite = request.app.state.suite
    return definition_of(suite, model, requests.actor_of(request)).filters.readable


def _amount(field: Field, value: Any) -> Any:
    """Return an imported value as people write it; imports note money in cents."""
    return f"{Decimal(value) / 100:,.2f}" if field.kind == "money" and value is not None else value


def _change(request: Request, field: Field, old: Any, new: Any) -> str:
    """Say what became of a field; of personal data the trail keeps only that it changed."""
    label = field.label.of(request.state.locale)
    if old is None and new is None:
        return label
    return f"{label} {_value(request, field, old)} → {_value(request, field, new)}"


def _value(request: Request, field: Field, value: Any) -> str:
    _, option = translate(request.state.locale).gettext, field.option(value)
    if value is None or value == "":
        return "—"
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    if field.kind == "reference":
        return f"#{value}"
    return option.label.of(request.state.locale) if option else str(value)[:80]
