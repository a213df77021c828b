"""Figures for monitoring at ``/metrics``, in the text format of Prometheus, for who has the right to read them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate
from typing import TYPE_CHECKING

from sqlalchemy import func, select
from starlette.requests import Request
from starlette.responses import Response

from core.db.base import utc_now
from core.errors import BanyanError
from core.jobs.models import QUEUED, SILENCE, Heartbeat, Job, Outbox
from core.security.actors import system_actor
from core.web.api import Gate, error_answer
from core.web.request_figures import SECONDS, RequestFigures

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

    from core.app import Suite
    from core.db.session import ScopedSession

PERMISSION = "core.metrics.view"
"""Given to the role of a monitoring program's owner; the token is limited to it."""
ACTOR = system_actor("metrics")


class MetricsPage:
    """Answers ``/metrics``.

    Args:
        suite: The suite.
        gate: Signs programs and people in.
        figures: Requests of this process.
    """

    def __init__(self, suite: Suite, gate: Gate, figures: RequestFigures) -> None:
        self._suite = suite
        self._gate = gate
        self._figures = figures

    def answer(self, request: Request) -> Response:
        """Return all figures; those of requests are this process's, all others the installation's."""
        # The library takes 40 ms to load, which a process that nobody watches need not spend.
        from prometheus_client import CollectorRegistry, PlatformCollector, ProcessCollector
        from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

        try:
            self._gate.enter(request)
            request.state.actor.require(PERMISSION)
        except BanyanError as error:
            return error_answer(request, error)
        registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        registry.register(self)
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    def describe(self) -> list[Metric]:
        """Name no figures beforehand, as the library asks of a collector whose figures come from a database."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield the families of figures."""
        yield self._requests()
        yield self._plugins()
        with self._suite.database.read(ACTOR) as session:
            yield from _background(session)

    def _requests(self) -> Metric:
        from prometheus_client.core import HistogramMetricFamily

        labels = ("method", "route", "status")
        family = HistogramMetricFamily("banyan_request_seconds", "Duration of requests of this process", labels=labels)
        limits = [*map(str, SECONDS), "+Inf"]
        for kind, durations in self._figures:
            buckets = list(zip(limits, accumulate(durations.counts), strict=True))
            family.add_metric((kind.method, kind.route, str(kind.status)), buckets, durations.total)
        return family

    def _plugins(self) -> Metric:
        from prometheus_client.core import GaugeMetricFamily

        family = GaugeMetricFamily("banyan_plugin", "Installed plugins by state", labels=("plugin", "state"))
        for state in self._suite.plugins.states.values():
            family.add_metric((state.id, state.status), 1)
        return family


def _background(session: ScopedSession) -> Iterator[Metric]:
    from prometheus_client.core import GaugeMetricFamily

    now = utc_now()
    jobs = GaugeMetricFamily("banyan_jobs", "Background jobs by plugin and state", labels=("plugin", "state"))
    for plugin, state, count in session.execute(
        select(Job.plugin, Job.state, func.count()).group_by(Job.plugin, Job.state)
    ):
        jobs.add_metric((plugin, state), count)
    yield jobs
    oldest = session.scalar(select(func.min(Job.run_after)).where(Job.state == QUEUED, Job.run_after <= now))
    waited = (now - oldest).total_seconds() if oldest else 0.0
    yield GaugeMetricFamily("banyan_oldest_due_job_seconds", "How long the oldest due job waits", value=waited)
    undelivered = session.scalar(select(func.count()).select_from(Outbox).where(Outbox.delivered_at.is_(None)))
    yield GaugeMetricFamily("banyan_undelivered_events", "Events in the outbox", value=undelivered or 0)
    alive = GaugeMetricFamily("banyan_processes", "Processes alive", labels=("kind",))
    beating = select(Heartbeat.kind, func.count()).where(Heartbeat.at > now - SILENCE).group_by(Heartbeat.kind)
    for kind, count in session.execute(beating):
        alive.add_metric((kind,), count)
    yield alive
