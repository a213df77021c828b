"""The second factor on screen: setting it up, taking it away, resetting somebody's, which roles need it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from markupsafe import Markup
from sqlalchemy import select
from starlette.requests import Request
from starlette.responses import Response

from core.builtin.grants import reachable_person
from core.errors import InvalidInputError, PermissionDeniedError
from core.plugin.contributions import SIGNED_IN, MenuItem, Route
from core.plugin.hookspecs import hookimpl
from core.registry.fields import Label
from core.security import second_factor
from core.security.accounts import check_present_password
from core.security.models import Role
from core.security.sessions import end_sessions
from core.web import requests
from core.web.error_pages import field_messages
from core.web.pages import field, form_page, words
from core.web.requests import text
from core.web.routing import SECOND_FACTOR
from core.web.templating import render

if TYPE_CHECKING:
    from core.app import Suite

EDIT, ROLES = "core.user.edit", "core.role.edit"


@hookimpl
def core_routes() -> Sequence[Route]:
    """Declare the routes of the second factor."""
    post = ("POST",)
    return [
        Route(SECOND_FACTOR, own_page, SIGNED_IN),
        Route(SECOND_FACTOR, confirm, SIGNED_IN, post),
        Route(f"{SECOND_FACTOR}/end", end_own, SIGNED_IN, post),
        Route("/users/{user_id:int}/second-factor/end", reset, EDIT, post),
        Route("/second-factor", roles_page, ROLES),
        Route("/second-factor", require, ROLES, post),
    ]


@hookimpl
def core_menu_items() -> Sequence[MenuItem]:
    """Declare the menu entry of the roles that need it."""
    label = Label("Second factor", "双重验证")
    return [MenuItem("core.second_factor", label, "/second-factor", ROLES, "lock", "admin", 35)]


def own_page(request: Request) -> Response:
    """Show a new secret, or that a second factor is set up."""
    return _own(request, "", {})


def confirm(request: Request) -> Response:
    """Store the second factor once password and code are right, and show the recovery codes this one time."""
    suite: Suite = request.app.state.suite
    user_id = requests.actor_of(request).user_id or 0
    secret = second_factor.open_offer(suite.vault, user_id, text(request, "offer"))
    try:
        check_present_password(suite.database, user_id, text(request, "present"))
        codes = second_factor.confirm(requests.session_of(request), user_id, secret, text(request, "code"))
    except InvalidInputError as error:
        return _own(request, secret, field_messages(error, request.state.locale))
    return render(request, "recovery_codes.html", {"codes": codes})


def end_own(request: Request) -> Response:
    """Take one's own second factor away; a code proves that it is still at hand."""
    user_id = requests.actor_of(request).user_id or 0
    second_factor.check_code(request.app.state.suite.database, user_id, text(request, "code"))
    second_factor.remove(requests.session_of(request), user_id)
    return requests.redirect(request, "/profile")


def reset(request: Request) -> Response:
    """Take somebody's second factor away, who lost the device, and end that person's sessions."""
    session, user = requests.session_of(request), reachable_person(request)
    second_factor.remove(session, user.id)
    end_sessions(session, user.id)
    return requests.redirect(request, f"/users/{user.id}")


def roles_page(request: Request) -> Response:
    """Show which roles need a second factor."""
    return render(request, "form.html", {"view": _roles_form(request)})


def require(request: Request) -> Response:
    """Store which roles need a second factor; only who reaches the whole installation may."""
    session = requests.session_of(request)
    if not requests.actor_of(request).sees_all_branches:
        raise PermissionDeniedError("whole_installation", "This holds for the whole installation.")
    known = session.scalars(select(Role.code))
    second_factor.require_for(session, frozenset(code for code in known if text(request, f"role:{code}") == "yes"))
    return requests.redirect(request, "/second-factor")


def _own(request: Request, secret: str, errors: dict[str, str]) -> Response:
    suite: Suite = request.app.state.suite
    session, user_id = requests.session_of(request), requests.actor_of(request).user_id or 0
    if second_factor.has_factor(session, user_id):
        left = second_factor.recovery_codes_left(session, user_id)
        return render(request, "second_factor.html", {"left": left})
    fresh, offer = second_factor.make_offer(suite.vault, user_id)
    if secret:
        fresh, offer = secret, text(request, "offer")
    groups = " ".join(fresh[start : start + 4] for start in range(0, len(fresh), 4))
    address = second_factor.address(fresh, request.state.signed_in.username)
    shown: dict[str, Any] = {"secret": groups, "address": address, "picture": _picture(address)}
    facts = {**shown, "left": None, "offer": offer, "errors": errors}
    return render(request, "second_factor.html", facts, status=422 if errors else 200)


def _picture(address: str) -> Markup:
    """Return the QR code of an address, dark on light in every theme since cameras want it so."""
    import segno  # here, since few starts show one and it brings XML with it

    code = segno.make_qr(address, error="m")
    return Markup(code.svg_inline(scale=5, border=4, dark="#000", light="#fff", svgclass="qr"))  # noqa: S704 -- drawn from numbers, holds no text of the address


def _roles_form(request: Request) -> dict[str, Any]:
    _, session = words(request), requests.session_of(request)
    needed = second_factor.required_roles(session)
    roles = session.scalars(select(Role).order_by(Role.code))
    fields = [
        field(f"role:{role.code}", role.label(request.state.locale), role.code in needed, "checkbox") for role in roles
    ]
    title = _("Roles whose holders need a second factor")
    return form_page(title, "/second-factor", _("Save"), fields, "/")
