"""Events that must not be lost: written with the change, delivered to each plugin exactly once, in order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from core.db.base import utc_now
from core.db.session import ScopedSession
from core.jobs.models import Outbox, OutboxDelivery
from core.jobs.queue import ATTEMPTS, RELAY, ring_after_commit
from core.log import logger
from core.security.actors import system_actor

if TYPE_CHECKING:
    from core.app import Suite

BATCH = 200


def emit(session: ScopedSession, event: str, payload: dict[str, Any], branch_id: int | None = None) -> None:
    """Write an event in the transaction of the change that caused it.

    Args:
        session: The unit of work.
        event: Name of the event hook; its implementations are called with ``session`` and the payload's values.
        payload: JSON values.
        branch_id: Only plugins active in this branch get it; ``None``: all.
    """
    session.add(Outbox(event=event, payload=payload, branch_id=branch_id))
    ring_after_commit(session, RELAY)


def relay(suite: Suite) -> int:
    """Deliver waiting events, oldest first; returns how many are settled.

    A plugin that fails at an event is not given later ones before that event succeeded or was given up after five
    attempts, so that each sees its events in order. Others go on.
    """
    actor = system_actor("deliver events")
    with suite.database.read(actor) as session:
        waiting = session.scalars(
            select(Outbox).where(Outbox.delivered_at.is_(None)).order_by(Outbox.id).limit(BATCH)
        ).all()
    failing: set[str] = set()
    settled = 0
    for event in waiting:
        consumers = dict.fromkeys(plugin_id for plugin_id, _ in suite.plugins.calls(event.event))
        active = [each for each in consumers if suite.activation.is_active(each, event.branch_id)]
        for consumer in active:
            if consumer not in failing and not _deliver(suite, event, consumer):
                failing.add(consumer)
        if not failing.intersection(active):
            with suite.database.write(actor) as session:
                session.get_one(Outbox, event.id).delivered_at = utc_now()
            settled += 1
    return settled


def _deliver(suite: Suite, event: Outbox, consumer: str) -> bool:
    """Deliver one event to one plugin; ``True`` when it is settled for this plugin."""
    try:
        with suite.database.write(system_actor(f"event {event.event}")) as session:
            delivery = _delivery(session, event.id, consumer)
            if delivery.done or delivery.attempt > ATTEMPTS:
                return True
            for plugin_id, call in suite.plugins.calls(event.event, session=session, **event.payload):
                if plugin_id == consumer:
                    suite.plugins.breaker.run(consumer, event.event, call, opens=False)
            delivery.done, delivery.error = True, ""
    except Exception as error:
        logger(__name__).exception("event_failed", event_hook=event.event, consumer=consumer)
        return _note_failure(suite, event, consumer, error)
    return True


def _note_failure(suite: Suite, event: Outbox, consumer: str, error: Exception) -> bool:
    with suite.database.write(system_actor(f"failed event {event.event}")) as session:
        delivery = _delivery(session, event.id, consumer)
        delivery.attempt += 1
        delivery.error = f"{type(error).__name__}: {error}"
        return delivery.attempt > ATTEMPTS


def _delivery(session: ScopedSession, event_id: int, consumer: str) -> OutboxDelivery:
    delivery = session.scalars(select(OutboxDelivery).filter_by(event_id=event_id, consumer=consumer)).first()
    if delivery is None:
        delivery = OutboxDelivery(event_id=event_id, consumer=consumer, attempt=1, done=False)
        session.add(delivery)
        session.flush()
    return delivery
