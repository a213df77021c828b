"""Administration of rights: giving roles at branches, taking them away."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from starlette.requests import Request
from starlette.responses import Response

from core.errors import NotFoundError, PermissionDeniedError
from core.plugin.contributions import Route
from core.plugin.hookspecs import hookimpl
from core.security import audit
from core.security.branches import tree
from core.security.models import Branch, Grant, Role, User
from core.security.permissions import find_role, give_grant, require_reach
from core.web import requests
from core.web.pages import field, form_page, words
from core.web.requests import text
from core.web.templating import render

EDIT = "core.user.edit"


@hookimpl
def core_routes() -> Sequence[Route]:
    """Declare the routes of rights."""
    return [
        Route("/users/{user_id:int}/grants", grant_page, EDIT),
        Route("/users/{user_id:int}/grants", grant, EDIT, ("POST",)),
        Route("/users/{user_id:int}/grants/{grant_id:int}/end", end_grant, EDIT, ("POST",)),
    ]


def grant_page(request: Request) -> Response:
    """Show the form of a new role."""
    return render(request, "form.html", {"view": _grant_form(request, person_of(request))})


def grant(request: Request) -> Response:
    """Give a role at a branch; nobody can give more than they hold."""
    session, user = requests.session_of(request), person_of(request)
    role = find_role(session, text(request, "role"))
    branch = branch_named(request, text(request, "branch"))
    give_grant(session, user, role, branch, subtree=text(request, "subtree") == "yes")
    facts = {"role": role.code, "branch": branch.code if branch else None}
    audit.record(session, "role.give", "core.user", user.id, facts)
    return requests.redirect(request, f"/users/{user.id}")


def end_grant(request: Request) -> Response:
    """Take a role away; the row rule keeps roles of other branches out of reach."""
    session, user, actor = requests.session_of(request), person_of(request), requests.actor_of(request)
    found = session.scalar(select(Grant).where(Grant.id == request.path_params["grant_id"], Grant.user_id == user.id))
    if found is None:
        raise NotFoundError("no_such_grant", "There is no such role here.")
    if user.id == actor.user_id:
        raise PermissionDeniedError("own_role", "You cannot take away your own role.")
    session.delete(found)
    audit.record(session, "role.take", "core.user", user.id, {"role": found.role_id, "branch": found.branch_id})
    return requests.redirect(request, f"/users/{user.id}")


def person_of(request: Request) -> User:
    """Return the person that the address names.

    Raises:
        NotFoundError: There is none.
    """
    query = select(User).where(User.id == request.path_params["user_id"])
    user = requests.session_of(request).scalar(query)
    if user is None:
        raise NotFoundError("unknown_user_number", "There is no such user.")
    return user


def reachable_person(request: Request) -> User:
    """Return the person that the address names, if the actor holds all of that person's rights.

    Raises:
        NotFoundError: There is none.
        PermissionDeniedError: The person reaches beyond the actor.
    """
    user = person_of(request)
    require_reach(request.app.state.suite.database, requests.actor_of(request), user.id)
    return user


def branch_named(request: Request, code: str) -> Branch | None:
    """Return the branch of a form field, nothing when the field was left empty.

    Raises:
        NotFoundError: There is none with this code.
    """
    if not code:
        return None
    branch = requests.session_of(request).scalar(select(Branch).where(Branch.code == code))
    if branch is None:
        raise NotFoundError("unknown_branch", "There is no branch {branch}.", branch=code, near="")
    return branch


def branch_options(request: Request) -> list[tuple[str, str]]:
    """Return the active branches that the actor reaches, indented as a tree, for a select."""
    actor = requests.actor_of(request)
    rows = tree(requests.session_of(request))
    return [
        (branch.code, "\u3000" * depth + branch.name)
        for depth, branch in rows
        if branch.active and (actor.sees_all_branches or branch.id in actor.branch_ids)
    ]


def _grant_form(request: Request, user: User) -> dict[str, Any]:
    _, locale = words(request), request.state.locale
    roles = requests.session_of(request).scalars(select(Role).order_by(Role.code))
    offered = [(role.code, role.label(locale)) for role in roles]
    where = {"options": branch_options(request), "hint": _("None: whole installation")}
    fields = [
        field("role", _("Role"), "", "select", options=offered, required=True),
        field("branch", _("Branch"), "", "select", **where),
        field("subtree", _("With branches below"), True, "checkbox"),
    ]
    here = f"/users/{user.id}"
    crumbs = [(_("Users"), "/users"), (user.name, here)]
    return form_page(_("Give a role"), f"{here}/grants", _("Save"), fields, here, crumbs=crumbs)
