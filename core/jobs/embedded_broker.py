"""The embedded broker: kombu's SQL transport on its own SQLite file, with the same SQLite as the data."""

from __future__ import annotations

import json
from queue import Empty
from typing import Any

from kombu.transport import TRANSPORT_ALIASES
from kombu.transport.sqlalchemy import Channel as SqlChannel
from kombu.transport.sqlalchemy import Transport as SqlTransport
from sqlalchemy import Engine, create_engine, event, text

from core.db.sqlite import dbapi2

SCHEME = "banyan"
POLL_SECONDS = 0.1
LOOK_UP_SECONDS = 0.3
PEEK = text("SELECT 1 FROM kombu_message WHERE queue_id = :queue LIMIT 1")
TAKE = text(
    "DELETE FROM kombu_message WHERE id = "
    "(SELECT id FROM kombu_message WHERE queue_id = :queue ORDER BY id LIMIT 1) RETURNING payload"
)


class Channel(SqlChannel):
    """Takes messages in one statement and leaves no read ones behind (kombu keeps them for ever as invisible)."""

    def _engine_from_config(self) -> Engine:
        address = self.connection.client.hostname.removeprefix("sqlite:///")
        engine = create_engine(f"sqlite:///{address}", module=dbapi2)

        @event.listens_for(engine, "connect")
        def _configure(connection: Any, _record: object) -> None:
            for pragma in ("busy_timeout=5000", "journal_mode=WAL", "synchronous=NORMAL", "cache_size=-500"):
                connection.execute(f"PRAGMA {pragma}")

        return engine

    def _get(self, queue: str, timeout: float | None = None) -> Any:
        known = self.__dict__.setdefault("_queue_ids", {})
        if queue not in known:
            known[queue] = self._get_or_create(queue).id  # type: ignore[no-untyped-call]  # kombu is not typed
        payload = self._take(known[queue])
        if payload is None:
            raise Empty
        return json.loads(payload)

    def _take(self, queue_id: int) -> str | None:
        values = {"queue": queue_id}
        engine, _ = self._open()  # type: ignore[no-untyped-call]  # kombu is not typed
        with engine.begin() as connection:
            if connection.execute(PEEK, values).first() is None:
                return None
            taken = connection.execute(TAKE, values).first()
        return None if taken is None else str(taken.payload)


class Transport(SqlTransport):
    """Looks for messages ten times a second; the looking is one indexed read."""

    Channel = Channel
    polling_interval = POLL_SECONDS

    def drain_events(self, connection: Any, timeout: float | None = None, **options: Any) -> Any:
        """Wait for a message, but look up often, so that a stopping worker notices soon."""
        shorter = LOOK_UP_SECONDS if timeout is None else min(timeout, LOOK_UP_SECONDS)
        return super().drain_events(connection, timeout=shorter, **options)  # type: ignore[no-untyped-call]  # kombu is not typed


def register() -> None:
    """Make the transport known to kombu under its scheme."""
    TRANSPORT_ALIASES[SCHEME] = f"{__name__}:Transport"
