"""The Celery application: one task that is given a job's id; everything else is in the job table."""

from __future__ import annotations

from typing import Any

from celery import Celery
from kombu.entity import Queue

from core.config import Settings

TASK = "banyan.run"
QUEUE = "banyan"
VISIBILITY_SECONDS = 120
"""After this Redis gives an unacknowledged message to another worker; the claim in the job row makes that harmless."""


def create_celery(settings: Settings) -> Celery:
    """Return a Celery application for the broker in the settings; it stores no results.

    The options are the ones that lost no message under kills (`docs/architecture.md`, background work).
    """
    application = Celery("banyan", set_as_current=False, loader="celery.loaders.app:AppLoader")
    application.conf.update(
        broker_url=broker_url(settings),
        broker_transport_options=_transport_options(settings),
        broker_connection_retry_on_startup=True,
        broker_connection_timeout=2,
        task_default_queue=QUEUE,
        task_queues=_queues(settings),
        task_create_missing_queues=False,
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        task_ignore_result=True,
        task_serializer="json",
        accept_content=["json"],
        worker_prefetch_multiplier=1,
        worker_soft_shutdown_timeout=20,
        worker_enable_soft_shutdown_on_idle=True,
        worker_cancel_long_running_tasks_on_connection_loss=True,
        worker_max_tasks_per_child=500,
        worker_enable_remote_control=False,
        worker_send_task_events=False,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        enable_utc=True,
    )
    return application


def broker_url(settings: Settings) -> str:
    """Return the broker's address for Celery; embedded, a file beside the database."""
    if settings.broker.url:
        return settings.broker.url
    from core.jobs import embedded_broker

    embedded_broker.register()
    return f"{embedded_broker.SCHEME}+sqlite:///{(settings.data.folder / 'broker.db').resolve()}"


def _queues(settings: Settings) -> list[Queue]:
    arguments = {"x-queue-type": "quorum"} if settings.broker.url.startswith("amqp") else None
    return [Queue(QUEUE, routing_key=QUEUE, queue_arguments=arguments)]  # type: ignore[no-untyped-call]  # kombu is not typed


def _transport_options(settings: Settings) -> dict[str, Any]:
    if settings.broker.url.startswith("redis"):
        return {"visibility_timeout": VISIBILITY_SECONDS, "socket_connect_timeout": 2, "socket_timeout": 5,
                "unacked_restore_throttle": 1}  # fmt: skip
    if settings.broker.url.startswith("amqp"):
        return {"confirm_publish": True}
    return {}
