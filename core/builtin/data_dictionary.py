"""The page of the data dictionary: all tables, the fields of one, both as files."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import Response

from core.dictionary import HEAD, DictionaryTable, as_json, data_dictionary, flat_rows
from core.errors import NotFoundError
from core.imports.library import ImportLibrary
from core.plugin.contributions import AuditAction, MenuItem, Permission, Route
from core.plugin.hookspecs import hookimpl
from core.registry.export import FORMATS, escape_cell
from core.registry.fields import Label
from core.security import audit
from core.web import requests
from core.web.pages import Cell, cell, page, table, words
from core.web.templating import render

if TYPE_CHECKING:
    from core.app import Suite

VIEW = "core.dictionary.view"


@hookimpl
def core_routes() -> Sequence[Route]:
    """Declare the page and its files."""
    return [
        Route("/dictionary", overview, VIEW),
        Route("/dictionary/export/{format}", export, VIEW, ("POST",)),
        Route("/dictionary/{table}", one, VIEW),
    ]


@hookimpl
def core_permissions() -> Sequence[Permission]:
    """Declare the permission."""
    return [Permission(VIEW, Label("See the data dictionary", "查看数据字典"))]


@hookimpl
def core_menu_items() -> Sequence[MenuItem]:
    """Declare the menu entry."""
    return [
        MenuItem("core.dictionary", Label("Data dictionary", "数据字典"), "/dictionary", VIEW, "database", "admin", 47)
    ]


@hookimpl
def core_audit_actions() -> Sequence[AuditAction]:
    """Declare what is written into the audit trail."""
    return [AuditAction("dictionary.exported", Label("Data dictionary exported", "导出数据字典"))]


def overview(request: Request) -> Response:
    """Show all tables; the numbers of rows are those of the database's statistics."""
    _ = words(request)
    rows = [
        (number, f"/dictionary/{each.name}", _cells(request, each)) for number, each in enumerate(_tables(request), 1)
    ]
    heads = [_("Table"), _("Owner"), _("Records"), (_("Rows"), "count"), (_("Fields"), "count"), _("Imports")]
    panel = table(_("Tables"), heads, rows, "")
    files = [
        {"label": kind.upper(), "url": f"/dictionary/export/{kind}", "method": "post", "icon": "file-export"}
        for kind in ("csv", "json")
    ]
    panel["note"] = (
        f"{panel['note']} · {_('Rows as the database last counted them for itself; — where it has not yet.')}"
    )
    return render(request, "tables.html", {"view": page(_("Data dictionary"), [panel], actions=files)})


def one(request: Request) -> Response:
    """Show the fields of a table."""
    _, locale = words(request), request.state.locale
    found = next((each for each in _tables(request) if each.name == request.path_params["table"]), None)
    if found is None:
        raise NotFoundError("unknown_table", "There is no such table.", "Go back to the list.")
    rows = [
        (
            number,
            None,
            [
                cell(each.name, hint=each.label.of(locale) if each.label else ""),
                cell(each.kind),
                cell(each.data_class, hint=_("masked") if each.masked else ""),
                cell(", ".join(each.sources)),
            ],
        )
        for number, each in enumerate(found.fields, 1)
    ]
    panel = table(_("Fields"), [_("Field"), _("Kind"), _("Data class"), _("Filled by imports")], rows, "")
    crumbs = [(_("Data dictionary"), "/dictionary")]
    return render(request, "tables.html", {"view": page(found.name, [panel], crumbs=crumbs)})


def export(request: Request) -> Response:
    """Give the dictionary as a file; that is audited."""
    kind, tables = request.path_params["format"], _tables(request)
    if kind not in {"csv", "json"}:
        raise NotFoundError("no_such_page", "There is no such page.")
    session = requests.session_of(request)
    audit.record(session, "dictionary.exported", detail={"format": kind, "count": len(tables)})
    headers = {"Content-Disposition": f'attachment; filename="dictionary.{kind}"'}
    if kind == "json":
        text = json.dumps([as_json(each) for each in tables], ensure_ascii=False, indent=2)
        return Response(text, media_type=FORMATS["json"], headers=headers)
    lines = io.StringIO()
    rows = ([escape_cell(value) for value in row] for row in flat_rows(tables))
    csv.writer(lines, quoting=csv.QUOTE_ALL).writerows([HEAD, *rows])
    return Response("\ufeff" + lines.getvalue(), media_type=FORMATS["csv"], headers=headers)


def _tables(request: Request) -> list[DictionaryTable]:
    suite: Suite = request.app.state.suite
    return data_dictionary(suite, ImportLibrary(suite))


def _cells(request: Request, each: DictionaryTable) -> list[Cell]:
    label = each.label.of(request.state.locale) if each.label else None
    rows: dict[str, Any] = {"value": each.rows, "kind": "count"}
    return [
        cell(each.name),
        cell(each.owner),
        cell(label, hint=each.model),
        rows,
        cell(len(each.fields), "count"),
        cell(", ".join(each.sources)),
    ]
