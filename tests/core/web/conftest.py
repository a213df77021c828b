"""People and browsers for tests of the web application."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from core.app import Suite
from core.security.accounts import add_user
from core.security.actors import system_actor
from core.security.branches import add_branch
from core.security.models import Role
from core.security.permissions import CORE_ROLES, give_grant, sync_roles
from core.web.application import build_application

PASSWORD = "seven green apples"


@dataclass
class People:
    """A head office with two branches, and who works where."""

    branches: dict[str, int] = field(default_factory=dict)
    users: dict[str, int] = field(default_factory=dict)


@pytest.fixture
def people(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> People:
    hasher = _quick_hasher()
    monkeypatch.setattr("core.security.passwords._hasher", hasher)
    monkeypatch.setattr("core.security.passwords._NOBODY", hasher.hash("a text that nobody knows"))
    made = People()
    with suite.database.write(system_actor("test data")) as session:
        sync_roles(session, CORE_ROLES)
        head = add_branch(session, "3304", "嘉兴", None, "0573")
        north = add_branch(session, "330402", "南湖", head)
        south = add_branch(session, "330411", "秀洲", head)
        made.branches = {"head": head.id, "north": north.id, "south": south.id}
        places = {
            "anna": ("admin", None),
            "bo": ("clerk", north),
            "ce": ("reader", south),
            "mi": ("branch_manager", north),
        }
        for username, (role, branch) in places.items():
            user = add_user(session, username, username.title(), PASSWORD, branch or head)
            give_grant(session, user, session.scalars(select(Role).where(Role.code == role)).one(), branch)
            made.users[username] = user.id
        nobody = add_user(session, "nobody", "No Rights", PASSWORD)
        made.users["nobody"] = nobody.id
    return made


@pytest.fixture
def application(suite: Suite):
    return build_application(suite)


@pytest.fixture
def browser(application) -> Iterator[Callable[[], TestClient]]:
    opened: list[TestClient] = []

    def make() -> TestClient:
        client = TestClient(application, base_url="http://localhost:8000", follow_redirects=False)
        client.headers["Accept-Language"] = "en"
        opened.append(client)
        return client

    yield make
    for client in opened:
        client.close()
    application.state.keeper.wait()


@pytest.fixture
def signed_in(browser, people) -> Callable[[str], TestClient]:
    def sign_in(username: str) -> TestClient:
        client = browser()
        answer = client.post("/login", data={"username": username, "password": PASSWORD})
        assert answer.status_code == 303, answer.text
        client.headers["X-CSRF-Token"] = token_of(client)
        return client

    return sign_in


def token_of(client: TestClient) -> str:
    """Read the form token from a page, as a browser would."""
    return client.get("/search").text.partition('name="csrf-token" content="')[2].partition('"')[0]


def _quick_hasher():
    """Same algorithm, cheap parameters: the real ones take a tenth of a second each."""
    from argon2 import PasswordHasher

    return PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1)
