"""What actions on plugins, their steps and what a plan lists are called."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from core.jobs.models import STATES
from core.registry.fields import Label
from core.security.actors import SYSTEM

if TYPE_CHECKING:
    from core.plugin.models import PluginStep

ACTION_LABELS = {
    "install": Label("install", "安装"),
    "upgrade": Label("upgrade", "升级"),
    "enable": Label("switch on", "启用"),
    "preview": Label("preview", "预览"),
    "disable": Label("switch off", "停用"),
    "uninstall": Label("uninstall", "卸载"),
    "restore": Label("restore", "恢复"),
}
MODE_LABELS = {
    "keep": Label("kept", "保留数据"),
    "archive": Label("archived", "归档数据"),
    "drop": Label("deleted", "删除数据"),
}
STATE_LABELS = {
    "waiting": Label("waiting", "等待"),
    "running": Label("running", "进行中"),
    "done": Label("done", "完成"),
    "failed": Label("failed", "失败"),
    "cancelled": Label("left out", "已取消"),
}
SURFACE_LABELS = {
    "columns": Label("Columns", "列"),
    "filters": Label("Filters", "筛选项"),
    "jobs": Label("Jobs", "作业"),
    "menu": Label("Menu", "菜单"),
    "models": Label("Kinds of records", "记录种类"),
    "panels": Label("Panels", "面板"),
    "permissions": Label("Permissions", "权限"),
    "roles": Label("Roles", "角色"),
    "routes": Label("Pages", "页面"),
    "schedules": Label("Schedules", "定时"),
    "search": Label("Search", "搜索"),
    "search_kinds": Label("Kinds in the search", "搜索种类"),
    "tables": Label("Tables", "数据表"),
}
STEP_LABELS = {
    "backup": Label("Back up the database", "备份数据库"),
    "begin": Label("Pause the plugin", "暂停插件"),
    "settle": Label("Let running jobs end", "等待作业结束"),
    "revision": Label("Revision", "修订版"),
    "seed": Label("Store what it ships", "写入自带数据"),
    "finish": Label("Note the installed version", "登记已安装版本"),
    "leave": Label("Note that it is away", "登记已卸载"),
    "resume": Label("Let it run again", "恢复运行"),
    "archive": Label("Write the archive", "写入归档"),
    "remove": Label("Delete the rows", "删除数据行"),
    "load": Label("Put the rows back", "放回数据行"),
    "backfill": Label("Fill what a revision added", "补填新增内容"),
    "drain": Label("Wait for processes of the old code", "等待旧进程结束"),
    "close": Label("Note the last revision", "登记最终修订版"),
}
CHANGE_LABELS = {
    "created": Label("created", "新建"),
    "altered": Label("altered", "修改"),
    "dropped": Label("dropped", "删除"),
}

FACT_LABELS = {
    "plugin": Label("Plugin", "插件"),
    "action": Label("Action", "操作"),
    "mode": Label("Data", "数据"),
    "archive": Label("Archive", "归档"),
    "by": Label("For", "发起人"),
    "plan": Label("Plan", "计划"),
}
"""Facts that stand in the audit trail with an action."""
FACT_WORDS = {**ACTION_LABELS, **MODE_LABELS, SYSTEM: Label("System", "系统")}
"""What their codes mean."""


def called(labels: dict[str, Label], code: str, locale: str) -> str:
    """Return what a code is called; the code itself of one that came later."""
    return labels[code].of(locale) if code in labels else code


def plan_in_words(plan: dict[str, Any], locale: str) -> dict[str, Any]:
    """Return a plan with steps, changes of tables, states of jobs and kinds of surfaces as people call them."""
    steps = [each.partition(" ") for each in plan["steps"]]
    return {
        **plan,
        "steps": [f"{called(STEP_LABELS, name, locale)} {target}".strip() for name, _space, target in steps],
        "tables": [{**each, "label": called(CHANGE_LABELS, each["change"], locale)} for each in plan["tables"]],
        "jobs": {_job_state(state, locale): number for state, number in plan["jobs"].items()},
        "surfaces": {called(SURFACE_LABELS, kind, locale): change for kind, change in plan["surfaces"].items()},
    }


def _job_state(code: str, locale: str) -> str:
    return next((state.label.of(locale) for state in STATES if state.code == code), code)


def step_in_words(step: PluginStep, locale: str) -> dict[str, Any]:
    """Return a step of the journal as people call it, with the code of its state."""
    return {
        "label": f"{called(STEP_LABELS, step.step, locale)} {step.target}".strip(),
        "action": called(ACTION_LABELS, step.action, locale),
        "state": step.state,
        "status": called(STATE_LABELS, step.state, locale),
        "error": step.error,
    }
