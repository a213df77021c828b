"""Administration of settings: what holds where, setting a value for the installation or a branch, taking it back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from core.errors import ConflictError, InvalidInputError, NotFoundError
from core.plugin.contributions import AuditAction, HealthCheck, MenuItem, Permission, Route, Setting
from core.plugin.hookspecs import hookimpl
from core.plugin.manager import CORE
from core.plugin.setting_changes import EDIT, may_set, reset_value, set_value
from core.plugin.settings import Effective, effective, find_setting, setting_problems
from core.registry.fields import Label
from core.security.branches import tree
from core.security.models import Branch
from core.web import requests
from core.web.navigation import SETTINGS
from core.web.pages import Cell, cell, field, form_page, table, with_errors, words
from core.web.requests import text
from core.web.templating import render

if TYPE_CHECKING:
    from core.app import Suite

VIEW = "core.setting.view"
FACTS = {"setting": Label("Setting", "设置"), "old": Label("Before", "原值"), "new": Label("Now", "现值")}


@hookimpl
def core_routes() -> Sequence[Route]:
    """Declare the pages of settings."""
    post = ("POST",)
    return [
        Route("/settings", overview, VIEW),
        Route("/settings/{key}", one, VIEW),
        Route("/settings/{key}", change, EDIT, post),
        Route("/settings/{key}/reset", reset, EDIT, post),
    ]


@hookimpl
def core_permissions() -> Sequence[Permission]:
    """Declare the permissions."""
    return [Permission(VIEW, Label("See settings", "查看设置")), Permission(EDIT, Label("Change settings", "修改设置"))]


@hookimpl
def core_menu_items() -> Sequence[MenuItem]:
    """Declare the menu entry."""
    return [MenuItem("core.settings", Label("Settings", "设置"), "/settings", VIEW, "settings", "admin", 45)]


@hookimpl
def core_audit_actions() -> Sequence[AuditAction]:
    """Declare what is written into the audit trail."""
    return [
        AuditAction("setting.set", Label("Setting changed", "修改设置"), FACTS),
        AuditAction("setting.reset", Label("Setting taken back", "恢复继承设置"), FACTS),
    ]


@hookimpl
def core_health_checks() -> Sequence[HealthCheck]:
    """Declare the check of the settings in file and database."""
    return [HealthCheck("settings", _check)]


def overview(request: Request) -> Response:
    """Show the settings of all plugins with what holds at a place, and links to settings of another form."""
    _, suite, place = words(request), _suite(request), _place(request)
    panels = []
    for owner in dict.fromkeys(plugin for plugin, _each in suite.plugins.collect("core_settings")):
        if suite.plugins.is_active(owner, place.id if place else None):
            heads = [_("Setting"), _("Value"), _("Comes from"), _("Changed")]
            panels.append(table(_owner_title(request, owner), heads, _rows(request, owner, place), ""))
    context = {
        "title": _("Settings"),
        "panels": panels,
        "places": _place_options(request),
        "place": place.code if place else "",
        "links": _screens(request),
    }
    return render(request, "settings/list.html", context)


def one(request: Request) -> Response:
    """Show one setting at a place: the form, what it would inherit, and all places that have a value of their own."""
    return _page(request, _place(request))


def change(request: Request) -> Response:
    """Set a value for the installation or a branch; it holds at once, in other processes within a second."""
    owner, declared = find_setting(_suite(request), request.path_params["key"])
    place = _branch(request, text(request, "branch"))
    session = requests.session_of(request)
    try:
        value = set_value(
            _suite(request), session, owner, declared, _sent(request, declared), place.id if place else None
        )
    except (InvalidInputError, ConflictError) as error:
        session.rollback()
        return _page(request, place, error)
    message = words(request)("Saved: %(value)s") % {"value": _shown(request, declared, value)}
    return requests.toast(requests.redirect(request, _address("", place)), message)


def reset(request: Request) -> Response:
    """Take the value of a place away: it inherits again."""
    owner, declared = find_setting(_suite(request), request.path_params["key"])
    place = _branch(request, text(request, "branch"))
    session, suite = requests.session_of(request), _suite(request)
    reset_value(suite, session, owner, declared, place.id if place else None)
    return requests.toast(requests.redirect(request, _address("", place)), words(request)("Inherited again."))


def _suite(request: Request) -> Suite:
    suite: Suite = request.app.state.suite
    return suite


def _check(suite: Suite) -> tuple[bool, str]:
    found = [str(problem) for problem in setting_problems(suite)]
    return not found, " ".join(found) or "all values fit"


def _place(request: Request) -> Branch | None:
    """Return the branch of the address; without one the whole installation, or the own branch of who has only that."""
    if "branch" in request.query_params:
        return _branch(request, request.query_params["branch"])
    actor = requests.actor_of(request)
    reached = _reached(request)
    return (
        None
        if actor.sees_all_branches
        else next((each for _, each in reached if each.id == actor.home_branch_id), None)
    )


def _branch(request: Request, code: str) -> Branch | None:
    if not code:
        return None
    found = next((branch for _, branch in _reached(request) if branch.code == code), None)
    if found is None:
        raise NotFoundError("unknown_branch_number", "There is no such branch.")
    return found


def _reached(request: Request) -> list[tuple[int, Branch]]:
    actor, rows = requests.actor_of(request), tree(requests.session_of(request))
    return [row for row in rows if actor.sees_all_branches or row[1].id in actor.branch_ids]


def _place_options(request: Request) -> list[tuple[str, str]]:
    named = [(branch.code, "\u3000" * depth + branch.name) for depth, branch in _reached(request)]
    return [("", words(request)("Whole installation")), *named]


def _rows(request: Request, owner: str, place: Branch | None) -> list[tuple[int, str, list[Cell]]]:
    suite, locale, rows = _suite(request), request.state.locale, []
    branch_id = place.id if place else None
    for number, (plugin, declared) in enumerate(suite.plugins.collect("core_settings"), 1):
        if plugin != owner:
            continue
        found = effective(suite, owner, declared, branch_id)
        hint = declared.hint.of(locale) if declared.hint else ""
        cells = [
            cell(declared.label.of(locale), hint=hint),
            cell(_shown(request, declared, found.value)),
            _origin(request, found, branch_id),
            _changed(found),
        ]
        rows.append((number, _address(f"{owner}.{declared.name}", place), cells))
    return rows


def _page(request: Request, place: Branch | None, error: InvalidInputError | ConflictError | None = None) -> Response:
    _, locale, suite = words(request), request.state.locale, _suite(request)
    owner, declared = find_setting(suite, request.path_params["key"])
    place = place if declared.per_branch else None
    branch_id, key = place.id if place else None, f"{owner}.{declared.name}"
    found = effective(suite, owner, declared, branch_id)
    value = _sent(request, declared) if error is not None else _typed(found.value)
    address = f"/settings/{key}"
    view = form_page(
        declared.label.of(locale), address, _("Save"), [_input(request, declared, value)], _address("", place)
    )
    view["hidden"] = [("branch", place.code if place else "")]
    view = with_errors(view, error, locale) if error is not None else view
    context = {
        "title": declared.label.of(locale),
        "view": view,
        "crumbs": [(_("Settings"), _address("", place))],
        "may": may_set(requests.session_of(request), branch_id),
        "per_branch": declared.per_branch,
        "own": branch_id in suite.setting_values.places(key),
        "places": _place_options(request),
        "place": place.code if place else "",
        "key": key,
        "levels": _levels(request, owner, declared),
    }
    return render(request, "settings/one.html", context, status=422 if error is not None else 200)


def _levels(request: Request, owner: str, declared: Setting) -> dict[str, Any]:
    """Return the table of all places with a value of their own that the reader reaches, the widest first."""
    _, suite = words(request), _suite(request)
    stored = suite.setting_values.places(f"{owner}.{declared.name}")
    rows: list[tuple[int, str | None, list[Cell]]] = [
        (0, None, [cell(_("Default")), cell(_shown(request, declared, declared.default)), cell(None)])
    ]
    if declared.name in suite.settings.plugins.of(owner):
        written = suite.settings.plugins.of(owner)[declared.name]
        rows.append((1, None, [cell(_("Configuration file")), cell(_shown(request, declared, written)), cell(None)]))
    places: list[tuple[int | None, str, str]] = [(None, "", _("Whole installation"))]
    places += [(branch.id, branch.code, "\u3000" * depth + branch.name) for depth, branch in _reached(request)]
    for number, (branch_id, code, name) in enumerate(places, 2):
        if branch_id in stored:
            own = stored[branch_id]
            url = f"/settings/{owner}.{declared.name}?{urlencode({'branch': code})}"
            changed = cell(own.at, "instant", hint=own.by)
            rows.append((number, url, [cell(name), cell(_shown(request, declared, own.value)), changed]))
    return table(_("Where it is set"), [_("Place"), _("Value"), _("Changed")], rows, "")


def _input(request: Request, declared: Setting, value: Any) -> dict[str, Any]:
    locale, kind = request.state.locale, type(declared.default)
    hint = declared.hint.of(locale) if declared.hint else None
    more: dict[str, Any] = {"hint": hint}
    if kind is bool:
        return field("value", declared.label.of(locale), value == "yes", "checkbox", **more)
    if declared.options:
        options = [(option.code, option.label.of(locale)) for option in declared.options]
        return field("value", declared.label.of(locale), value, "select", options=options, required=True, **more)
    limits = [f"{sign} {end:g}" for sign, end in (("≥", declared.minimum), ("≤", declared.maximum)) if end is not None]
    more["hint"] = " · ".join(filter(None, (hint, ", ".join(limits)))) or None
    required = kind is not str
    return field(
        "value", declared.label.of(locale), value, "text" if kind is str else "number", required=required, **more
    )


def _sent(request: Request, declared: Setting) -> str:
    """Return what was typed; an unticked box is not sent by browsers and means no."""
    sent = text(request, "value")
    return sent or "no" if type(declared.default) is bool else sent


def _typed(value: Any) -> str:
    return (
        ("yes" if value else "no")
        if isinstance(value, bool)
        else f"{value:g}"
        if isinstance(value, float)
        else str(value)
    )


def _shown(request: Request, declared: Setting, value: Any) -> str:
    _ = words(request)
    if isinstance(value, bool):
        return str(_("Yes") if value else _("No"))
    option = next((each for each in declared.options if each.code == value), None)
    return option.label.of(request.state.locale) if option else _typed(value)


def _origin(request: Request, found: Effective, branch_id: int | None) -> Cell:
    _ = words(request)
    if found.stored is None:
        return cell(_("Default") if found.origin == "default" else _("Configuration file"), "tag")
    if found.stored.branch_id is None:
        return cell(_("Whole installation"), "tag")
    if found.stored.branch_id == branch_id:
        return cell(_("This branch"), "tag", tone="on")
    above = requests.session_of(request).get(Branch, found.stored.branch_id)
    return cell(above.name if above else "", "tag")


def _changed(found: Effective) -> Cell:
    return cell(found.stored.at, "instant", hint=found.stored.by) if found.stored else cell(None)


def _owner_title(request: Request, owner: str) -> str:
    if owner == CORE:
        return str(words(request)("General"))
    manifest = _suite(request).plugins.states[owner].manifest
    return manifest.title.of(request.state.locale) if manifest else owner


def _screens(request: Request) -> list[dict[str, str]]:
    """Return the screens of plugins whose settings have another form, such as values from a day on."""
    suite, actor = _suite(request), requests.actor_of(request)
    return [
        {"label": item.label.of(request.state.locale), "url": item.url, "icon": item.icon}
        for owner, item in suite.plugins.collect("core_menu_items")
        if item.group == SETTINGS
        and actor.may(item.permission)
        and suite.plugins.is_active(owner, actor.home_branch_id)
    ]


def _address(key: str, place: Branch | None) -> str:
    base = f"/settings/{key}" if key else "/settings"
    return f"{base}?{urlencode({'branch': place.code})}" if place else f"{base}?branch="
