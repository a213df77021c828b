"""Whatever statement of the database fails, in an import, an undo, a classification or a form: nothing is lost.

The message says what happened, what was there before is there, and the next try does the whole work. On SQLite every
statement fails once, on PostgreSQL a sample of them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, make_url, text
from starlette.testclient import TestClient

from core import app
from core.app import Suite
from core.db.sqlite import dbapi2
from core.imports.requests import StageRequest
from core.imports.stage import stage_here
from core.installation import initialise
from core.security.accounts import add_user
from core.security.actors import system_actor
from core.security.branches import add_branch
from core.security.permissions import find_role, give_grant
from core.testing.fixtures import POSTGRES, make_settings, postgres_database
from core.web.application import build_application
from tests.acceptance.failing import PROBLEM, Fault, command, on_postgresql, on_sqlite
from tests.acceptance.installation import PASSWORD
from tests.acceptance.test_core_files import POLICY, policy, written

pytestmark = pytest.mark.proof

DAYS = ("2026-01-01", "2026-12-31")
HEAD = (*POLICY, "投保人联系电话")
BEFORE = (("P1", "陈美芳", "100"), ("P2", "沈建国", "200"))
AFTER = (("P1", "陈美芳", "150"), ("P3", "陆小明", "300"), ("P4", "", "1"))
"""A changed policy, a new one, a refused one."""
FACTS = {
    "customers": "SELECT name, kind, class_code, premium_12m FROM crm_customers_customer",
    "policies": "SELECT policy_no, state FROM crm_customers_policy",
    "terms": "SELECT p.policy_no, t.premium FROM crm_customers_policy_term t JOIN crm_customers_policy p "
    "ON p.id = t.policy_id",
    "numbers": "SELECT kind, masked FROM crm_customers_contact_point",
    "sources": "SELECT source, source_key FROM crm_customers_customer_source",
    "history": "SELECT class_code FROM crm_customers_class_history",
    "batches": "SELECT state, read, new, changed, same, rejected FROM core_import_batch ORDER BY id",
    "rejects": "SELECT line FROM core_import_reject",
    "changes": "SELECT model, field, undone FROM core_import_change",
}
"""What a person would see of the work; identities and times differ from try to try."""


IMPORT = ("import", "policy", "{after}", "--branch", "330481")
WORK = {
    "import": ((), IMPORT),
    "undo": (IMPORT, ("import", "--undo", "2")),
    "classify": (IMPORT, ("classify",)),
}
"""What is done before, and the command whose statements fail."""
ENDED = (0, 3)
SAMPLES = 9
"""Statements that fail on PostgreSQL, evenly spread."""


_LEAVE = text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name")


class Book:
    """An installation with an import in it, on either database, whose statements can be made to fail."""

    def __init__(self, suite: Suite, fault: Fault, patch: pytest.MonkeyPatch, files: dict[str, str]) -> None:
        self.suite, self.fault, self._patch, self._files = suite, fault, patch, files
        self.is_sampled = not suite.database.is_sqlite

    def run(self, *words: str) -> tuple[int, str]:
        return command(self._patch, *(word.format(**self._files) for word in words))

    def facts(self) -> dict[str, list[str]]:
        with self.suite.database.read(system_actor("test")) as session:
            rows = {name: session.connection().execute(text(sql)).all() for name, sql in FACTS.items()}
        return {name: sorted(map(repr, found)) for name, found in rows.items()}

    def keep(self) -> Callable[[], None]:
        """Copy the database; returns what puts the copy back."""
        self.suite.database.dispose()
        return _keep_server(self.suite) if self.is_sampled else _keep_file(self.suite)

    def failures(self, work: Callable[[], Any], restore: Callable[[], None]) -> Iterator[tuple[int, Any]]:
        """Do the work once for each statement, which fails; yield its number and what came of it."""
        with self.fault.failing(0):
            work()
        number = self.fault.seen
        assert number > 3
        for at in range(1, number + 1, max(1, number // SAMPLES) if self.is_sampled else 1):
            restore()
            with self.fault.failing(at):
                outcome = work()
            yield at, outcome
        restore()


def _keep_file(suite: Suite) -> Callable[[], None]:
    file = suite.settings.data.folder / "banyan.db"
    kept = file.with_name("kept")

    def copy(source: Path, target: Path) -> None:
        with closing(dbapi2.connect(source)) as one, closing(dbapi2.connect(target)) as other:
            one.backup(other)

    copy(file, kept)
    return lambda: copy(kept, file)


def _keep_server(suite: Suite) -> Callable[[], None]:
    name = make_url(suite.database.url).database
    server = create_engine(POSTGRES.replace("postgresql://", "postgresql+psycopg://"), isolation_level="AUTOCOMMIT")

    def copy(source: str, target: str) -> None:
        suite.database.dispose()
        with server.connect() as connection:
            connection.execute(text(f'DROP DATABASE IF EXISTS "{target}" WITH (FORCE)'))
            connection.execute(_LEAVE, {"name": source})
            connection.execute(text(f'CREATE DATABASE "{target}" TEMPLATE "{source}"'))

    copy(str(name), f"{name}_kept")
    return lambda: copy(f"{name}_kept", str(name))


def _forget_copy(suite: Suite) -> None:
    server = create_engine(POSTGRES.replace("postgresql://", "postgresql+psycopg://"), isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        name = make_url(suite.database.url).database
        connection.execute(text(f'DROP DATABASE IF EXISTS "{name}_kept" WITH (FORCE)'))
    server.dispose()


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    """A policy list, and the list of the next day."""

    def list_of(name: str, rows: Sequence[tuple[str, str, str]]) -> str:
        full = [
            (*policy(number, holder, premium, *DAYS), f"1380573{number[1:]:>04}") for number, holder, premium in rows
        ]
        return str(written(tmp_path / name, HEAD, *full))

    return {"before": list_of("保单.csv", BEFORE), "after": list_of("保单2.csv", AFTER)}


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.services)])
def book(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, str]
) -> Iterator[Book]:
    """The first list imported and classified."""
    fault = Fault()
    with ExitStack() as left:
        (on_sqlite if request.param == "sqlite" else on_postgresql)(fault, monkeypatch)
        url = "" if request.param == "sqlite" else left.enter_context(contextmanager(postgres_database)())
        suite, _ = initialise(make_settings(tmp_path / "data", ("crm_customers",), database_url=url))
        with suite.database.write(system_actor("test data")) as session:
            city = add_branch(session, "3304", "嘉兴", None, "0573")
            haining = add_branch(session, "330481", "海宁", city, "0573")
            person = add_user(session, "haining", "Haining", PASSWORD, haining)
            give_grant(session, person, find_role(session, "branch_manager"), haining)
        monkeypatch.setattr("core.imports.stage.run_in_child", staged_here)
        monkeypatch.setattr(app, "build_suite", lambda *_: suite)
        monkeypatch.setattr(Suite, "close", lambda *_: None)
        monkeypatch.setenv("BANYAN_DATA__FOLDER", str(tmp_path / "data"))
        monkeypatch.setenv("BANYAN_DATABASE__URL", url)
        monkeypatch.setenv("LC_ALL", "C.UTF-8")
        book = Book(suite, fault, monkeypatch, files)
        for words in (("import", "policy", "{before}", "--branch", "330481"), ("classify",)):
            status, said = book.run(*words)
            assert status == 0, said
        yield book
        suite.database.dispose()
        if book.is_sampled:
            _forget_copy(suite)


def staged_here(request: StageRequest, *_: object) -> dict[str, Any]:
    """Read a file in this process: no statement that fails is one of the reading child's."""
    summary = stage_here(request.file, request.profile, request.staging, request.options, lambda *_: None)
    answer: dict[str, Any] = json.loads(json.dumps(asdict(summary), default=str))
    return answer


