"""A suite with the sample models, for tests of generated screens."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import insert

from core.app import Suite
from core.security.actors import system_actor
from core.web.application import build_application
from tests.core.registry.sample_models import Boat, Owner


@pytest.fixture
def application(suite: Suite) -> Any:
    def is_active(plugin_id: str, branch_id: int | None) -> bool:
        return suite.plugins.is_active(plugin_id, branch_id)  # which tests replace

    suite.registry.add(Owner, "demo")
    suite.registry.add(Boat, "demo")
    suite.plugins.is_active = lambda plugin_id, branch_id: True
    suite.activation.is_active = is_active  # type: ignore[method-assign]  # no plugin owns the samples
    return build_application(suite)


@pytest.fixture
def boats(application: Any, suite: Suite, people: Any) -> dict[str, int]:
    """Sixty boats in the north, numbered 1 to 60, one in the south, numbered 100."""
    north, south = people.branches["north"], people.branches["south"]
    common = {
        "branch_id": north,
        "kind": "sail",
        "owner_id": 1,
        "secret": "s3cr3t",
        "phone": "13812345678",
        "version": 1,
    }
    rows = [
        {**common, "id": number, "name": f"Boat {number:02d}", "number": f"N{number:02d}", "due_on": date(2026, 11, 20)}
        | {"premium": Decimal(number) + Decimal("0.50")}
        for number in range(1, 61)
    ]
    rows.append(
        {**common, "id": 100, "name": "Foreign", "number": "S1", "branch_id": south, "due_on": None, "premium": None}
    )
    with suite.database.write(system_actor("test data")) as session:
        session.execute(insert(Owner), [{"id": 1, "code": "O1", "name": "陈美芳"}])
        session.execute(insert(Boat), rows)
    return {"north": north, "south": south}
