"""The proof of access: every route × role × branch, taken from the route table, shows and changes no foreign row.

A plugin that is added to the folder is proven without a test of its own.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from sqlalchemy import select
from starlette.routing import Route
from starlette.testclient import TestClient

from core.app import Suite
from core.crypto import create_keys
from core.installation import initialise
from core.security.accounts import add_user
from core.security.actors import system_actor
from core.security.models import Branch, Role, User
from core.security.permissions import give_grant
from core.security.sessions import csrf_token, start_session
from core.testing.fixtures import make_settings
from core.web.application import build_application
from core.web.routing import PLAIN_COOKIE, Endpoint
from tests.acceptance.filled_branches import BRANCH, ID, MARK, PLACES, fill, rows_of_others

pytestmark = [pytest.mark.feature("CO-12", "EX-21"), pytest.mark.proof]
PLUGINS = tuple(sorted(path.parent.name for path in (Path(__file__).parents[2] / "plugins").glob("*/plugin.toml")))
PARAMETER = re.compile(r"\{(\w+)(?::(\w+))?\}")
SYSTEM = system_actor("proof of access")


@pytest.fixture
def suite(database_url: str, tmp_path: Path) -> Iterator[Suite]:
    create_keys(tmp_path / "data" / "keys" / "vault.json")
    suite, _ = initialise(make_settings(tmp_path / "data", PLUGINS, (), database_url))
    with suite.database.write(SYSTEM) as session:
        owner = add_user(session, "rows", "Rows", None).id
    fill(suite, owner)
    yield suite
    suite.close()


class Visitor:
    """Somebody with a role at the own branch, and what must stay hidden."""

    def __init__(self, suite: Suite, application: Any, role: str, *, below: bool) -> None:
        self.suite, self.name = suite, f"{role}{'-below' if below else ''}"
        self.foreign = [place for place in PLACES if place not in ({"own", "child"} if below else {"own"})]
        self.client = TestClient(application, base_url="http://localhost:8000", follow_redirects=False)
        self.client.headers["Accept-Language"] = "en"
        self.lacks_permission = False
        with suite.database.write(SYSTEM) as session:
            branch = session.scalars(select(Branch).where(Branch.id == BRANCH["own"])).one()
            self.user = add_user(session, self.name.replace("_", "-"), "Visitor", None, branch)
            held = session.scalars(select(Role).where(Role.code == role)).one()
            give_grant(session, self.user, held, branch, subtree=below)
            self.user_id = self.user.id
        self.enter()

    def enter(self) -> None:
        with self.suite.database.write(SYSTEM) as session:
            user = session.scalars(select(User).where(User.id == self.user_id)).one()
            token = start_session(session, user, "", "")
        self.client.cookies.clear()
        self.client.cookies.set(PLAIN_COOKIE, token)
        self.client.headers["X-CSRF-Token"] = csrf_token(token)

    def ask(self, method: str, path: str) -> Any:
        answer = self.client.request(method, path)
        self.lacks_permission = answer.status_code == 403 and "needs the permission" in answer.text
        if answer.headers.get("location", "").startswith("/login"):
            self.enter()
        return answer

    def leaks(self, path: str, answer: Any) -> list[str]:
        """Foreign rows that an answer shows.

        The address, which pages repeat, is none; nor is the number asked for in a refusal.
        """
        text = answer.text.replace(path, "").replace(quote(path, safe=""), "")
        hidden = [place for place in self.foreign if answer.status_code < 400 or str(ID[place]) not in path]
        marks = [place for place in self.foreign if MARK[place] in text]
        return marks + [place for place in hidden if str(ID[place]) in text]


@dataclass
class Seen:
    """What the visitors met, (who, method, address, what)."""

    leaks: list[tuple[str, str, str, list[str]]] = field(default_factory=list)
    accepted: list[tuple[str, str, str, int]] = field(default_factory=list)
    broken: list[tuple[str, str, str, int]] = field(default_factory=list)
    asked: int = 0

    def note(self, visitor: Visitor, method: str, path: str, answer: Any, *, writes: bool) -> None:
        self.asked += 1
        if found := visitor.leaks(path, answer):
            self.leaks.append((visitor.name, method, path, found))
        if answer.status_code >= 500:
            self.broken.append((visitor.name, method, path, answer.status_code))
        if writes and answer.status_code < 400:
            self.accepted.append((visitor.name, method, path, answer.status_code))


def addresses(suite: Suite, path: str, place: str) -> list[str]:
    """A path with the row of a place in it; other parts take what the installation has."""
    if {"model", "field"} <= {name for name, _ in PARAMETER.findall(path)}:
        masked = [(model.id, name) for model in suite.registry for name, field in model.fields.items() if field.mask]
        paths = [path.replace("{model}", model).replace("{field}", name) for model, name in masked]
    else:
        models = [model.id for model in suite.registry]
        paths = [path.replace("{model}", model) for model in models] if "{model}" in path else [path]
    return [PARAMETER.sub(lambda found: str(ID[place]) if is_row(*found.groups()) else "x", each) for each in paths]


def is_row(name: str, kind: str | None) -> bool:
    return kind == "int" or name == "record_id"


def has_row(path: str) -> bool:
    return any(is_row(*found) for found in PARAMETER.findall(path))


def visits(suite: Suite, application: Any, visitor: Visitor, *, safe: bool) -> Iterator[tuple[str, str, bool]]:
    """Every (method, address, names a foreign row) of the route table, the JSON interface included."""
    known: list[tuple[str, str]] = [
        (method, route.path)
        for route in application.routes
        if isinstance(route, Route) and isinstance(route.endpoint, Endpoint)
        for method in sorted(route.methods - {"HEAD"})
    ]
    described = visitor.client.get("/api/v1/openapi.json").json()["paths"]
    known += [(verb.upper(), path) for path, verbs in described.items() for verb in verbs]
    for method, path in known:
        if (method == "GET") is safe:
            for place in visitor.foreign if has_row(path) else visitor.foreign[:1]:
                for address in addresses(suite, path, place):
                    yield method, address, has_row(path)
                if visitor.lacks_permission:
                    break  # refused before any row was looked for


def assert_own_rows_are_shown(suite: Suite, visitor: Visitor) -> None:
    """Without this the proof could pass on empty pages."""
    for model in suite.registry:
        if model.owner != "core" and not model.declaration.shared:
            page = visitor.client.get(f"/api/v1{model.url}").json()
            assert {item["id"] for item in page["items"]} == {ID["own"], ID["child"]}, model.id
            assert visitor.client.get(f"/api/v1{model.url}/{ID['own']}").status_code == 200, model.id


def test_no_route_shows_or_changes_a_row_of_another_branch(suite: Suite) -> None:
    application = build_application(suite)
    with suite.database.read(SYSTEM) as session:
        roles = session.scalars(select(Role.code).order_by(Role.code)).all()
    visitors = [Visitor(suite, application, role, below=False) for role in roles]
    visitors.append(Visitor(suite, application, "branch_manager", below=True))
    assert_own_rows_are_shown(suite, visitors[-1])
    seen = Seen()
    for visitor in visitors:
        before = rows_of_others(suite, set(PLACES) - set(visitor.foreign))
        with visitor.client:  # one event loop for all its questions
            for safe in (True, False):
                for method, path, foreign_row in visits(suite, application, visitor, safe=safe):
                    seen.note(visitor, method, path, visitor.ask(method, path), writes=foreign_row and not safe)
        after = rows_of_others(suite, set(PLACES) - set(visitor.foreign))
        changed = [name for name in before if before[name] != after[name]]
        assert (visitor.name, changed) == (visitor.name, [])
    assert seen.leaks == []
    assert seen.accepted == []
    assert seen.broken == []
    assert seen.asked > 1000


def test_the_matrix_shows_and_exports_who_may_do_what_where(suite: Suite) -> None:
    application = build_application(suite)
    admin = Visitor(suite, application, "admin", below=True)
    manager = Visitor(suite, application, "branch_manager", below=False)

    page, file = admin.client.get("/access"), admin.client.post("/access/export")

    rows = list(csv.reader(io.StringIO(file.text.removeprefix("\ufeff"))))
    roles = rows[0][2:]
    marks = {row[1]: dict(zip(roles, row[2:], strict=True)) for row in rows[1:] if len(row) == len(rows[0])}
    assert page.status_code == 200
    assert "crm_customers.customer.export" in page.text
    assert marks["crm_customers.customer.view"]["Reader"] == "✓"
    assert marks["crm_customers.customer.edit"]["Reader"] == ""
    assert marks["core.user.edit"]["Branch manager"] == ""
    assert any(row[1:2] == ["branch-manager"] and "Bown own" in row for row in rows)
    assert manager.client.get("/access").status_code == 403
