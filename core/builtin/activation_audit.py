"""The activation audit: every surface of a plugin × every branch, asked now of what serves it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import Response

from core.errors import NotFoundError
from core.plugin.contributions import MenuItem, Route
from core.plugin.hookspecs import hookimpl
from core.plugin.models import ON
from core.registry.fields import Label
from core.security.branches import tree
from core.web import requests
from core.web.pages import words
from core.web.reach import Reach, Surface, staff_of
from core.web.templating import render

if TYPE_CHECKING:
    from core.app import Suite
    from core.security.models import Branch

VIEW = "core.plugin.view"
KINDS = {
    "core_routes": Label("Pages", "页面"),
    "core_menu_items": Label("Menu", "菜单"),
    "core_panels": Label("Panels", "面板"),
    "core_actions": Label("Buttons of records", "记录按钮"),
    "core_columns": Label("Columns", "列"),
    "core_filters": Label("Filters", "筛选"),
    "core_list_views": Label("Views of lists", "列表视图"),
    "core_bulk_actions": Label("Bulk actions", "批量操作"),
    "core_home_cards": Label("Cards of the start page", "工作台卡片"),
    "core_search_sources": Label("Search", "搜索"),
    "core_jobs": Label("Jobs", "任务"),
    "core_schedules": Label("Schedules", "定时任务"),
    "core_import_targets": Label("Import into models", "模型导入"),
    "core_import_profiles": Label("Import profiles", "导入模板"),
    "api": Label("Interface", "接口"),
}


@hookimpl
def core_routes() -> Sequence[Route]:
    """Declare the page."""
    return [Route("/activation", audit_page, VIEW)]


@hookimpl
def core_menu_items() -> Sequence[MenuItem]:
    """Declare the menu entry, beside that of plugins."""
    label = Label("Activation audit", "启用核查")
    return [MenuItem("core.activation", label, "/activation", VIEW, "clipboard-check", "admin", 41)]


def audit_page(request: Request) -> Response:
    """Show one plugin's surfaces: reached, not reached, and those that are reached where they should not be."""
    suite: Suite = request.app.state.suite
    names = [manifest.id for manifest in suite.plugins.ready()]
    plugin = request.query_params.get("plugin", names[0] if names else "")
    if names and plugin not in names:
        raise NotFoundError("unknown_plugin", "There is no plugin {plugin}.", plugin=plugin)
    actor = requests.actor_of(request)
    branches = [
        branch
        for _, branch in tree(requests.session_of(request))
        if actor.sees_all_branches or branch.id in actor.branch_ids
    ]
    groups = _groups(request, plugin, branches)
    rows = [row for group in groups for row in group["rows"]]
    context = {
        "plugins": [{"label": name, "url": f"/activation?plugin={name}", "active": name == plugin} for name in names],
        "branches": [{"name": each.name, "state": suite.activation.state(plugin, each.id)} for each in branches],
        "groups": groups,
        "checked": sum(len(row["cells"]) for row in rows),
        "leaks": sum(cell == "leak" for row in rows for cell in row["cells"]),
    }
    return render(request, "plugins/activation.html", context)


def _groups(request: Request, plugin: str, branches: Sequence[Branch]) -> list[dict[str, Any]]:
    suite: Suite = request.app.state.suite
    people = [(staff_of(suite, branch.id), suite.activation.state(plugin, branch.id) == ON) for branch in branches]
    found: dict[str, list[dict[str, Any]]] = {}
    for surface in Reach(request.app).surfaces():
        if surface.plugin == plugin:
            cells = [_cell(surface, staff, on=on) for staff, on in people]
            found.setdefault(surface.kind, []).append({"name": surface.name, "cells": cells})
    _ = words(request)
    return [{"label": KINDS[kind].of(request.state.locale), "rows": rows} for kind, rows in found.items()]


def _cell(surface: Surface, staff: Any, *, on: bool) -> str:
    """Return ``reached``, ``away``, ``leak`` (reached though off) or ``lost`` (on and not reached)."""
    if surface.probe(staff):
        return "reached" if on else "leak"
    return "lost" if on else "away"
