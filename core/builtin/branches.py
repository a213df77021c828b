"""Administration of branches and a view of the roles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from starlette.requests import Request
from starlette.responses import Response

from core.errors import ConflictError, InvalidInputError, NotFoundError, PermissionDeniedError
from core.plugin.contributions import MenuItem, Route
from core.plugin.hookspecs import hookimpl
from core.registry.fields import Label
from core.security import audit
from core.security.branches import add_branch, tree
from core.security.models import Branch, Role
from core.security.permissions import UNMASK, VERBS, all_permissions
from core.web import requests
from core.web.pages import cell, field, form_page, page, table, with_errors, words
from core.web.requests import text
from core.web.templating import render

VIEW, EDIT = "core.branch.view", "core.branch.edit"


@hookimpl
def core_routes() -> Sequence[Route]:
    """Declare the routes of branches and roles."""
    return [
        Route("/branches", branches, VIEW),
        Route("/branches/new", new_page, EDIT),
        Route("/branches/new", add, EDIT, ("POST",)),
        Route("/branches/{branch_id:int}/active", switch, EDIT, ("POST",)),
        Route("/roles", roles, "core.role.view"),
    ]


@hookimpl
def core_menu_items() -> Sequence[MenuItem]:
    """Declare the menu entries."""
    return [
        MenuItem("core.branches", Label("Branches", "机构"), "/branches", VIEW, "building", "admin", 20),
        MenuItem("core.roles", Label("Roles", "角色"), "/roles", "core.role.view", "key", "admin", 30),
    ]


def branches(request: Request) -> Response:
    """Show the tree of branches."""
    _, may = words(request), requests.actor_of(request).may(EDIT)
    rows = [
        (
            branch.id,
            None,
            [
                cell("\u3000" * depth + branch.name),
                cell(branch.code),
                cell(branch.area_code),
                cell(
                    _("active") if branch.active else _("switched off"),
                    "status",
                    tone="ok" if branch.active else "idle",
                ),
                cell(_switch(request, branch) if may else None, "action"),
            ],
        )
        for depth, branch in tree(requests.session_of(request))
    ]
    heads = [_("Name"), _("Code"), _("Area code"), _("State"), ""]
    panel = table(_("Branches"), heads, rows, _("No branches yet."))
    add_one = {"label": _("New branch"), "url": "/branches/new", "icon": "plus", "primary": True}
    return render(request, "tables.html", {"view": page(_("Branches"), [panel], actions=[add_one] if may else [])})


def new_page(request: Request) -> Response:
    """Show the form of a new branch."""
    return render(request, "form.html", {"view": _form(request)})


def add(request: Request) -> Response:
    """Add a branch below one that the person reaches; only who sees all branches adds a root."""
    session, actor = requests.session_of(request), requests.actor_of(request)
    parent = session.scalar(select(Branch).where(Branch.code == text(request, "parent")))
    if not actor.sees_all_branches and (parent is None or parent.id not in actor.branch_ids):
        raise PermissionDeniedError("foreign_branch", "This branch is not yours.")
    try:
        branch = add_branch(session, text(request, "code"), text(request, "name"), parent, text(request, "area_code"))
    except (InvalidInputError, ConflictError) as error:
        return render(
            request, "form.html", {"view": with_errors(_form(request), error, request.state.locale)}, status=422
        )
    audit.record(session, "branch.add", "core.branch", branch.id, {"code": branch.code})
    return requests.redirect(request, "/branches")


def switch(request: Request) -> Response:
    """Switch a branch on or off; its records stay."""
    session, actor = requests.session_of(request), requests.actor_of(request)
    branch = session.scalar(select(Branch).where(Branch.id == request.path_params["branch_id"]))
    if branch is None or not (actor.sees_all_branches or branch.id in actor.branch_ids):
        raise NotFoundError("unknown_branch_number", "There is no such branch.")
    branch.active = not branch.active
    action = "branch.enable" if branch.active else "branch.disable"
    audit.record(session, action, "core.branch", branch.id, {"code": branch.code})
    return requests.redirect(request, "/branches")


def roles(request: Request) -> Response:
    """Show the roles and what they permit."""
    _, locale = words(request), request.state.locale
    found = requests.session_of(request).scalars(select(Role).order_by(Role.code))
    named = {each.name: each.label.of(locale) for each in all_permissions(request.app.state.suite)}
    named |= {"*": _("everything"), **{f"*.{verb}": label.of(locale) for verb, label in (*VERBS, UNMASK)}}
    comma = Label(", ", "、").of(locale)
    rows = []
    for role in found:
        rights = comma.join(named.get(each, each) for each in role.permissions)
        rows.append((role.id, None, [cell(role.label(locale), hint=role.code), cell(rights)]))
    panel = table(_("Roles"), [_("Role"), (_("Permissions"), "prose")], rows, _("No roles."))
    return render(request, "tables.html", {"view": page(_("Roles"), [panel])})


def _switch(request: Request, branch: Branch) -> dict[str, Any]:
    _ = words(request)
    label = _("Switch off") if branch.active else _("Switch on")
    return {"label": label, "url": f"/branches/{branch.id}/active", "method": "post"}


def _form(request: Request) -> dict[str, Any]:
    _, sent = words(request), request.state.form or {}
    parents = [(branch.code, "\u3000" * depth + branch.name) for depth, branch in tree(requests.session_of(request))]
    fields = [
        field("code", _("Code"), sent.get("code", ""), required=True),
        field("name", _("Name"), sent.get("name", ""), required=True),
        field("parent", _("Parent"), sent.get("parent", ""), "select", options=parents),
        field("area_code", _("Area code"), sent.get("area_code", "")),
    ]
    crumbs = [(_("Branches"), "/branches")]
    return form_page(_("New branch"), "/branches/new", _("Save"), fields, "/branches", crumbs=crumbs)
