"""An office with two branches, customers of both, and people who sign in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from sqlalchemy import select
from starlette.testclient import TestClient

from core.app import Suite, build_suite
from core.registry.filter_values import today_here
from core.search import index
from core.security.accounts import add_user
from core.security.actors import system_actor
from core.security.branches import add_branch
from core.security.models import Role
from core.security.permissions import CORE_ROLES, give_grant, sync_roles
from core.testing.fixtures import make_settings
from core.testing.tables import make_tables
from core.web.application import build_application
from plugins.crm_customers.class_settings import seed_settings
from plugins.crm_customers.classify import classify_all
from plugins.crm_customers.models import (
    Claim,
    ContactPoint,
    Customer,
    CustomerBranch,
    CustomerIdentity,
    InsuredItem,
    Policy,
    PolicyTerm,
    Receivable,
    Vehicle,
)
from plugins.crm_customers.search import CUSTOMER_KIND, VEHICLE_KIND, customer_document, vehicle_tokens

PASSWORD = "seven green apples"
TODAY = today_here()
STARTED = TODAY - timedelta(days=100)
ENDS = STARTED + timedelta(days=364)


@dataclass
class Office:
    """The suite under test with its branches; adds records as the system."""

    suite: Suite
    branches: dict[str, int] = field(default_factory=dict)

    def add(self, *rows: Any) -> list[int]:
        with self.suite.database.write(system_actor("test data")) as session:
            session.add_all(rows)
            session.flush()
            return [row.id for row in rows]

    def customer(self, name: str, *branches: str, **values: Any) -> int:
        pinyin, tokens = customer_document(name)
        (number,) = self.add(
            Customer(number=f"C{abs(hash(name)) % 10**8:08d}", name=name, name_key=name, pinyin=pinyin, **values)
        )
        self.add(
            *(CustomerBranch(customer_id=number, branch_id=self.branches[each], since=STARTED) for each in branches)
        )
        with self.suite.database.writer.begin() as connection:
            index.add(connection, [(index.document(CUSTOMER_KIND, number), tokens)])
        return number

    def phone(self, customer: int, value: str) -> int:
        vault = self.suite.vault
        point = ContactPoint(
            customer_id=customer, kind="mobile", value_sealed=b"-", value_index=vault.index(value, ContactPoint.place),
            masked=f"{value[:3]}****{value[-4:]}", tail=value[-4:], since=STARTED, source="core",
        )  # fmt: skip
        with self.suite.database.write(system_actor("test data")) as session:
            session.add(point)
            session.flush()
            point.value_sealed = vault.seal(value, ContactPoint.place, point.id)
            return point.id

    def document(self, customer: int, number: str) -> None:
        place = CustomerIdentity.place
        self.add(CustomerIdentity(
            customer_id=customer, kind="resident_id", number_sealed=b"-",
            number_index=self.suite.vault.index(number, place),
            masked=f"{number[:6]}********{number[-4:]}", source="core",
        ))  # fmt: skip

    def policy(
        self, holder: int, branch: str, number: str, premium: str, *, start: date = STARTED, plate: str = ""
    ) -> int:
        end = start + timedelta(days=364)
        common: dict[str, Any] = {"branch_id": self.branches[branch], "source": "core", "source_key": number}
        (policy,) = self.add(
            Policy(
                policy_no=number,
                holder_id=holder,
                line="commercial",
                product="机动车商业保险",
                start_on=start,
                end_on=end,
                **common,
            )
        )
        (term,) = self.add(PolicyTerm(policy_id=policy, start_on=start, end_on=end, premium=Decimal(premium), **common))
        if plate:
            (vehicle,) = self.add(
                Vehicle(identity_key=f"plate:{plate}|", plate=plate, owner_id=holder, branch_id=self.branches[branch])
            )
            self.add(InsuredItem(term_id=term, vehicle_id=vehicle, branch_id=self.branches[branch]))
            with self.suite.database.writer.begin() as connection:
                index.add(connection, [(index.document(VEHICLE_KIND, vehicle), vehicle_tokens(plate, None))])
        return policy

    def claim(self, policy: int, branch: str, number: str, paid: str, loss_on: date) -> None:
        common: dict[str, Any] = {"branch_id": self.branches[branch], "source": "core", "source_key": number}
        self.add(Claim(policy_id=policy, claim_no=number, paid=Decimal(paid), loss_on=loss_on, cause="追尾", **common))

    def receivable(self, policy: int, branch: str, due: str, due_on: date) -> None:
        common: dict[str, Any] = {
            "branch_id": self.branches[branch],
            "source": "core",
            "source_key": f"{policy}/{due_on}",
        }
        self.add(Receivable(policy_id=policy, amount_due=Decimal(due), due_on=due_on, **common))

    def classify(self) -> None:
        classify_all(self.suite.database, TODAY)


def open_office(suite: Suite) -> Office:
    """Make tables, branches, roles and people in a suite."""
    make_tables(suite.database)
    office = Office(suite)
    with suite.database.writer.begin() as connection:
        index.create(connection)
    with suite.database.write(system_actor("test data")) as session:
        seed_settings(session)
        sync_roles(session, CORE_ROLES)
        head = add_branch(session, "3304", "嘉兴", None, "0573")
        made = {
            "head": head,
            "north": add_branch(session, "330402", "南湖", head),
            "south": add_branch(session, "330411", "秀洲", head),
        }
        office.branches = {name: branch.id for name, branch in made.items()}
        roles = {role.code: role for role in session.scalars(select(Role))}
        for username, role, branch in (
            ("anna", "admin", None),
            ("bo", "clerk", made["north"]),
            ("ce", "reader", made["south"]),
        ):
            user = add_user(session, username, username.title(), PASSWORD, branch or head)
            give_grant(session, user, roles[role], branch)
    return office


@pytest.fixture
def office(data_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    # The real parameters take a tenth of a second for each sign-in.
    monkeypatch.setattr("core.security.passwords._hasher", PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1))
    suite = build_suite(make_settings(data_folder, ("crm_customers",)))
    yield open_office(suite)
    suite.close()


@pytest.fixture
def signed_in(office: Office) -> Iterator[Callable[[str], TestClient]]:
    application = build_application(office.suite)
    opened: list[TestClient] = []

    def sign_in(username: str, language: str = "en") -> TestClient:
        client = TestClient(application, base_url="http://localhost:8000", follow_redirects=False)
        client.headers["Accept-Language"] = language
        assert client.post("/login", data={"username": username, "password": PASSWORD}).status_code == 303
        page = client.get("/search").text
        client.headers["X-CSRF-Token"] = page.partition('name="csrf-token" content="')[2].partition('"')[0]
        opened.append(client)
        return client

    yield sign_in
    for client in opened:
        client.close()
    application.state.keeper.wait()
