"""What a page costs as a number of statements: all that reach the driver, past SQLAlchemy's events too."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, event

from core.plugin.models import Epoch


@contextmanager
def traced(engine: Engine) -> Iterator[list[str]]:
    """Give a list that fills with the queries which the engine's connections run while the block runs.

    Args:
        engine: Its connections are followed from when they leave the pool; transaction commands do not count, nor the
            look at the epochs, which a process takes once a second whatever it serves.
    """
    seen: list[str] = []

    def note(text: str) -> None:
        if text.lstrip().startswith(("SELECT", "WITH")) and f"FROM {Epoch.__tablename__}" not in text:
            seen.append(text)

    def follow(connection: Any, *_rest: Any) -> None:
        _follow(engine, connection, note)

    def leave(connection: Any, *_rest: Any) -> None:
        if connection is not None:
            _follow(engine, connection, None)

    event.listen(engine, "checkout", follow)
    event.listen(engine, "checkin", leave)
    try:
        yield seen
    finally:
        event.remove(engine, "checkout", follow)
        event.remove(engine, "checkin", leave)


def _follow(engine: Engine, connection: Any, note: Callable[[str], None] | None) -> None:
    from psycopg import Cursor

    if engine.dialect.name == "sqlite":
        connection.set_trace_callback(note)
    else:
        connection.cursor_factory = Cursor if note is None else _noting(note)


def _noting(note: Callable[[str], None]) -> Any:
    from psycopg import Cursor

    class Noting(Cursor[Any]):
        def execute(self, query: Any, *rest: Any, **options: Any) -> Any:
            note(str(query))
            return super().execute(query, *rest, **options)

    return Noting
