"""Fixtures for tests of plugins: branches, people, records, jobs, the clock, what hooks and events were called with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from argon2 import PasswordHasher
from sqlalchemy import Boolean, Date, DateTime, Integer, LargeBinary, Numeric, select
from starlette.testclient import TestClient

from core.app import Suite
from core.db.base import Base
from core.db.session import ScopedSession
from core.installation import seed
from core.jobs.models import DONE, Job, Outbox
from core.jobs.queue import enqueue
from core.jobs.runner import run_job as run_queued
from core.registry.models import RegisteredModel
from core.security.accounts import add_user
from core.security.actors import Actor, system_actor
from core.security.branches import add_branch
from core.security.models import Branch, User
from core.security.permissions import find_role, give_grant
from core.web.application import build_application

PASSWORD = "seven green apples"  # noqa: S105 -- of people who exist in tests only
BRANCHES = (("head", "3304", "嘉兴", ""), ("north", "330402", "南湖", "head"), ("south", "330411", "秀洲", "head"))
"""Name in tests, code, name, name of the branch above."""


@dataclass
class Outcome:
    """How a job ended: its row's state, what it returned or why it failed."""

    state: str
    result: Any
    error: str
    actor: Actor


@dataclass
class Captured:
    """Calls of hooks and events, (name, arguments) in order."""

    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def of(self, name: str) -> list[dict[str, Any]]:
        """Return the arguments of each call of one hook or event."""
        return [arguments for called, arguments in self.calls if called == name]


@pytest.fixture
def branch_tree(suite: Suite) -> dict[str, int]:
    """A head office with two branches, ``head``, ``north`` and ``south``: their ids."""
    seed(suite)
    return make_branches(suite)


@pytest.fixture
def application(suite: Suite) -> Any:
    """The web application."""
    return build_application(suite)


@pytest.fixture
def client_as(
    application: Any, suite: Suite, branch_tree: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., TestClient]]:
    """Give a client signed in with a role: ``client_as("clerk", "north")``; without branch for the whole installation.

    The role is a code of a seeded role, or "" for nobody's rights.
    """
    monkeypatch.setattr("core.security.passwords._hasher", quick_hasher())
    opened: list[TestClient] = []

    def sign_in(role: str, branch: str = "") -> TestClient:
        name = f"{role or 'nobody'}-{branch or 'all'}".replace("_", "-")
        with suite.database.write(system_actor("test data")) as session:
            if session.scalar(select(User.id).where(User.username == name)) is None:
                add_person(session, name, role, branch_tree.get(branch), branch_tree["head"])
        client = open_client(application)
        opened.append(client)
        return sign_in_client(client, name)

    yield sign_in
    for client in opened:
        client.close()
    application.state.keeper.wait()


@pytest.fixture
def make_record(suite: Suite) -> Callable[..., int]:
    """Make a record: ``make_record("crm_customers.customer", name="张三")``; what is required is filled in."""

    def make(model_id: str, **values: Any) -> int:
        with suite.database.write(system_actor("test data")) as session:
            return add_sample(session, suite.registry.get(model_id), **values)

    return make


@pytest.fixture
def add_source_key(suite: Suite) -> Callable[[int, str, str], None]:
    """Give a customer the number that a source system has for it: ``add_source_key(customer, "core", "C1")``."""

    def add(customer_id: int, source: str, key: str) -> None:
        table = Base.metadata.tables["crm_customers_customer_source"]
        with suite.database.write(system_actor("test data")) as session:
            values = {"customer_id": customer_id, "source": source, "source_key": key}
            session.connection().execute(table.insert().values(values))

    return add


@pytest.fixture
def run_job(suite: Suite) -> Callable[..., Outcome]:
    """Run a declared job now as a worker would: ``run_job("acme.tidy", {"days": 3}, branch_id=1)``."""

    def run(name: str, payload: dict[str, Any] | None = None, branch_id: int | None = None) -> Outcome:
        return run_now(suite, name, payload, branch_id)

    return run


