"""Administration of people: list, add, switch off, one-time codes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from starlette.requests import Request
from starlette.responses import Response

from core.builtin.grants import branch_named, branch_options, person_of, reachable_person
from core.builtin.sessions import sessions_panel, sign_out_everywhere
from core.errors import BanyanError, PermissionDeniedError
from core.plugin.contributions import MenuItem, Route
from core.plugin.hookspecs import hookimpl
from core.registry.fields import Label
from core.security import bootstrap
from core.security.accounts import add_user, set_active
from core.security.models import Branch, Grant, Role, User
from core.security.permissions import reaches
from core.security.second_factor import has_factor
from core.web import requests
from core.web.pages import cell, field, form_page, page, state_cell, table, with_errors, words
from core.web.requests import text
from core.web.templating import render

VIEW, EDIT = "core.user.view", "core.user.edit"


@hookimpl
def core_routes() -> Sequence[Route]:
    """Declare the routes of administering people."""
    return [
        Route("/users", people, VIEW),
        Route("/users/new", new_page, EDIT),
        Route("/users/new", add, EDIT, ("POST",)),
        Route("/users/{user_id:int}", person, VIEW),
        Route("/users/{user_id:int}/active", switch, EDIT, ("POST",)),
        Route("/users/{user_id:int}/reset", reset, EDIT, ("POST",)),
    ]


@hookimpl
def core_menu_items() -> Sequence[MenuItem]:
    """Declare the menu entry."""
    return [MenuItem("core.users", Label("Users", "用户"), "/users", VIEW, "users", "admin", 10)]


def people(request: Request) -> Response:
    """Show everybody with branch and state."""
    _, session = words(request), requests.session_of(request)
    names = {branch.id: branch.name for branch in session.scalars(select(Branch))}
    rows = []
    for user in session.scalars(select(User).order_by(User.username)):
        branch = cell(names.get(user.home_branch_id or 0, ""))
        cells = [cell(user.name), cell(user.username), branch, state_cell(request, active=user.active)]
        rows.append((user.id, f"/users/{user.id}", cells))
    panel = table(_("Users"), [_("Name"), _("User name"), _("Branch"), _("State")], rows, _("No users."))
    add_one = {"label": _("New user"), "url": "/users/new", "icon": "user-plus", "primary": True}
    actions = [add_one] if requests.actor_of(request).may(EDIT) else []
    return render(request, "tables.html", {"view": page(_("Users"), [panel], actions=actions)})


def new_page(request: Request) -> Response:
    """Show the form of a new person."""
    return render(request, "form.html", {"view": _new_form(request)})


def add(request: Request) -> Response:
    """Add a person; rights follow on the next page."""
    session = requests.session_of(request)
    try:
        home = branch_named(request, text(request, "branch"))
        actor = requests.actor_of(request)
        if not actor.sees_all_branches and (home is None or home.id not in actor.branch_ids):
            raise PermissionDeniedError("foreign_branch", "This branch is not yours.")
        user = add_user(session, text(request, "username"), text(request, "name"), text(request, "password"), home)
        user.staff_code = text(request, "staff_code").strip()[:40]
    except BanyanError as error:
        if isinstance(error, PermissionDeniedError):
            raise
        view = with_errors(_new_form(request), error, request.state.locale)
        return render(request, "form.html", {"view": view}, status=422)
    return requests.redirect(request, f"/users/{user.id}")


def person(request: Request) -> Response:
    """Show one person with the roles held."""
    return _person_page(request, person_of(request), None)


def switch(request: Request) -> Response:
    """Switch an account on or off."""
    session, user = requests.session_of(request), reachable_person(request)
    active = text(request, "active") == "yes" if "active" in requests.form(request) else not user.active
    if user.id == requests.actor_of(request).user_id:
        raise PermissionDeniedError("own_account", "You cannot switch off your own account.")
    set_active(session, user, active=active)
    if not active:
        request.app.state.suite.plugins.event("core_user_left", session=session, user_id=user.id)
    return requests.redirect(request, f"/users/{user.id}")


def reset(request: Request) -> Response:
    """Make a one-time code for a new password and show it this one time."""
    user = reachable_person(request)
    code = bootstrap.reset_code(requests.session_of(request), user)
    return _person_page(request, user, words(request)("One-time code, valid for 15 minutes at /reset:") + " " + code)


def _person_page(request: Request, user: User, notice: str | None) -> Response:
    _, session, may = words(request), requests.session_of(request), requests.actor_of(request).may(EDIT)
    branches = {branch.id: branch.name for branch in session.scalars(select(Branch))}
    held = select(Grant, Role).join(Role, Role.id == Grant.role_id).where(Grant.user_id == user.id)
    rows = []
    for given, role in session.execute(held):
        where = branches.get(given.branch_id or 0, _("Whole installation"))
        below = _("with branches below") if given.subtree and given.branch_id else ""
        end = {"label": _("Take away"), "url": f"/users/{user.id}/grants/{given.id}/end", "method": "post"}
        cells = [cell(role.label(request.state.locale)), cell(where, hint=below), cell(end if may else None, "action")]
        rows.append((given.id, None, cells))
    panel = table(_("Roles"), [_("Role"), _("Branch"), ""], rows, _("No roles yet: this person sees nothing."))
    panels, actions = [panel], _actions(request, user) if may else []
    if may and reaches(request.app.state.suite.database, requests.actor_of(request), user.id):
        panels.append(sessions_panel(request, user.id, f"/users/{user.id}"))
        actions += _account_actions(request, user)
    view = page(user.name, panels, crumbs=[(_("Users"), "/users")], actions=actions, notice=notice)
    return render(request, "tables.html", {"view": view})


def _actions(request: Request, user: User) -> list[dict[str, Any]]:
    _ = words(request)
    label = _("Switch off") if user.active else _("Switch on")
    return [
        {"label": label, "url": f"/users/{user.id}/active", "method": "post", "danger": user.active},
        {"label": _("One-time code"), "url": f"/users/{user.id}/reset", "method": "post", "icon": "key"},
        {"label": _("Give a role"), "url": f"/users/{user.id}/grants", "icon": "plus", "primary": True},
    ]


def _account_actions(request: Request, user: User) -> list[dict[str, Any]]:
    """Return the actions on how a person within reach signs in."""
    actions = [sign_out_everywhere(request, f"/users/{user.id}")]
    if has_factor(requests.session_of(request), user.id):
        label, url = words(request)("Reset the second factor"), f"/users/{user.id}/second-factor/end"
        actions.append({"label": label, "url": url, "method": "post", "icon": "lock", "danger": True})
    return actions


def _new_form(request: Request) -> dict[str, Any]:
    _ = words(request)
    new: dict[str, Any] = {"type": "password", "required": True, "attributes": {"autocomplete": "new-password"}}
    fields = [
        field("username", _("User name"), text(request, "username") if request.state.form else "", required=True),
        field("name", _("Name"), text(request, "name") if request.state.form else "", required=True),
        field("staff_code", _("Staff code"), text(request, "staff_code") if request.state.form else ""),
        field("branch", _("Branch"), "", "select", options=branch_options(request)),
        field("password", _("Password"), **new),
    ]
    return form_page(_("New user"), "/users/new", _("Save"), fields, "/users", crumbs=[(_("Users"), "/users")])
