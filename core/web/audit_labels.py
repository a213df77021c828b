"""What the actions and facts of the audit trail are called."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from core.plugin.contributions import AuditAction
from core.registry.fields import Label

if TYPE_CHECKING:
    from core.app import Suite
    from core.registry.models import RegisteredModel

VERBS = {
    "created": Label("Created", "新建"),
    "changed": Label("Changed", "修改"),
    "exported": Label("Exported", "导出"),
    "restored": Label("Value restored", "恢复值"),
}
"""What the core does with records of every model; the noun before the verb names the model."""

FACTS = {
    "entry": Label("Entry", "审计记录"),
    "token": Label("Token", "令牌"),
    "roles": Label("Roles", "角色"),
    "client": Label("From", "来自"),
    "code": Label("Code", "代码"),
    "columns": Label("Columns", "列"),
    "count": Label("Rows", "行数"),
    "field": Label("Field", "字段"),
    "fields": Label("Fields", "字段"),
    "file": Label("File", "文件"),
    "format": Label("Format", "格式"),
    "kept": Label("Kept", "保留"),
    "kind": Label("Kind", "类型"),
    "left_out": Label("Conditions left out", "略去条件"),
    "name": Label("Name", "名称"),
    "query": Label("Filter", "筛选"),
    "removed": Label("Removed", "删除"),
    "restored": Label("Restored", "恢复"),
    "role": Label("Role", "角色"),
    "branch": Label("Branch", "机构"),
    "rows": Label("Rows", "行数"),
    "selected": Label("Selected", "选中"),
    "subtree": Label("With branches below", "含下级机构"),
    "unmasked": Label("Unmasked", "含明文"),
    "username": Label("User name", "用户名"),
    "why": Label("Reason", "理由"),
    "reason": Label("Reason", "理由"),
    "within_hour": Label("Within the hour", "一小时内次数"),
}
"""Names of facts; one that is not here stands under its own name."""


REASONS = {
    "action on a plugin": Label("action on a plugin", "插件操作"),
    "classification": Label("classification", "客户分类"),
    "demonstration data": Label("demonstration data", "演示数据"),
    "deliver events": Label("deliver events", "派发事件"),
    "import": Label("import", "导入"),
    "link for the first administrator": Label("link for the first administrator", "首个管理员链接"),
    "remind of tasks": Label("remind of tasks", "任务提醒"),
    "restore a backup": Label("restore a backup", "恢复备份"),
    "second factor": Label("second factor", "双重验证"),
    "seed": Label("first data", "初始数据"),
    "sign in": Label("sign in", "登录"),
    "use a one-time code": Label("use a one-time code", "使用一次性代码"),
}
"""Reasons the system itself gives; other texts are what people wrote or the command they gave."""
_REASON_KINDS = {
    "event": Label("event", "事件"),
    "failed event": Label("failed event", "失败事件"),
    "job": Label("job", "作业"),
    "schedule of": Label("schedule of", "定时作业"),
    "seed": Label("first data of", "初始数据"),
}
"""First words of reasons that end with a name."""

_NAMING = {"field", "fields", "columns"}
"""Facts whose texts are names of fields."""


def declared_actions(suite: Suite) -> dict[str, AuditAction]:
    """Return the actions that the core and its plugins write, by their code."""
    found: list[tuple[str, AuditAction]] = suite.plugins.collect("core_audit_actions")
    return {action.name: action for _, action in found}


def action_label(actions: Mapping[str, AuditAction], action: str, locale: str) -> str:
    """Return what an action is called; the code of one that nobody declares any more."""
    label = actions[action].label if action in actions else VERBS.get(action.rpartition(".")[2])
    return label.of(locale) if label is not None else action


def facts_text(
    detail: Mapping[str, Any] | None, model: RegisteredModel | None, action: AuditAction | None, locale: str
) -> str:
    """Return the facts of an entry as ``name: value`` pairs; what is empty says nothing."""
    labels = {**FACTS, **(action.facts if action is not None else {})}
    parts = []
    for name, value in (detail or {}).items():
        if value not in (None, [], {}, "", False):
            label = labels[name].of(locale) if name in labels else name
            told = _reason(value, locale) if name == "reason" else _named(action, value, locale)
            parts.append(f"{label}: {_value(model if name in _NAMING else None, told, locale)}")
    return " · ".join(parts)


def _reason(text: str, locale: str) -> str:
    if text in REASONS:
        return REASONS[text].of(locale)
    kind, _space, name = text.rpartition(" ")
    return f"{_REASON_KINDS[kind].of(locale)} {name}" if kind in _REASON_KINDS else text


def _named(action: AuditAction | None, value: Any, locale: str) -> Any:
    """Return a fact with the words that its action declares in place of codes."""
    words = action.words if action is not None else {}
    if isinstance(value, str) and value in words:
        return words[value].of(locale)
    if isinstance(value, dict):
        return {words[name].of(locale) if name in words else name: told for name, told in value.items()}
    return value


def _value(model: RegisteredModel | None, value: Any, locale: str) -> str:
    if isinstance(value, list):
        return ", ".join(_field(model, str(each), locale) for each in value)
    if isinstance(value, dict):
        return ", ".join(_change(model, name, pair, locale) for name, pair in value.items())
    if isinstance(value, bool):
        return Label("yes", "是").of(locale)
    return _field(model, value, locale) if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _change(model: RegisteredModel | None, name: str, pair: Any, locale: str) -> str:
    label, field = _field(model, name, locale), model.fields.get(name) if model is not None else None
    if field is not None and (field.mask or field.permission):
        return label  # not everybody who reads the trail may see the value
    if not isinstance(pair, list):
        return label if pair is None else f"{label} {pair}"
    return f"{label} {' → '.join('—' if value is None else str(value) for value in pair)}"


def _field(model: RegisteredModel | None, name: str, locale: str) -> str:
    """Return the label of a field where the text is its name."""
    field = model.fields.get(name) if model is not None else None
    return field.label.of(locale) if field is not None else name