@pytest.fixture
def captured(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> Captured:
    """Note every event and every gather hook that the suite calls from now on, and every event that is emitted."""
    found = Captured()
    for kind in ("event", "gather"):
        monkeypatch.setattr(suite.plugins, kind, _noting(found, getattr(suite.plugins, kind)))
    init = Outbox.__init__

    def noted(row: Any, **values: Any) -> None:
        found.calls.append((values["event"], dict(values.get("payload", {}))))
        init(row, **values)

    monkeypatch.setattr(Outbox, "__init__", noted)
    return found


@pytest.fixture
def frozen_clock() -> Iterator[Callable[[str], None]]:
    """Set the clock and stop it: ``frozen_clock("2026-11-20 09:00+08:00")``; needs the package time-machine."""
    time_machine = pytest.importorskip("time_machine")
    travels: list[Any] = []

    def stop_at(moment: str) -> None:
        for travel in travels:
            travel.stop()
        travels[:] = [time_machine.travel(datetime.fromisoformat(moment), tick=False)]
        travels[0].start()

    yield stop_at
    for travel in travels:
        travel.stop()


def run_now(suite: Suite, name: str, payload: dict[str, Any] | None = None, branch_id: int | None = None) -> Outcome:
    """Queue a job and run it in this process."""
    actor = system_actor("test of a job")
    with suite.database.write(actor) as session:
        number = enqueue(session, name, payload or {}, key=None, actor=actor, branch_id=branch_id)
        session.after_commit.clear()
    state = run_queued(suite, number)
    with suite.database.read(actor) as session:
        row = session.get_one(Job, number)
        return Outcome(state or row.state, row.result if row.state == DONE else None, row.error, actor)


def make_branches(suite: Suite) -> dict[str, int]:
    """Make a head office with two branches; returns their ids by name."""
    rows: dict[str, Branch] = {}
    with suite.database.write(system_actor("test data")) as session:
        for name, code, title, parent in BRANCHES:
            rows[name] = add_branch(session, code, title, rows.get(parent), "0573" if not parent else "")
        return {name: row.id for name, row in rows.items()}


def add_person(session: ScopedSession, name: str, role: str, branch_id: int | None, head_id: int) -> User:
    """Add a person who holds a role at a branch, or everywhere; without role they have no rights."""
    branch = session.get_one(Branch, branch_id) if branch_id is not None else None
    user = add_user(session, name, name.title(), PASSWORD, branch or session.get_one(Branch, head_id))
    user.locale = "en"
    if role:
        give_grant(session, user, find_role(session, role), branch)
    return user


def open_client(application: Any) -> TestClient:
    """Return a client of the application for nobody yet."""
    client = TestClient(application, base_url="http://localhost:8000", follow_redirects=False)
    client.headers["Accept-Language"] = "en"
    return client


def sign_in_client(client: TestClient, username: str) -> TestClient:
    """Sign a client in and give it the form token, as a browser reads it from the page."""
    answer = client.post("/login", data={"username": username, "password": PASSWORD})
    assert answer.status_code == 303, answer.text
    page = client.get("/search").text
    client.headers["X-CSRF-Token"] = page.partition('name="csrf-token" content="')[2].partition('"')[0]
    return client


def quick_hasher() -> PasswordHasher:
    """Return the product's hash with cheap parameters: the real ones take a tenth of a second each."""
    return PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1)


def add_sample(session: ScopedSession, model: RegisteredModel, **values: Any) -> int:
    """Add a record; columns that need a value and have none get one of their type.

    Args:
        session: A write session.
        model: Its model.
        **values: What the test is about.
    """
    filled = dict(values)
    for column in model.table.columns:
        open_column = not (column.nullable or column.default or column.server_default or column.primary_key)
        if open_column and column.name not in filled:
            filled[column.name] = _sample(column, session)
    row = model.entity(**filled)
    session.add(row)
    session.flush()
    return row.id


def _sample(column: Any, session: ScopedSession) -> Any:
    if column.foreign_keys:
        target = next(iter(column.foreign_keys)).column
        return session.connection().execute(select(target).limit(1)).scalar()
    field = column.info.get("field")
    if field is not None and field.options:
        return field.options[0].code
    for kind, value in _SAMPLES:
        if isinstance(column.type, kind):
            return value
    return f"{column.name} 1"[: getattr(column.type, "length", None) or 20]


_SAMPLES: tuple[tuple[Any, Any], ...] = (
    (Boolean, False),
    (DateTime, datetime(2026, 1, 2, 3, 4, tzinfo=UTC)),
    (Date, date(2026, 1, 2)),
    (Numeric, Decimal(1)),
    (Integer, 1),
    (LargeBinary, b"1"),
)


def _noting(found: Captured, call: Callable[..., Any]) -> Callable[..., Any]:
    def noted(hook_name: str, **arguments: Any) -> Any:
        found.calls.append((hook_name, {name: value for name, value in arguments.items() if name != "in_branch"}))
        return call(hook_name, **arguments)

    return noted
