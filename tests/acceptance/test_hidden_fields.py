"""What a reader may not see cannot be asked for either: by filter, order, column or export, in every model."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import inspect

from core.app import Suite
from core.crypto import create_keys
from core.errors import BanyanError
from core.installation import initialise
from core.registry.definitions import definition_of
from core.registry.export import Layout
from core.registry.query import ListQuery
from core.security.actors import Actor
from core.testing.fixtures import make_settings
from tests.acceptance.test_access_proof import PLUGINS

pytestmark = pytest.mark.feature("CO-12", "EX-22")
READER = Actor(1, "Reader", frozenset({"*.view", "*.export", "core.user.view", "core.audit.view"}), frozenset({1}))


@pytest.fixture
def suite(tmp_path: Path) -> Iterator[Suite]:
    create_keys(tmp_path / "keys" / "vault.json")
    suite, _ = initialise(make_settings(tmp_path, PLUGINS))
    yield suite
    suite.close()


def test_a_hidden_field_is_refused_wherever_it_is_named(suite: Suite) -> None:
    hidden, open_ones = [], []
    for model in suite.registry:
        definition = definition_of(suite, model, READER)
        ways = {
            "filter": lambda name, d=definition: d.filters.parse(f"{name}:x"),
            "empty": lambda name, d=definition: d.filters.parse(f"{name}:empty"),
            "sort": lambda name, d=definition: d.keys((name,)),
            "descending": lambda name, d=definition: d.keys((f"-{name}",)),
            "column": lambda name, d=definition: d.column(name),
            "export": lambda name, d=definition: Layout.of(d, ListQuery((name,)), "en"),
        }
        for attribute in inspect(model.entity).column_attrs:
            name, field = attribute.key, model.fields.get(attribute.key)
            stands_in = name in definition.columns and definition.columns[name].contributed is not None
            # The English label of a field that may be asked for, such as Profile, reads as that field.
            stands_in = stands_in or name in {each.label.en.lower() for each in model.fields.values()}
            if (field is None or field.permission) and name != "id" and not stands_in:
                hidden.append(f"{model.id}.{name}")
                open_ones += [(model.id, name, way) for way, ask in ways.items() if not refuses(ask, name)]
    assert {"core.user.password_hash", "core.audit.hash"} <= set(hidden)
    assert len(hidden) > 20
    assert open_ones == []


def refuses(ask, name: str) -> bool:
    try:
        ask(name)
    except BanyanError:
        return True
    return False
