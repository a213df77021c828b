"""Administration of custom fields: which exist, adding, changing, removing, purging them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from starlette.requests import Request
from starlette.responses import Response

from core.builtin.grants import branch_named, branch_options
from core.custom.changes import (
    EDIT,
    Wish,
    add_field,
    change_field,
    find_field,
    may_change,
    purge_field,
    set_removed,
    stored_values,
    takers,
)
from core.custom.fields import KINDS, PREFIX
from core.custom.models import CustomField
from core.errors import ConflictError, InvalidInputError
from core.plugin.contributions import AuditAction, MenuItem, Permission, Route
from core.plugin.hookspecs import hookimpl
from core.registry.fields import Label
from core.security.actors import system_actor
from core.security.models import Branch
from core.web import requests
from core.web.pages import cell, field, form_page, page, table, with_errors, words
from core.web.requests import text
from core.web.templating import render

if TYPE_CHECKING:
    from core.app import Suite

VIEW = "core.custom_field.view"
ONE = "/custom-fields/{number:int}"


@hookimpl
def core_routes() -> Sequence[Route]:
    """Declare the pages of custom fields."""
    post = ("POST",)
    return [
        Route("/custom-fields", overview, VIEW),
        Route("/custom-fields/new", new_page, EDIT),
        Route("/custom-fields/new", add, EDIT, post),
        Route(ONE, edit_page, EDIT),
        Route(ONE, change, EDIT, post),
        Route(f"{ONE}/removed", remove, EDIT, post),
        Route(f"{ONE}/purge", purge, EDIT, post),
    ]


@hookimpl
def core_permissions() -> Sequence[Permission]:
    """Declare the permissions."""
    return [
        Permission(VIEW, Label("See custom fields", "查看自定义字段")),
        Permission(EDIT, Label("Manage custom fields", "管理自定义字段")),
    ]


@hookimpl
def core_menu_items() -> Sequence[MenuItem]:
    """Declare the menu entry."""
    label = Label("Custom fields", "自定义字段")
    return [MenuItem("core.custom_fields", label, "/custom-fields", VIEW, "columns-3", "admin", 46)]


@hookimpl
def core_audit_actions() -> Sequence[AuditAction]:
    """Declare what is written into the audit trail."""
    return [
        AuditAction("custom_field.add", Label("Field added", "新增字段")),
        AuditAction("custom_field.change", Label("Field changed", "修改字段")),
        AuditAction("custom_field.remove", Label("Field removed", "移除字段")),
        AuditAction("custom_field.restore", Label("Field brought back", "恢复字段")),
        AuditAction("custom_field.purge", Label("Field and values purged", "清除字段及其值")),
    ]


def overview(request: Request) -> Response:
    """Show the fields in use and the removed ones that still have values."""
    _, may = words(request), requests.actor_of(request).may(EDIT)
    with _suite(request).database.read(system_actor("list custom fields")) as session:
        rows = session.scalars(select(CustomField).order_by(CustomField.model, CustomField.id)).all()
        names = {branch.id: branch.name for branch in session.scalars(select(Branch))}
    actor = requests.actor_of(request)
    seen = [
        row for row in rows if actor.sees_all_branches or row.branch_id is None or row.branch_id in actor.branch_ids
    ]
    heads = [_("Field"), _("Records"), _("Kind"), _("Branch"), _("State")]
    panel = table(_("Custom fields"), heads, [_row(request, row, names) for row in seen], _("No fields yet."))
    new = {"label": _("New field"), "url": "/custom-fields/new", "icon": "plus", "primary": True, "key": "c"}
    view = page(_("Custom fields"), [panel], actions=[new] if may and takers(_suite(request)) else [])
    return render(request, "tables.html", {"view": view})


def new_page(request: Request) -> Response:
    """Show the form of a new field."""
    return render(request, "form.html", {"view": _form(request, None)})


def add(request: Request) -> Response:
    """Add a field; it stands everywhere at once, in other processes within a second."""
    session = requests.session_of(request)
    try:
        add_field(_suite(request), session, _wish(request))
    except (InvalidInputError, ConflictError) as error:
        session.rollback()
        view = with_errors(_form(request, None), error, request.state.locale)
        return render(request, "form.html", {"view": view}, status=422)
    return _back(request, words(request)("The field is there."))


def edit_page(request: Request) -> Response:
    """Show a field with its form and what can be done with it."""
    return _edit(request, _found(request))


def change(request: Request) -> Response:
    """Change names, options and whether it is required."""
    session, row = requests.session_of(request), _found(request)
    asked = _wish(request)
    wish = Wish(
        row.model, row.code, asked.label_en, asked.label_zh, row.kind, asked.options, asked.required, row.personal
    )
    try:
        change_field(_suite(request), session, row, wish)
    except InvalidInputError as error:
        session.rollback()
        return _edit(request, _found(request), error)
    return _back(request, words(request)("Saved."))


def remove(request: Request) -> Response:
    """Take a field out of everything, or bring it back; its values stay."""
    removed = text(request, "removed") == "yes"
    set_removed(_suite(request), requests.session_of(request), _found(request), removed=removed)
    _ = words(request)
    return _back(request, _("Removed; its values are kept.") if removed else _("The field is there."))


def purge(request: Request) -> Response:
    """Delete a removed field with its values, for good."""
    number = purge_field(_suite(request), requests.session_of(request), _found(request))
    return _back(request, words(request)("Purged with %(num)s values.") % {"num": f"{number:,}"})


def _suite(request: Request) -> Suite:
    suite: Suite = request.app.state.suite
    return suite


def _found(request: Request) -> CustomField:
    return find_field(requests.session_of(request), int(request.path_params["number"]))


def _back(request: Request, message: str) -> Response:
    return requests.toast(requests.redirect(request, "/custom-fields"), message)


def _row(request: Request, row: CustomField, names: dict[int, str]) -> tuple[int, str | None, list[dict[str, Any]]]:
    _, locale, suite = words(request), request.state.locale, _suite(request)
    actor = requests.actor_of(request)
    mine = actor.may(EDIT) and (actor.sees_all_branches or row.branch_id in actor.branch_ids)
    model = suite.registry.get(row.model).declaration.plural.of(locale) if row.model in suite.registry else row.model
    marks = [_("required")] * row.required + [_("masked")] * row.personal
    return (
        row.id,
        f"/custom-fields/{row.id}" if mine else None,
        [
            cell(row.label_zh if locale == "zh_CN" else row.label_en, hint=f"{PREFIX}{row.code}"),
            cell(model),
            cell(KINDS[row.kind].of(locale), hint=", ".join(marks)),
            cell(names.get(row.branch_id or 0, _("Whole installation"))),
            cell(_("removed"), "status", tone="idle") if row.removed else cell(_("active"), "status", tone="ok"),
        ],
    )


def _wish(request: Request) -> Wish:
    branch = branch_named(request, text(request, "branch"))
    return Wish(
        text(request, "model"),
        text(request, "code").strip(),
        text(request, "label_en"),
        text(request, "label_zh"),
        text(request, "kind"),
        text(request, "options"),
        text(request, "required") == "yes",
        text(request, "personal") == "yes",
        branch.id if branch else None,
    )


def _edit(request: Request, row: CustomField, error: InvalidInputError | None = None) -> Response:
    _, session = words(request), requests.session_of(request)
    view = _form(request, row)
    context = {
        "view": with_errors(view, error, request.state.locale) if error else view,
        "row": row,
        "name": f"{PREFIX}{row.code}",
        "may": may_change(session, row.branch_id),
        "number": stored_values(_suite(request), session, row),
        "title": row.label_zh if request.state.locale == "zh_CN" else row.label_en,
    }
    return render(request, "custom_fields/one.html", context, status=422 if error else 200)


def _form(request: Request, row: CustomField | None) -> dict[str, Any]:
    _ = words(request)
    crumbs = [(_("Custom fields"), "/custom-fields")]
    if row is None:
        fields = _new_inputs(request)
        return form_page(_("New field"), "/custom-fields/new", _("Save"), fields, "/custom-fields", crumbs=crumbs)
    known = {name: getattr(row, name) for name in ("label_en", "label_zh", "required")}
    known["options"] = "\n".join(" | ".join(option) for option in row.options)
    names, required, options = _inputs(request, known)
    fields = [*names, required, *([options] if row.kind == "choice" else [])]
    return form_page(row.code, f"/custom-fields/{row.id}", _("Save"), fields, "/custom-fields", crumbs=crumbs)


def _inputs(request: Request, known: Mapping[str, Any]) -> tuple[list[dict[str, Any]], dict[str, Any], dict[str, Any]]:
    """Return the inputs of what can always be changed: names, whether required, options."""
    _, sent = words(request), request.state.form
    values = {**known, **{name: sent.get(name, "") for name in ("label_en", "label_zh", "options")}} if sent else known
    names = [
        field("label_zh", _("Chinese name"), values.get("label_zh", ""), required=True),
        field("label_en", _("English name"), values.get("label_en", ""), required=True),
    ]
    is_required = sent.get("required") == "yes" if sent else known.get("required", False)
    hint = _("Of a choice. One a line: code | English | Chinese")
    options = field("options", _("Options"), values.get("options", ""), "textarea", span=True, hint=hint)
    return names, field("required", _("Required"), is_required, "checkbox"), options


def _new_inputs(request: Request) -> list[dict[str, Any]]:
    _, locale, sent = words(request), request.state.locale, request.state.form or {}
    models = [(model.id, model.declaration.plural.of(locale)) for model in takers(_suite(request))]
    kinds = [(code, label.of(locale)) for code, label in KINDS.items()]
    where = _("None: whole installation") if requests.actor_of(request).sees_all_branches else None
    names, required, options = _inputs(request, {})
    return [
        field(
            "model",
            _("Records"),
            sent.get("model", models[0][0] if models else ""),
            "select",
            options=models,
            required=True,
        ),
        field(
            "code",
            _("Code"),
            sent.get("code", ""),
            required=True,
            hint=_("In filters and files with custom_ before it"),
        ),
        *names,
        field("kind", _("Kind"), sent.get("kind", "text"), "select", options=kinds, required=True),
        field("branch", _("Branch"), sent.get("branch", ""), "select", options=branch_options(request), hint=where),
        required,
        field("personal", _("Personal data: masked"), sent.get("personal") == "yes", "checkbox"),
        options,
    ]
