"""The audit trail on screen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from starlette.requests import Request
from starlette.responses import Response

from core.builtin.audit_filter import AuditFilter
from core.plugin.contributions import AuditAction, MenuItem, Route
from core.plugin.hookspecs import hookimpl
from core.registry.fields import Label
from core.registry.titles import load_titles
from core.security.models import AuditEntry
from core.web import requests
from core.web.audit_labels import VERBS, action_label, declared_actions, facts_text
from core.web.pages import actor_label
from core.web.templating import render

if TYPE_CHECKING:
    from core.app import Suite

PAGE = 100


@hookimpl
def core_routes() -> Sequence[Route]:
    """Declare the trail."""
    return [Route("/audit", trail, "core.audit.view")]


@hookimpl
def core_menu_items() -> Sequence[MenuItem]:
    """Declare its menu entry."""
    label = Label("Audit trail", "审计日志")
    return [MenuItem("core.audit", label, "/audit", "core.audit.view", "shield-check", "admin", 40)]


@hookimpl
def core_audit_actions() -> Sequence[AuditAction]:
    """Declare what the core writes besides the changes of records."""
    return [
        AuditAction("login.accepted", Label("Signed in", "登录")),
        AuditAction("login.refused", Label("Sign-in refused", "登录被拒")),
        AuditAction("logout", Label("Signed out", "退出登录")),
        AuditAction("session.end", Label("Session ended", "结束会话")),
        AuditAction("session.end_all", Label("Signed out everywhere", "在所有设备上退出")),
        AuditAction("second_factor.add", Label("Second factor set up", "启用双重验证")),
        AuditAction("directory.link", Label("Account linked to the directory", "账号与目录关联")),
        AuditAction("directory.unlink", Label("Account unlinked from the directory", "账号与目录解除关联")),
        AuditAction("second_factor.remove", Label("Second factor taken away", "取消双重验证")),
        AuditAction("second_factor.refused", Label("Second factor refused", "双重验证被拒")),
        AuditAction("second_factor.require", Label("Second factor required of roles", "要求角色双重验证")),
        AuditAction("access.exported", Label("Access matrix exported", "导出权限一览")),
        AuditAction("token.add", Label("Token made", "新建令牌")),
        AuditAction("token.end", Label("Token ended", "停用令牌")),
        AuditAction("user.add", Label("Person added", "新增人员")),
        AuditAction("user.enable", Label("Account switched on", "启用账号")),
        AuditAction("user.disable", Label("Account switched off", "停用账号")),
        AuditAction("user.password", Label("Password set", "设置密码")),
        AuditAction("user.reset_code", Label("Reset code made", "生成重置码")),
        AuditAction("role.give", Label("Role given", "授予角色")),
        AuditAction("role.take", Label("Role taken", "收回角色")),
        AuditAction("branch.add", Label("Branch added", "新增机构")),
        AuditAction("branch.enable", Label("Branch switched on", "启用机构")),
        AuditAction("branch.disable", Label("Branch switched off", "停用机构")),
        AuditAction("import.start", Label("Import started", "开始导入")),
        AuditAction("import.rejects", Label("Rejected rows downloaded", "下载拒绝行")),
        AuditAction("import.undo", Label("Import undone", "撤销导入")),
        AuditAction("backup.make", Label("Backup made", "制作备份")),
        AuditAction("backup.keys", Label("Keys copied", "复制密钥")),
        AuditAction("value.unmask", Label("Masked value shown", "查看明文")),
    ]


def trail(request: Request) -> Response:
    """Show the latest entries of the person's branches as far as they are asked for, older ones behind ``before``."""
    wanted = AuditFilter.of(request.query_params)
    query, before = wanted.narrow(select(AuditEntry)), request.query_params.get("before", "")
    if before.isascii() and before.isdigit():
        query = query.where(AuditEntry.id < int(before))
    found = requests.session_of(request).scalars(query.order_by(AuditEntry.id.desc()).limit(PAGE + 1)).all()
    entries = found[:PAGE]
    context = {
        "entries": _rows(request, entries),
        "wanted": wanted,
        "actions": _actions(request),
        "models": _models(request),
        "narrowed": wanted != AuditFilter(),
        "previous_url": wanted.address() if before else None,
        "next_url": wanted.address(before=entries[-1].id) if len(found) > PAGE else None,
    }
    return render(request, "audit.html", context)


def _rows(request: Request, entries: Sequence[AuditEntry]) -> list[dict[str, Any]]:
    suite, locale = _suite(request), request.state.locale
    actions, links = declared_actions(suite), _links(request, entries)
    rows = []
    for entry in entries:
        model = suite.registry.get(entry.model) if entry.model in suite.registry else None
        kind = model.declaration.label.of(locale) if model is not None else entry.model or ""
        record, url = links.get((entry.model, entry.row_id)) or (f"{kind} {entry.row_id or ''}".strip(), None)
        rows.append({
            "at": entry.at, "who": actor_label(request, entry.actor_name),
            "action": action_label(actions, entry.action, locale),
            "record": record, "url": url, "detail": facts_text(entry.detail, model, actions.get(entry.action), locale),
            "request": entry.request_id, "entry_url": f"/audit/{entry.id}",
        })  # fmt: skip
    return rows


def _links(request: Request, entries: Sequence[AuditEntry]) -> dict[tuple[str, int | None], tuple[str, str]]:
    """Return name and address of the records that are still there and that the reader may see, a query per model."""
    suite, session, actor = _suite(request), requests.session_of(request), requests.actor_of(request)
    found: dict[tuple[str, int | None], tuple[str, str]] = {}
    for name in {entry.model for entry in entries if entry.row_id is not None}:
        if name in suite.registry and actor.may(f"{name}.view"):
            model = suite.registry.get(name)
            label = model.declaration.label.of(request.state.locale)
            ids = [entry.row_id for entry in entries if entry.model == name]
            for row_id, title in load_titles(session, model, ids).items():
                found[name, row_id] = f"{label} {title}", model.record_url(row_id)
    return found


def _actions(request: Request) -> list[tuple[str, str]]:
    named = {**VERBS, **{name: found.label for name, found in declared_actions(_suite(request)).items()}}
    return sorted(((name, label.of(request.state.locale)) for name, label in named.items()), key=lambda pair: pair[1])


def _models(request: Request) -> list[tuple[str, str]]:
    locale, actor = request.state.locale, requests.actor_of(request)
    seen = [model for model in _suite(request).registry if actor.may(f"{model.id}.view")]
    return sorted(((model.id, model.declaration.label.of(locale)) for model in seen), key=lambda pair: pair[1])


def _suite(request: Request) -> Suite:
    suite: Suite = request.app.state.suite
    return suite
