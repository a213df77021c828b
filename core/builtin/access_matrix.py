"""Who may do what, where: roles × permissions and people × roles × branches, to read, print and export."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

from sqlalchemy import select
from starlette.requests import Request
from starlette.responses import Response

from core.plugin.contributions import MenuItem, Route
from core.plugin.hookspecs import hookimpl
from core.registry.export import FORMATS, escape_cell
from core.registry.fields import Label
from core.security import audit
from core.security.actors import Actor
from core.security.models import Branch, Grant, Role, User
from core.security.permissions import all_permissions
from core.web import requests
from core.web.pages import cell, page, table, words
from core.web.templating import render

if TYPE_CHECKING:
    from core.app import Suite

VIEW = "core.role.view"
Rows = list[tuple[str, ...]]


@hookimpl
def core_routes() -> Sequence[Route]:
    """Declare the matrix and its file."""
    return [Route("/access", matrix, VIEW), Route("/access/export", export, VIEW, ("POST",))]


@hookimpl
def core_menu_items() -> Sequence[MenuItem]:
    """Declare the menu entry."""
    label = Label("Who may do what", "权限一览")
    return [MenuItem("core.access", label, "/access", VIEW, "shield-check", "admin", 32)]


def matrix(request: Request) -> Response:
    """Show the matrix of roles and permissions, and who holds which role where."""
    _ = words(request)
    roles, permissions = _roles(request)
    people_head, people = _people(request)
    panels = [
        table(_("Roles and permissions"), [roles[0], *roles[2:]], _with_codes(permissions), ""),
        table(_("People, roles and branches"), list(people_head), _shown(people), _("Nobody has a role.")),
    ]
    save = {"label": _("Export"), "url": "/access/export", "method": "post", "icon": "download"}
    view = page(_("Who may do what"), panels, actions=[save])
    return render(request, "tables.html", {"view": view})


def export(request: Request) -> Response:
    """Give both tables as one CSV file; that is audited."""
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL)
    parts = [_roles(request), _people(request)]
    for place, (head, rows) in enumerate(parts):
        if place:
            writer.writerow([])
        writer.writerow([escape_cell(label) for label in head])
        writer.writerows([escape_cell(value) for value in row] for row in rows)
    audit.record(requests.session_of(request), "access.exported", detail={"rows": sum(len(rows) for _, rows in parts)})
    headers = {"Content-Disposition": 'attachment; filename="access.csv"'}
    return Response("\ufeff" + text.getvalue(), media_type=FORMATS["csv"], headers=headers)


def _roles(request: Request) -> tuple[tuple[str, ...], Rows]:
    suite: Suite = request.app.state.suite
    _, locale = words(request), request.state.locale
    roles = requests.session_of(request).scalars(select(Role).order_by(Role.code)).all()
    holders = [Actor(None, role.code, frozenset(role.permissions)) for role in roles]
    rows = [
        (each.label.of(locale), each.name, *("✓" if holder.may(each.name) else "" for holder in holders))
        for each in all_permissions(suite)
    ]
    return (_("Action"), _("Permission"), *(role.label(locale) for role in roles)), rows


def _people(request: Request) -> tuple[tuple[str, ...], Rows]:
    """Return the grants that the reader may see: the row rule keeps those of other branches away."""
    _, session, actor = words(request), requests.session_of(request), requests.actor_of(request)
    query = (
        select(User.name, User.username, User.active, Role, Branch.code, Branch.name.label("place"), Grant.subtree)
        .join(Grant, Grant.user_id == User.id)
        .join(Role, Role.id == Grant.role_id)
        .outerjoin(Branch, Branch.id == Grant.branch_id)
        .order_by(User.username, Role.code, Branch.code)
    )
    if not actor.sees_all_branches:
        query = query.where(Grant.branch_id.in_(sorted(actor.branch_ids)))
    rows: Rows = [
        (
            row.name,
            row.username,
            _("active") if row.active else _("switched off"),
            row.Role.label(request.state.locale),
            f"{row.code} {row.place}" if row.code else _("Whole installation"),
            _("with branches below") if row.subtree and row.code else "",
        )
        for row in session.execute(query)
    ]
    return (_("Name"), _("User name"), _("State"), _("Role"), _("Branch"), ""), rows


def _with_codes(rows: Rows) -> list[tuple[int, None, list[dict[str, object]]]]:
    """Return the rows with the code, the second value, behind the first."""
    return [
        (place, None, [cell(name, hint=code), *(cell(value) for value in marks)])
        for place, (name, code, *marks) in enumerate(rows)
    ]


def _shown(rows: Rows) -> list[tuple[int, None, list[dict[str, object]]]]:
    return [(place, None, [cell(value) for value in row]) for place, row in enumerate(rows)]
