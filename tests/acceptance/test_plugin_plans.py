"""The plan of an action says what it does: tables, columns, rows and steps seen afterwards are those planned."""

import json
import shutil
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine

from core.db.sqlite import dbapi2
from core.lifecycle.preview import schema_changes, schema_of
from tests.acceptance import shop
from tests.acceptance.installation import Installation

pytestmark = pytest.mark.feature("CO-09")
CASES = [("upgrade", "", "2.0"), ("uninstall", "archive", "1.0"), ("uninstall", "keep", "1.0")]


@pytest.fixture(scope="module")
def with_shop(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an installation with the shop 1.0 and some orders; copied, never used itself."""
    installation = Installation(Path(shutil.copytree(template, tmp_path_factory.mktemp("shop") / "data")))
    shop.lay_out(installation, "1.0")
    installation.run("plugin", "install", "dummy_shop", "--yes")
    shop.fill(installation)
    return installation.folder


def state_of(installation: Installation) -> tuple[dict[str, dict[str, str]], dict[str, list[str]], dict[str, int]]:
    """Tables with columns, what the installed version shows, and the rows of the core's tables."""
    engine = create_engine(f"sqlite:///{installation.folder / 'banyan.db'}", module=dbapi2)
    with engine.connect() as connection:
        tables = schema_of(connection)
    engine.dispose()
    with closing(dbapi2.connect(str(installation.folder / "banyan.db"))) as database:
        row = database.execute("SELECT state, surfaces FROM core_plugin WHERE plugin = 'dummy_shop'").fetchone()
        counts = {
            name: database.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0]
            for name in tables
            if name.startswith("core_") and name in ("core_role", "core_schedule", "core_grant", "core_setting")
        }
    return tables, json.loads(row[1]) if row[0] == "installed" else {}, counts


@pytest.mark.parametrize(("action", "mode", "version"), CASES, ids=["upgrade", "archive", "keep"])
def test_what_is_seen_afterwards_is_what_was_planned(with_shop, tmp_path, action, mode, version):
    installation = Installation(Path(shutil.copytree(with_shop, tmp_path / "data")))
    shop.lay_out(installation, version)
    tables, surfaces, counts = state_of(installation)

    plan = installation.json("plugin", "plan", action, "dummy_shop", *(["--mode", mode] if mode else []))
    unchanged = state_of(installation)
    said = installation.run("plugin", action, "dummy_shop", *([f"--{mode}"] if mode else []), "--yes")

    after, shown, left = state_of(installation)
    assert unchanged == (tables, surfaces, counts)
    assert changes_of(plan["tables"]) == {
        each.table: (each.change, set(each.columns_added), set(each.columns_removed), set(each.columns_changed))
        for each in schema_changes(tables, after)
    }
    assert {name: counts[name] - left[name] for name in counts if counts[name] != left[name]} == plan["rows"]
    assert plan["steps"] == [line.partition(": ")[2] for line in said.splitlines() if line.startswith("dummy_shop: ")]
    for kind in (surfaces.keys() | shown.keys()) - {"tables", "search_kinds"}:
        change = plan["surfaces"].get(kind, {})
        assert set(change.get("added", [])) == set(shown.get(kind, [])) - set(surfaces.get(kind, [])), kind
        assert set(change.get("removed", [])) == set(surfaces.get(kind, [])) - set(shown.get(kind, [])), kind


def changes_of(planned: list[dict[str, Any]]) -> dict[str, tuple[Any, ...]]:
    return {
        each["table"]: (
            each["change"], set(each["columns_added"]), set(each["columns_removed"]), set(each["columns_changed"])
        )
        for each in planned
    }  # fmt: skip


def test_a_plan_shows_statements_rows_and_what_stands_against_the_action(with_shop, tmp_path):
    installation = Installation(Path(shutil.copytree(with_shop, tmp_path / "data")))
    shop.lay_out(installation, "2.0")

    text = installation.run("plugin", "plan", "upgrade", "dummy_shop")
    refused = installation.json("plugin", "plan", "install", "dummy_shop")

    assert "ALTER TABLE dummy_shop_order ADD COLUMN colour" in text
    assert "dummy_shop_order altered (6 rows): +colour VARCHAR(20) not null" in text
    assert "+ dummy_shop.hello (/dummy_shop/hello)" in text
    assert refused["blockers"] == ["dummy_shop is installed already."]
    assert refused["steps"] == []
