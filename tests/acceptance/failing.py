"""A database whose N-th statement fails once: for tests that nothing is lost and the next try works."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest

from core.cli import main
from core.db.sqlite import dbapi2

PROBLEM = "disk I/O error"
_UNCOUNTED = ("PRAGMA", "BEGIN", "ROLLBACK")
"""What prepares or ends a statement's work; a failing BEGIN is a failing first statement."""


@dataclass
class Fault:
    """Counts statements while it is armed, and fails the one with number ``at``; 0 only counts."""

    at: int = 0
    seen: int = 0
    armed: bool = False

    def step(self, statement: str, error: type[Exception]) -> None:
        """Count a statement, and fail it if it is the one."""
        if self.armed and not statement.lstrip().upper().startswith(_UNCOUNTED):
            self.seen += 1
            if self.seen == self.at:
                raise error(PROBLEM)

    @contextmanager
    def failing(self, at: int) -> Iterator[Fault]:
        """Fail the statement with this number inside the block."""
        self.at, self.seen, self.armed = at, 0, True
        try:
            yield self
        finally:
            self.armed = False


def on_sqlite(fault: Fault, patch: pytest.MonkeyPatch) -> None:
    """Let the statements of connections to the database file count; staging files are none of its concern."""

    class Cursor(dbapi2.Cursor):  # type: ignore[misc]  # the driver has no types
        def execute(self, statement: str, *arguments: Any) -> Any:
            fault.step(statement, dbapi2.OperationalError)
            return super().execute(statement, *arguments)

        def executemany(self, statement: str, *arguments: Any) -> Any:
            fault.step(statement, dbapi2.OperationalError)
            return super().executemany(statement, *arguments)

    class Connection(dbapi2.Connection):  # type: ignore[misc]  # as above
        def cursor(self, factory: Any = Cursor) -> Any:
            return super().cursor(factory)

        def commit(self) -> None:
            fault.step("COMMIT", dbapi2.OperationalError)
            super().commit()

    connect = dbapi2.connect

    def connect_counted(place: str, *arguments: Any, **options: Any) -> Any:
        counted = {"factory": Connection} if str(place).endswith("banyan.db") else {}
        return connect(place, *arguments, **options, **counted)

    patch.setattr(dbapi2, "connect", connect_counted)


def on_postgresql(fault: Fault, patch: pytest.MonkeyPatch) -> None:
    """Let the statements of PostgreSQL count."""
    for name in ("execute", "executemany", "copy"):
        call = getattr(psycopg.Cursor, name)

        def counted(self: Any, statement: Any, *arguments: Any, call: Any = call, **options: Any) -> Any:
            fault.step(str(statement), psycopg.OperationalError)
            return call(self, statement, *arguments, **options)

        patch.setattr(psycopg.Cursor, name, counted)
    commit = psycopg.Connection.commit

    def counted_commit(self: Any) -> None:
        try:
            fault.step("COMMIT", psycopg.OperationalError)
        except psycopg.OperationalError:
            self.rollback()  # a server ends the transaction whose COMMIT it refuses
            raise
        commit(self)

    patch.setattr(psycopg.Connection, "commit", counted_commit)


def command(patch: pytest.MonkeyPatch, *words: str) -> tuple[int, str]:
    """Run a command in this process; returns its status and all that it says."""
    said = io.StringIO()
    with patch.context() as here, redirect_stdout(said), redirect_stderr(said):
        here.setattr(sys, "argv", ["banyan", *words])
        try:
            main()
        except SystemExit as end:
            return int(end.code or 0), said.getvalue()
    return 0, said.getvalue()