def without(facts: dict[str, list[str]], *names: str) -> dict[str, list[str]]:
    return {name: rows for name, rows in facts.items() if name not in names}


@pytest.mark.parametrize("work", WORK)
def test_a_command_whose_statement_fails_says_so_loses_nothing_and_succeeds_the_next_time(
    book: Book, work: str
) -> None:
    before, words = WORK[work]
    assert not before or book.run(*before)[0] in ENDED
    start, restore = book.facts(), book.keep()
    assert book.run(*words)[0] in ENDED
    done = book.facts()
    assert done != start
    restore()

    for at, (status, said) in book.failures(lambda: book.run(*words), restore):
        left = book.facts()
        begun = ("batches", "rejects") if work == "import" else ()
        assert without(left, *begun) in (without(start, *begun), without(done, *begun)), f"statement {at}: {left}"
        if status in ENDED:
            assert left == done, f"statement {at}"
            continue
        assert status == 1, f"statement {at}: {said}"
        assert said.startswith("banyan: "), f"statement {at}: {said}"
        assert PROBLEM in said
        again = book.run(*words)
        if left == done:  # the report failed, not the work; a second import or classification is one more
            assert without(book.facts(), "batches", "rejects") == without(done, "batches", "rejects")
            continue
        assert again[0] in ENDED, f"statement {at}, again: {again}"
        assert book.facts() == done, f"statement {at}, again: {again}"


def test_a_form_whose_statement_fails_keeps_the_record_and_is_saved_the_next_time(book: Book) -> None:
    with TestClient(build_application(book.suite), base_url="http://localhost:8000", follow_redirects=False) as client:
        client.headers["Accept-Language"] = "en"
        assert client.post("/login", data={"username": "haining", "password": PASSWORD}).status_code == 303
        client.headers["X-CSRF-Token"] = (
            client.get("/search").text.partition('name="csrf-token" content="')[2].partition('"')[0]
        )
        address = re.findall(r'class="row-link" href="([^"]+)"', client.get("/crm_customers/customers").text)[0]
        version = re.findall(r'name="version" value="(\d+)"', client.get(f"{address}/edit").text)[0]
        form = {"kind": "person", "credit": "good", "name": "陈美芬", "version": version}
        start, restore = book.facts(), book.keep()
        client.app.state.suite.database.dispose()

        for at, answer in book.failures(lambda: client.post(f"{address}/edit", data=form), restore):
            if answer.status_code == 303:
                assert "陈美芬" in str(book.facts()["customers"]), f"statement {at}"
                continue
            assert answer.status_code in {500, 503}, f"statement {at}: {answer.status_code}"
            assert re.search(r"Request number|number", answer.text), f"statement {at}: {answer.text}"
            assert book.facts() == start, f"statement {at}"
            assert client.post(f"{address}/edit", data=form).status_code == 303, f"statement {at}, again"
            assert "陈美芬" in str(book.facts()["customers"]), f"statement {at}, again"
