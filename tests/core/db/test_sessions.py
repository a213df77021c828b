"""Sessions of several processes on one SQLite file: no update is lost, none fails as locked (T-07)."""

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from core.app import import_core_tables
from core.db.base import Base
from core.db.session import Database
from core.errors import UnscopedError
from core.plugin.models import Epoch
from core.security.actors import system_actor
from tests import forked

ACTOR = system_actor("test")
PROCESSES = 4
ROUNDS = 300


def count_up(url, failures):
    import_core_tables()
    database = Database(url)
    for _ in range(ROUNDS):
        try:
            with database.write(ACTOR) as session:
                session.scalars(select(Epoch)).one().value += 1
        except Exception as error:
            failures.put(repr(error))
    database.dispose()


@pytest.fixture
def sqlite(tmp_path):
    import_core_tables()
    database = Database(f"sqlite:///{tmp_path / 'banyan.db'}")
    Base.metadata.create_all(database.writer)
    with database.write(ACTOR) as session:
        session.add(Epoch(name="counter", value=0))
    yield database
    database.dispose()


def test_no_update_of_four_processes_is_lost(sqlite):
    failures = forked.CONTEXT.Queue()
    processes = [forked.CONTEXT.Process(target=count_up, args=(sqlite.url, failures)) for _ in range(PROCESSES)]

    for process in processes:
        process.start()
    for process in processes:
        process.join()

    assert failures.empty()
    with sqlite.read(ACTOR) as session:
        assert session.scalars(select(Epoch)).one().value == PROCESSES * ROUNDS


def test_a_reading_session_cannot_write(sqlite):
    with sqlite.read(ACTOR) as session:
        session.add(Epoch(name="other", value=0))
        with pytest.raises(OperationalError, match="readonly"):
            session.flush()


def test_a_unit_of_work_that_raises_leaves_nothing(sqlite):
    with pytest.raises(ZeroDivisionError), sqlite.write(ACTOR) as session:
        session.add(Epoch(name="other", value=1 // 0))

    with sqlite.read(ACTOR) as session:
        assert [row.name for row in session.scalars(select(Epoch))] == ["counter"]


def test_a_session_without_an_actor_answers_nothing(sqlite):
    with sqlite.read(None) as session, pytest.raises(UnscopedError):
        session.scalars(select(Epoch)).all()
