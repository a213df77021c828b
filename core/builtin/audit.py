"""The audit trail on screen."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from starlette.requests import Request
from starlette.responses import Response

from core.plugin.contributions import MenuItem, Route
from core.plugin.hookspecs import hookimpl
from core.registry.fields import Label
from core.security.models import AuditEntry
from core.web import requests
from core.web.pages import cell, page, table, words
from core.web.templating import render

PAGE = 100


@hookimpl
def core_routes() -> Sequence[Route]:
    """Declare the trail."""
    return [Route("/audit", trail, "core.audit.view")]


@hookimpl
def core_menu_items() -> Sequence[MenuItem]:
    """Declare its menu entry."""
    label = Label("Audit trail", "审计日志")
    return [MenuItem("core.audit", label, "/audit", "core.audit.view", "shield-check", "admin", 40)]


def trail(request: Request) -> Response:
    """Show the latest entries of the person's branches, older ones behind ``before``, of one person or action."""
    _, query, session = words(request), select(AuditEntry), requests.session_of(request)
    before, action = request.query_params.get("before", ""), request.query_params.get("action", "")
    if before.isascii() and before.isdigit():
        query = query.where(AuditEntry.id < int(before))
    if action:
        query = query.where(AuditEntry.action == action)
    entries = session.scalars(query.order_by(AuditEntry.id.desc()).limit(PAGE)).all()
    heads: list[str | tuple[str, str]] = [
        (_("Time"), "instant"),
        _("Who"),
        _("Action"),
        _("Object"),
        _("Detail"),
        _("Request number"),
    ]
    rows = [
        (
            entry.id,
            None,
            [
                cell(entry.at, "instant"),
                cell(entry.actor_name),
                cell(entry.action),
                cell(f"{entry.model} {entry.row_id or ''}".strip()),
                cell(_facts(entry.detail)),
                cell(entry.request_id),
            ],
        )
        for entry in entries
    ]
    full = len(entries) == PAGE
    older = [{"label": _("Older"), "url": f"/audit?before={entries[-1].id}", "icon": "chevron-right"}] if full else []
    panel = table(_("Audit trail"), heads, rows, _("No entries."))
    return render(
        request, "tables.html", {"view": page(_("Audit trail"), [panel], actions=older if len(entries) == PAGE else [])}
    )


def _facts(detail: dict[str, Any]) -> str:
    """Return the facts of an entry as ``name: value``; structures stand as JSON."""
    return " · ".join(
        f"{name}: {value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}"
        for name, value in (detail or {}).items()
    )
