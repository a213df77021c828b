"""Actions on plugins that were asked for on screen: a job runs them in a process of its own, which has the new code."""

from __future__ import annotations

from core.errors import ConflictError
from core.jobs.context import JobContext
from core.lifecycle.probe import run_banyan
from core.plugin.contributions import Job
from core.plugin.hookspecs import hookimpl
from core.registry.fields import Label

ACTION = "core.plugin_action"


@hookimpl
def core_jobs() -> list[Job]:
    """Declare the job."""
    return [Job(ACTION, act, Label("Action on a plugin", "插件操作"), attempts=1)]


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
