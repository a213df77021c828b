"""The core's own jobs and the checks of background work."""

from __future__ import annotations

from core.builtin.job_health import check_lag, check_parked
from core.jobs.context import JobContext
from core.plugin.contributions import HealthCheck, Job, Permission
from core.plugin.hookspecs import hookimpl
from core.registry.fields import Label
from core.web import metrics


@hookimpl
def core_jobs() -> list[Job]:
    """Declare the core's jobs."""
    return [Job("core.demo", load_demo, Label("Load demonstration data", "载入演示数据"))]


@hookimpl
def core_permissions() -> list[Permission]:
    """Declare the right to read the figures for monitoring."""
    return [Permission(metrics.PERMISSION, Label("Read the figures for monitoring", "读取监控指标"))]


@hookimpl
def core_health_checks() -> list[HealthCheck]:
    """Declare the checks of background work."""
    return [HealthCheck("jobs.lag", check_lag), HealthCheck("jobs.parked", check_parked)]


def load_demo(context: JobContext) -> None:
    """Ask every plugin for its demonstration data, in dependency order."""
    for _plugin, call in context.suite.plugins.calls("core_demo", suite=context.suite, context=context):
        call()
