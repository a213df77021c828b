"""Actions on plugins that were asked for on screen: a job runs them in a process of its own, which has the new code."""

from __future__ import annotations

from core.builtin.plugin_labels import FACT_LABELS, FACT_WORDS
from core.errors import ConflictError
from core.jobs.context import JobContext
from core.lifecycle.probe import run_banyan
from core.plugin.contributions import AuditAction, Job
from core.plugin.hookspecs import hookimpl
from core.registry.fields import Label

ACTION = "core.plugin_action"
LABELS = {
    "install": Label("Plugin installed", "安装插件"),
    "upgrade": Label("Plugin upgraded", "升级插件"),
    "enable": Label("Plugin switched on", "启用插件"),
    "preview": Label("Plugin put on preview", "插件设为预览"),
    "disable": Label("Plugin switched off", "停用插件"),
    "uninstall": Label("Plugin uninstalled", "卸载插件"),
    "restore": Label("Plugin restored", "恢复插件"),
}


@hookimpl
def core_jobs() -> list[Job]:
    """Declare the job."""
    return [Job(ACTION, act, Label("Action on a plugin", "插件操作"), attempts=1)]


@hookimpl
def core_audit_actions() -> list[AuditAction]:
    """Name what stands in the audit trail: each action when it is asked for on screen, and when it begins."""
    return [
        AuditAction("plugin.reset", Label("Faults of a plugin reset", "重置插件故障"), FACT_LABELS),
        *(AuditAction(f"plugin.{action}", label, FACT_LABELS, FACT_WORDS) for action, label in LABELS.items()),
        *(
            AuditAction(
                f"plugin.{action}.ask",
                Label(f"{label.en} (asked for)", f"{label.zh}（提交）"),
                FACT_LABELS,
                FACT_WORDS,
            )
            for action, label in LABELS.items()
        ),
    ]


def act(context: JobContext) -> str:
    """Do the action of the payload; returns what it said.

    Raises:
        ConflictError: It failed; the journal says where.
    """
    asked = context.payload
    words = [asked["action"], asked["plugin"], f"--by={asked['by']}", "--yes"]
    words += [f"--{asked['mode']}"] if asked["mode"] else []
    words += [f"--{name}={asked[name]}" for name in ("branch", "archive") if asked[name]]
    done = run_banyan("plugin", *words)
    if done.returncode:
        said = (done.stderr or done.stdout).strip()[-1000:]
        raise ConflictError("plugin_action_failed", "The action failed: {problem}", problem=said)
    return done.stdout[-4000:]
