"""A small database of boats for the tests of lists."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import insert

from core.db.base import Base
from core.db.session import Database
from core.security.actors import Actor, system_actor
from tests.core.registry.sample_models import Boat, Owner, sample_rules

TODAY = date(2026, 11, 20)
NAMES = ("海鸥", "Seagull", "100%_号", "o'Brien", '二"三', "Wind:Star", "红,蓝", "empty", "-x", "A..B")


@pytest.fixture
def system() -> Actor:
    return system_actor("test")


@pytest.fixture
def clerk() -> Actor:
    permissions = frozenset({"demo.boat.view", "demo.boat.edit", "demo.boat.export"})
    return Actor(7, "周敏", permissions, branch_ids=frozenset({1}), home_branch_id=1)


def boats(number: int) -> list[dict[str, object]]:
    chance = random.Random(5)
    return [
        {
            "id": row + 1,
            "branch_id": row % 3 + 1,
            "number": None if row % 7 == 0 else f"BT{row:05d}",
            "name": chance.choice(NAMES),
            "kind": chance.choice(("sail", "motor", None)),
            "premium": chance.choice((None, Decimal("0.00"), Decimal("1200.50"), Decimal(chance.randrange(9999)))),
            "loss_ratio": chance.choice((None, Decimal("0.8"), Decimal("1.5"))),
            "crew": chance.choice((None, 0, 3, 12)),
            "due_on": chance.choice((None, TODAY + timedelta(days=chance.randrange(-60, 60)))),
            "seen_at": chance.choice(
                (None, datetime(2026, 11, 20, tzinfo=UTC) + timedelta(hours=chance.randrange(-99, 99)))
            ),
            "insured": chance.choice((None, True, False)),
            "phone": chance.choice((None, "13812345678")),
            "secret": "s3cr3t",
            "note": None,
            "owner_id": chance.choice((None, 1, 2)),
            "version": 1,
        }
        for row in range(number)
    ]


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    found = Database(database_url.replace("postgresql://", "postgresql+psycopg://"), sample_rules)
    Base.metadata.create_all(found.writer)
    with found.write(system_actor("test")) as session:
        owners = [{"id": 1, "code": "O1", "name": "陈美芳"}, {"id": 2, "code": "O2", "name": "吴志强"}]
        session.execute(insert(Owner), owners)
        session.execute(insert(Boat), boats(300))
    yield found
    found.dispose()
