"""Health of an installation, check by check, for `banyan doctor` and the readiness address."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import BanyanError
from core.i18n import localised, terminal_locale

if TYPE_CHECKING:
    from core.app import Suite

LEAST_FREE = 0.05
"""Share of the disk that must be free."""
BROKER_SECONDS = 3.0
SQLITE_HEADER = b"SQLite format 3\0"
"""First bytes of every database file (SQLite file format, 1.3.1)."""


@dataclass(frozen=True)
class CheckResult:
    """One line of the report."""

    id: str
    ok: bool
    text: str


def check_all(suite: Suite) -> list[CheckResult]:
    """Run all checks; one that fails in an unexpected way counts as not ok and does not stop the others."""
    suite.plugins.check()
    checks: list[tuple[str, Callable[[Suite], tuple[bool, str]]]] = [
        ("python", _python),
        ("sqlite", _sqlite),
        ("database", check_database),
        ("row_security", _row_security),
        ("keys", _keys),
        ("disk", _disk),
        ("broker", _broker),
        ("plugin_faults", _faults),
    ]
    checks += [(check.id, check.run) for _, check in suite.plugins.collect("core_health_checks")]
    return [_run(name, check, suite) for name, check in checks] + _plugins(suite)


def is_ready(suite: Suite) -> bool:
    """Whether requests can be served: the database is there and answers, and the disk is not full."""
    return all(_run("ready", check, suite).ok for check in (_answers, _disk))


def check_database(suite: Suite) -> tuple[bool, str]:
    """Whether the database answers and its tables are those of the code."""
    from core.db.migrate import unserved

    behind = unserved(suite.database, suite.plugins)
    kind = suite.database.writer.dialect.name
    if behind:
        return False, f"{kind}: {', '.join(source.owner for source in behind)} need `banyan db upgrade`"
    return True, f"{kind}: the tables are those of this code"


def _answers(suite: Suite) -> tuple[bool, str]:
    if suite.database.is_sqlite and not _is_database_file(Path(suite.database.writer.url.database or "")):
        return False, "the file is no database any more"
    with suite.database.reader.connect() as connection:
        connection.exec_driver_sql("SELECT 1 FROM core_user LIMIT 1")
    return True, ""


def _is_database_file(file: Path) -> bool:
    """Whether a file begins as SQLite writes it; an open connection may go on answering from its memory."""
    with file.open("rb") as stream:
        return stream.read(len(SQLITE_HEADER)) == SQLITE_HEADER


def _run(name: str, check: Callable[[Suite], tuple[bool, str]], suite: Suite) -> CheckResult:
    try:
        ok, text = check(suite)
    except BanyanError as error:
        return CheckResult(name, False, " ".join(localised(error, terminal_locale())))
    except Exception as error:
        return CheckResult(name, False, f"{type(error).__name__}: {error}".splitlines()[0])
    return CheckResult(name, ok, text)


def _python(_suite: Suite) -> tuple[bool, str]:
    return sys.version_info >= (3, 11), sys.version.split()[0]


def _sqlite(_suite: Suite) -> tuple[bool, str]:
    from core.db.engine import SAFE_SQLITE
    from core.db.sqlite import dbapi2

    return dbapi2.sqlite_version_info >= SAFE_SQLITE, str(dbapi2.sqlite_version)


def _row_security(suite: Suite) -> tuple[bool, str]:
    from core.db.row_security import is_bound, unprotected

    if suite.database.is_sqlite:
        return True, "not there on SQLite: sessions alone keep branches apart"
    with suite.database.reader.connect() as connection:
        lacking = unprotected(connection, suite.database.shared_tables)
        if lacking:
            return False, f"no policy on {', '.join(lacking)}: run `banyan db upgrade`"
        if is_bound(connection):
            return True, "the database itself keeps branches apart"
    return True, "without effect: the role owns the tables or is a superuser; see [database] owner_url"


def _keys(suite: Suite) -> tuple[bool, str]:
    suite.vault.check()
    mode = suite.vault.file.stat().st_mode & 0o077
    return mode == 0, "readable by the owner only" if mode == 0 else f"{suite.vault.file} is open to others: chmod 600"


def _disk(suite: Suite) -> tuple[bool, str]:
    usage = shutil.disk_usage(suite.settings.data.folder)
    share = usage.free / usage.total
    return share >= LEAST_FREE, f"{share:.0%} free ({usage.free // 2**20} MiB)"


def _broker(suite: Suite) -> tuple[bool, str]:
    from core.jobs.celery_app import create_celery

    if not suite.settings.broker.url:
        return True, "embedded"
    with create_celery(suite.settings).connection_for_write(connect_timeout=BROKER_SECONDS) as connection:
        connection.ensure_connection(max_retries=1, timeout=BROKER_SECONDS)
        return True, f"{connection.transport_cls} answers"


def _faults(suite: Suite) -> tuple[bool, str]:
    from core.jobs.faults import ACTOR, faults

    with suite.database.read(ACTOR) as session:
        found = [f"{row.plugin}: {row.part} {row.state} ({row.failures}; {row.error})" for row in faults(session)]
    return not found, "; ".join(found) or "no part of a plugin fails, is left out or too slow"


def _plugins(suite: Suite) -> list[CheckResult]:
    return [
        CheckResult(
            f"plugin.{state.id}",
            not state.is_faulty,
            " ".join(localised(state.error, terminal_locale())) if state.error else state.status,
        )
        for state in suite.plugins.states.values()
    ]
