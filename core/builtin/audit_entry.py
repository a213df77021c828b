"""One entry of the audit trail: the values before and after, each of which can be restored."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from starlette.requests import Request
from starlette.responses import Response

from core.errors import NotFoundError
from core.plugin.contributions import Route
from core.plugin.hookspecs import hookimpl
from core.registry.definitions import definition_of
from core.registry.fields import Field
from core.registry.input import writable_fields
from core.registry.models import RegisteredModel
from core.registry.records import change_record, is_versioned, load_record
from core.security import audit
from core.security.models import AuditEntry
from core.web import requests
from core.web.audit_labels import action_label, declared_actions, facts_text
from core.web.pages import actor_label, cell, page, table, words
from core.web.templating import render

if TYPE_CHECKING:
    from core.app import Suite

VIEW = "core.audit.view"


@hookimpl
def core_routes() -> Sequence[Route]:
    """Declare the entry and the command that restores."""
    return [
        Route("/audit/{entry_id:int}", entry_page, VIEW),
        Route("/audit/{entry_id:int}/restore/{field}", restore, VIEW, ("POST",)),
    ]


def entry_page(request: Request) -> Response:
    """Show one entry with the values it tells of, each of which can be restored by who may change the record."""
    _, entry, locale = words(request), _entry(request), request.state.locale
    suite: Suite = request.app.state.suite
    model, actions, rows = _model(request, entry), declared_actions(suite), []
    others = {name: value for name, value in entry.detail.items() if name != "fields"}
    readable = _readable(request, model) if model else {}
    writable = _restorable(request, model) if model else {}
    for place, (name, pair) in enumerate((entry.detail.get("fields") or {}).items()):
        if name not in readable or readable[name].mask or not isinstance(pair, list):
            continue
        back = {"label": _("Restore"), "url": f"/audit/{entry.id}/restore/{name}", "method": "post"}
        cells = [cell(readable[name].label.of(locale)), *(cell(_shown(value)) for value in pair)]
        rows.append((place, None, [*cells, cell(back if name in writable else None, "action")]))
    facts = [
        (_("Time"), cell(entry.at, "instant")),
        (_("Who"), cell(actor_label(request, entry.actor_name))),
        (_("Object"), cell(f"{entry.model} {entry.row_id or ''}".strip())),
        (_("Detail"), cell(facts_text(others, model, actions.get(entry.action), locale))),
        (_("Request number"), cell(entry.request_id)),
    ]
    about = table(
        _("Audit entry"),
        [_("What"), _("Value")],
        [(place, None, [cell(label), shown]) for place, (label, shown) in enumerate(facts)],
        "",
    )
    heads = [_("Field"), _("Before"), _("After"), ""]
    changes = table(_("Values"), heads, rows, _("This entry tells of no values that can be restored."))
    crumbs, title = [(_("Audit trail"), "/audit")], action_label(actions, entry.action, locale)
    return render(
        request,
        "tables.html",
        {"view": page(title, [about, changes], crumbs=crumbs)},
    )


def restore(request: Request) -> Response:
    """Give a field the value it had before an entry; that is a change of its own and adds entries."""
    suite: Suite = request.app.state.suite
    session, entry, name = requests.session_of(request), _entry(request), request.path_params["field"]
    model = _model(request, entry)
    told = (entry.detail.get("fields") or {}).get(name)
    if model is None or entry.row_id is None or not isinstance(told, list):
        raise NotFoundError("no_value", "This entry tells of no values that can be restored.")
    requests.actor_of(request).require(f"{model.id}.edit")
    if name not in _restorable(request, model):
        raise NotFoundError("no_value", "This entry tells of no values that can be restored.")
    record = load_record(session, model, entry.row_id)
    kind, value = model.fields[name].kind, told[0]
    sent = {name: str(Decimal(value) * 100) if kind == "ratio" and value is not None else value}
    if is_versioned(model):
        sent["version"] = str(record.version)
    change_record(suite, session, model, entry.row_id, sent)
    facts = {"field": name, "entry": entry.id}
    branch_id = getattr(record, "branch_id", None)
    audit.record(session, f"{model.noun}.restored", model.id, entry.row_id, facts, branch_id)
    return requests.redirect(request, f"/audit/{entry.id}")


def _entry(request: Request) -> AuditEntry:
    query = select(AuditEntry).where(AuditEntry.id == request.path_params["entry_id"])
    found = requests.session_of(request).scalar(query)
    if found is None:
        raise NotFoundError("no_such_entry", "There is no such entry.")
    return found


def _model(request: Request, entry: AuditEntry) -> RegisteredModel | None:
    """Return the model an entry tells of, if its plugin is there and active for the reader."""
    suite: Suite = request.app.state.suite
    model = suite.registry.get(entry.model) if entry.model in suite.registry else None
    branch_id = requests.actor_of(request).home_branch_id
    return model if model and suite.plugins.is_active(model.owner, branch_id) else None


def _readable(request: Request, model: RegisteredModel) -> Mapping[str, Field]:
    """Return the fields that exist for the reader."""
    suite: Suite = request.app.state.suite
    return definition_of(suite, model, requests.actor_of(request)).filters.readable


def _restorable(request: Request, model: RegisteredModel) -> Mapping[str, Field]:
    """Return the fields that the reader may change; masked ones are told of without values."""
    if not requests.actor_of(request).may(f"{model.id}.edit"):
        return {}
    return {name: field for name, field in writable_fields(model).items() if not field.mask}


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
