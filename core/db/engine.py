"""Two engines for one database: one that can only read, one whose transactions start as writers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

from core.errors import DatabaseStateError

SAFE_SQLITE = (3, 51, 3)
"""First SQLite without the WAL-reset fault that can corrupt a file shared by web and worker."""

BUSY_MILLISECONDS = 15_000


PRAGMAS = (
    f"busy_timeout={BUSY_MILLISECONDS}",
    "journal_mode=WAL",
    "synchronous=FULL",
    "foreign_keys=ON",
    "wal_autocheckpoint=8000",
    "cache_size=-16000",
    "temp_store=MEMORY",
)


def create_engines(url: str) -> tuple[Engine, Engine]:
    """Return (reader, writer) for a database address.

    SQLite readers are `query_only`; writers begin with ``BEGIN IMMEDIATE``, since a read that turns into a write
    loses updates or fails as locked. PostgreSQL readers run read-only transactions.

    Raises:
        DatabaseStateError: The SQLite library is one that can corrupt a shared file, or its folder is missing.
    """
    if make_url(url).get_backend_name() == "sqlite":
        return _sqlite_engine(url, write=False), _sqlite_engine(url, write=True)
    options: dict[str, Any] = {"pool_size": 10, "max_overflow": 30, "pool_pre_ping": True, "pool_timeout": 5}
    writer = create_engine(url, **options)
    reader = create_engine(url, execution_options={"postgresql_readonly": True}, **options)
    return reader, writer


def _sqlite_engine(url: str, *, write: bool) -> Engine:
    from core.db.sqlite import dbapi2

    if dbapi2.sqlite_version_info < SAFE_SQLITE:
        raise DatabaseStateError(
            "sqlite_unsafe",
            "SQLite {version} can corrupt a database shared by two processes.",
            "Install the locked requirements, which bring a newer SQLite.",
            version=dbapi2.sqlite_version,
        )
    file = make_url(url).database or ""
    if file and not Path(file).parent.is_dir():
        raise DatabaseStateError(
            "data_folder_missing",
            "The data folder {folder} does not exist.",
            "Run `banyan init`, or correct [data] folder.",
            folder=str(Path(file).parent),
        )
    engine = create_engine(url, module=dbapi2, pool_size=10, max_overflow=30, pool_timeout=5)

    @event.listens_for(engine, "connect")
    def _configure(connection: DBAPIConnection, _record: ConnectionPoolEntry) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in (*PRAGMAS, f"query_only={'OFF' if write else 'ON'}"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "checkin")
    def _leave_transaction(connection: Any, _record: ConnectionPoolEntry) -> None:
        # SQLite keeps a transaction open whose COMMIT failed, and with it the lock for writing.
        if connection is not None and connection.in_transaction:
            connection.rollback()

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")

    return engine
