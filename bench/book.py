"""A book of customers of any size, written straight into the tables: what the page measurements read."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import select, text

from bench.policy_file import GIVEN, SURNAMES, TOWNS
from core.app import Suite
from core.db.base import Base, utc_now
from core.db.bulk import insert_rows
from core.registry.filter_values import today_here
from core.search import index
from core.security.accounts import add_user
from core.security.actors import system_actor
from core.security.models import Branch, User
from core.security.permissions import find_role, give_grant
from core.security.sessions import start_session
from plugins.crm_customers.classify import classify_all
from plugins.crm_customers.importing.person import CONTACT_PLACE
from plugins.crm_customers.search import CUSTOMER_KIND, VEHICLE_KIND, customer_document, vehicle_tokens

PIECE = 20_000
BRANCHES = 8


def build(suite: Suite, customers: int) -> None:
    """Write customers with a phone, a policy, a vehicle, a branch relation and their search tokens."""
    with suite.database.write(system_actor("bench")) as session:
        session.add_all([Branch(code=f"3304{at:02d}", name=f"支公司{at}") for at in range(BRANCHES)])
    for first in range(1, customers + 1, PIECE):
        with suite.database.write(system_actor("bench")) as session:
            write_piece(suite, session.connection(), range(first, min(first + PIECE, customers + 1)))


def write_piece(suite: Suite, connection: Any, ids: Sequence[int]) -> None:
    chance = random.Random(ids[0])
    people = [(row_id, chance.choice(SURNAMES) + "".join(chance.choices(GIVEN, k=2))) for row_id in ids]
    keys = {row_id: customer_document(name) for row_id, name in people}
    for table, columns, rows in tables(suite, chance, people, keys):
        insert_rows(connection, Base.metadata.tables[f"crm_customers_{table}"], columns, rows)
    index.add(connection, [(index.document(CUSTOMER_KIND, row_id), keys[row_id][1]) for row_id in ids])
    index.add(
        connection, [(index.document(VEHICLE_KIND, row_id), vehicle_tokens(plate(row_id), None)) for row_id in ids]
    )


def finish(suite: Suite) -> None:
    """Classify the book, so that the pages show reasons, and let the database count its rows."""
    classify_all(suite.database, today_here())
    with suite.database.writer.begin() as connection:
        connection.execute(text("ANALYZE"))


def sign_in(suite: Suite) -> str:
    """Return the session of a clerk of the second branch, added if need be."""
    with suite.database.write(system_actor("bench")) as session:
        user = session.scalar(select(User).where(User.username == "clerk"))
        if user is None:
            branch = session.scalars(select(Branch).order_by(Branch.id).offset(1)).first()
            user = add_user(session, "clerk", "Clerk", None, branch)
            session.flush()  # the grant needs the user's id
            give_grant(session, user, find_role(session, "clerk"), branch)
        return start_session(session, user, "127.0.0.1", "bench")


def period(row_id: int) -> tuple[str, str]:
    """Return first and last day of a policy: a year that ends today or on one of the days after."""
    last = today_here() + timedelta(days=row_id % 365)
    return (last - timedelta(days=364)).isoformat(), last.isoformat()


def plate(row_id: int) -> str:
    return f"浙{chr(65 + row_id % 8)}{row_id % 100_000:05d}"


def tables(
    suite: Suite, chance: random.Random, people: list[tuple[int, str]], keys: dict[int, tuple[str, str]]
) -> Iterator[tuple[str, tuple[str, ...], list[tuple[Any, ...]]]]:
    now = f"{utc_now():%Y-%m-%d %H:%M:%S}"
    columns = ("id", "number", "kind", "name", "name_key", "pinyin", "class_code", "good", "important", "blacklist_candidate", "link_code",
               "next_expiry", "policies_in_force", "premium_12m", "earned", "incurred", "claim_count", "receivable", "credit", "township",
               "version", "created_at", "changed_at")  # fmt: skip
    yield "customer", columns, [
        (row_id, f"C{row_id:08d}", "person", name, name, keys[row_id][0], "standard", False, False, False, "keep",
         period(row_id)[1], 1, 350_000, 200_000, 0, 0, 0, "good", chance.choice(TOWNS), 1, now, now)
        for row_id, name in people
    ]  # fmt: skip
    yield (
        "customer_branch",
        ("customer_id", "branch_id", "role", "since"),
        [(row_id, row_id % BRANCHES + 1, "owner", "2024-01-01") for row_id, _ in people],
    )
    yield "contact_point", ("id", "customer_id", "kind", "value_sealed", "value_index", "masked", "tail", "source"), [
        (row_id, row_id, "mobile", b"x", suite.vault.index(phone(row_id), CONTACT_PLACE), f"138****{row_id % 10_000:04d}", f"{row_id % 10_000:04d}", "core")
        for row_id, _ in people
    ]  # fmt: skip
    yield (
        "vehicle",
        ("id", "branch_id", "identity_key", "owner_id", "plate"),
        [(row_id, row_id % BRANCHES + 1, f"src:bench:{row_id}", row_id, plate(row_id)) for row_id, _ in people],
    )
    yield "policy", ("id", "branch_id", "source", "source_key", "policy_no", "line", "holder_id", "start_on", "end_on", "state", "currency"), [
        (row_id, row_id % BRANCHES + 1, "core", f"P{row_id}", f"P{row_id}", "commercial", row_id, *period(row_id), "active", "CNY")
        for row_id, _ in people
    ]  # fmt: skip
    yield (
        "policy_term",
        ("id", "branch_id", "source", "source_key", "policy_id", "start_on", "end_on", "premium"),
        [
            (row_id, row_id % BRANCHES + 1, "core", f"P{row_id}-1", row_id, *period(row_id), 350_000)
            for row_id, _ in people
        ],
    )


def phone(row_id: int) -> str:
    return f"138{row_id:08d}"
