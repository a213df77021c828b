"""PostgreSQL: a plugin adds, fills and tightens a column of a large table, while others read from it without pause."""

import os
import shutil
import sys
import threading
import time

import pytest
from sqlalchemy import text

from core.testing.fixtures import make_settings, postgres_database
from tests.acceptance import shop

ROWS = int(os.environ.get("BANYAN_UPGRADE_ROWS", "200000"))
RATE, LEAST = 50, 10
"""Reads a second, and at all: how long the upgrade takes is the machine's affair."""


@pytest.fixture
def url():
    yield from postgres_database()


def forked(work):
    """Run a function in a forked process, since one process loads one version of a plugin; returns its number."""
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException:
            import traceback

            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    return child


def in_child(work):
    assert os.waitpid(forked(work), 0)[1] == 0


def act(settings, action):
    from core.app import build_suite
    from core.lifecycle.actions import perform
    from core.lifecycle.requests import Request

    suite = build_suite(settings, taking=("dummy_shop",))
    perform(suite, Request(action, "dummy_shop", by="test"))


def first_version(settings):
    from core.installation import initialise
    from core.security.actors import system_actor
    from core.security.branches import add_branch

    suite, _ = initialise(settings)
    with suite.database.write(system_actor("test")) as session:
        branch = add_branch(session, "3304", "嘉兴", None, "0573").id
        rows = "SELECT 'n' || n, n, :branch FROM generate_series(1, :rows) AS n"
        statement = text(f"INSERT INTO dummy_shop_order (name, amount, branch_id) {rows}")
        session.connection().execute(statement, {"branch": branch, "rows": ROWS})


@pytest.mark.services
def test_readers_go_on_while_a_large_table_is_changed(url, tmp_path):
    place = tmp_path / "code"
    shutil.copytree(shop.VERSIONS / "1.0", place)
    settings = make_settings(tmp_path / "data", ("dummy_shop",), (place,), url)
    in_child(lambda: first_version(settings))
    shutil.copytree(shop.VERSIONS / "2.0", place, dirs_exist_ok=True)
    shutil.rmtree(place / "dummy_shop" / "__pycache__", ignore_errors=True)
    times, faults, stop = [], [], threading.Event()

    def read():
        from core.db.session import Database

        database = Database(url.replace("postgresql://", "postgresql+psycopg://"))
        while not stop.is_set():
            start = time.monotonic()
            try:
                with database.reader.connect() as connection:
                    found = connection.execute(
                        text("SELECT count(*) FROM (SELECT id FROM dummy_shop_order LIMIT 50) x")
                    )
                    assert found.scalar() == 50
            except Exception as error:
                faults.append(error)
            times.append(time.monotonic() - start)
            stop.wait(max(0.0, 1 / RATE - times[-1]))
        database.dispose()

    reader = threading.Thread(target=read)
    child = forked(lambda: act(settings, "upgrade"))
    reader.start()
    status = os.waitpid(child, 0)[1]
    stop.set()
    reader.join()

    times.sort()
    p99, worst = (1000 * times[int(len(times) * 0.99) - 1], 1000 * times[-1])
    sys.stdout.write(f"{ROWS} rows, {len(times)} reads: p99 {p99:.0f} ms, worst {worst:.0f} ms\n")
    assert status == 0
    assert faults == []
    assert len(times) > LEAST
    in_child(lambda: check(settings))


def check(settings):
    from core.app import build_suite
    from core.lifecycle.overview import one

    suite = build_suite(settings)
    row = one(suite, "dummy_shop")
    with suite.database.reader.connect() as connection:
        filled = connection.execute(text("SELECT count(*) FROM dummy_shop_order WHERE colour = 'red'")).scalar()
    assert (row.state, row.installed_version, row.revision, filled) == ("installed", "2.0", "0003_tight", ROWS)
