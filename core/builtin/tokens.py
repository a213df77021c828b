"""A person's interface tokens: make one that may less than oneself, see them, end them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from starlette.requests import Request
from starlette.responses import Response

from core.builtin.grants import branch_named, branch_options
from core.errors import BanyanError, InvalidInputError, InvalidValueError
from core.plugin.contributions import SIGNED_IN, Route
from core.plugin.hookspecs import hookimpl
from core.registry.formats import screen_format
from core.security.models import Branch, User
from core.security.tokens import (
    DAYS,
    LONGEST_DAYS,
    MOST_PER_MINUTE,
    PER_MINUTE,
    Scope,
    end_token,
    make_token,
    tokens_of,
)
from core.web import metrics, requests
from core.web.pages import cell, field, form_page, page, table, with_errors, words
from core.web.requests import text
from core.web.templating import render

if TYPE_CHECKING:
    from core.app import Suite

VERBS = ("view", "edit")
"""What the JSON interface does with records."""


@hookimpl
def core_routes() -> Sequence[Route]:
    """Declare the routes of one's own tokens."""
    return [
        Route("/profile/tokens/new", token_page, SIGNED_IN),
        Route("/profile/tokens/new", add_token, SIGNED_IN, ("POST",)),
        Route("/profile/tokens/{token_id:int}/end", revoke, SIGNED_IN, ("POST",)),
    ]


def token_page(request: Request) -> Response:
    """Show the form of a new token."""
    return render(request, "form.html", {"view": _form(request)})


def add_token(request: Request) -> Response:
    """Make a token and show it this one time."""
    session = requests.session_of(request)
    try:
        scope = Scope(
            _chosen(request),
            branch_named(request, text(request, "branch")),
            _number(request, "days", LONGEST_DAYS),
            _number(request, "per_minute", MOST_PER_MINUTE),
        )
    except BanyanError as error:
        view = with_errors(_form(request), error, request.state.locale)
        return render(request, "form.html", {"view": view}, status=422)
    user = session.scalars(select(User).where(User.id == requests.actor_of(request).user_id)).one()
    token = make_token(session, user, text(request, "name"), scope)
    _ = words(request)
    notice = _("Your new token, shown only now:") + " " + token
    crumbs = [(_("My account"), "/profile")]
    return render(
        request, "tables.html", {"view": page(_("New token"), [tokens_panel(request)], notice=notice, crumbs=crumbs)}
    )


def revoke(request: Request) -> Response:
    """End one of the person's tokens."""
    user_id = requests.actor_of(request).user_id or 0
    end_token(requests.session_of(request), user_id, request.path_params["token_id"])
    return requests.redirect(request, "/profile")


def tokens_panel(request: Request) -> dict[str, Any]:
    """Return the table of the person's tokens."""
    _, session, actor = words(request), requests.session_of(request), requests.actor_of(request)
    shown_at = screen_format("instant", None, request.state.locale)
    names = {branch.id: branch.name for branch in session.scalars(select(Branch))}
    rows = []
    for row in tokens_of(session, actor.user_id or 0):
        end = {"url": f"/profile/tokens/{row.id}/end", "label": _("End"), "method": "post"}
        what = _("All of mine") if row.permissions is None else ", ".join(row.permissions)
        cells = [
            cell(row.name),
            cell(f"{row.prefix}…"),
            cell(what),
            cell(names.get(row.limit_branch_id or 0, _("All of mine"))),
            cell(shown_at(row.expires_at)),
            cell(shown_at(row.seen_at) if row.seen_at else None),
            cell(end, "action"),
        ]
        rows.append((row.id, None, cells))
    heads = [_("Name"), _("Begins with"), _("Permissions"), _("Branch"), _("Valid until"), _("Last used"), ""]
    return table(_("Interface tokens"), heads, rows, _("No tokens."))


def _offered(request: Request) -> list[tuple[str, str]]:
    """Return (permission, label) of what the interface offers and the person may."""
    suite: Suite = request.app.state.suite
    actor, locale, _ = requests.actor_of(request), request.state.locale, words(request)
    said = {"view": _("view"), "edit": _("edit")}
    offered = [
        (f"{model.id}.{verb}", f"{model.declaration.plural.of(locale)}: {said[verb]}")
        for model in suite.registry
        for verb in VERBS
    ]
    offered.append((metrics.PERMISSION, _("Figures for monitoring: view")))
    return [(name, label) for name, label in offered if actor.may(name)]


def _chosen(request: Request) -> list[str]:
    chosen = [name for name, _label in _offered(request) if text(request, f"may:{name}") == "yes"]
    if not chosen:
        problem = InvalidValueError("nothing_chosen", "Choose what the token may do.")
        raise InvalidInputError({"permissions": problem})
    return chosen


def _number(request: Request, name: str, most: int) -> int:
    typed = text(request, name).strip()
    number = int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 6 else 0
    if not 1 <= number <= most:
        raise InvalidInputError({name: InvalidValueError("out_of_range", "Give a number from 1 to {most}.", most=most)})
    return number


def _form(request: Request) -> dict[str, Any]:
    _, sent = words(request), request.state.form is not None
    fields = [
        field("name", _("Name"), text(request, "name"), required=True, hint=_("What the token is for")),
        field("branch", _("Branch"), text(request, "branch"), "select", options=branch_options(request)),
        field("days", _("Valid for days"), text(request, "days") if sent else DAYS, "number", required=True),
        field(
            "per_minute",
            _("Calls per minute"),
            text(request, "per_minute") if sent else PER_MINUTE,
            "number",
            required=True,
        ),
    ]
    may = [
        field(f"may:{name}", label, text(request, f"may:{name}") == "yes", "checkbox")
        for name, label in _offered(request)
    ]
    view = form_page(_("New token"), "/profile/tokens/new", _("Save"), fields, "/profile")
    view["crumbs"] = [(_("My account"), "/profile")]
    view["groups"].append({"title": _("What the token may do"), "fields": may})
    return view
