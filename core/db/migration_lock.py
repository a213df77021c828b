"""One upgrade at a time: an advisory lock on PostgreSQL, a locked file beside an SQLite database."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import NullPool, create_engine, make_url, text

from core.db.session import Database
from core.errors import DatabaseStateError

LOCK_NUMBER = 0x62616E79616E
"""Key of the advisory lock ("banyan")."""
WAIT_SECONDS = 60.0
POLL_SECONDS = 0.05


@contextmanager
def upgrade_lock(database: Database, wait: float = WAIT_SECONDS) -> Iterator[None]:
    """Hold the lock of upgrades; both kinds are freed when the process dies.

    Args:
        database: What is upgraded.
        wait: Seconds to wait for another upgrade.

    Raises:
        DatabaseStateError: Another upgrade took longer than that.
    """
    with _file_lock(database.url, wait) if database.is_sqlite else _advisory_lock(database.url, wait):
        yield


@contextmanager
def _file_lock(url: str, wait: float) -> Iterator[None]:
    handle = os.open(f"{make_url(url).database}.upgrade-lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        deadline = time.monotonic() + wait
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                _wait(deadline)
        yield
    finally:
        os.close(handle)


@contextmanager
def _advisory_lock(url: str, wait: float) -> Iterator[None]:
    engine = create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            deadline = time.monotonic() + wait
            while not connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), {"key": LOCK_NUMBER}):
                _wait(deadline)
            yield
    finally:
        engine.dispose()


def _wait(deadline: float) -> None:
    if time.monotonic() > deadline:
        raise DatabaseStateError(
            "upgrade_running",
            "Another upgrade of this database is running.",
            "Wait until it has ended.",
        )
    time.sleep(POLL_SECONDS)
