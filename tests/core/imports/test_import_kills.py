"""An import that is killed after every commit and at random moments loses nothing and doubles nothing."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from bench.policy_file import write_policies
from core.app import Suite
from core.config import load_settings
from core.imports.batches import Importer
from core.imports.undo import undo_batch
from core.installation import initialise
from core.security.actors import system_actor
from core.security.models import Branch
from tests import forked
from tests.core.imports import kill_runner

ROWS = int(os.environ.get("BANYAN_KILL_ROWS", "40000"))
KILLS = int(os.environ.get("BANYAN_KILLS", "16"))
CHUNK = ROWS // KILLS
"""Groups in a transaction: as many commits as random kills, so that no run ends before all of them."""
ACTOR = system_actor("test")
CHECKS = {
    "policies": "SELECT count(*), count(DISTINCT source_key), max(source_key) FROM crm_customers_policy",
    "holders": "SELECT count(DISTINCT holder_id) FROM crm_customers_policy",
    "premium": "SELECT count(*), sum(premium), count(DISTINCT policy_id) FROM crm_customers_policy_term",
    "items": "SELECT count(*), count(DISTINCT term_id), count(DISTINCT vehicle_id) FROM crm_customers_insured_item",
    "vehicles": "SELECT count(*), count(DISTINCT plate) FROM crm_customers_vehicle",
    "customers": "SELECT count(*), count(DISTINCT number), count(DISTINCT name) FROM crm_customers_customer",
    "identities": "SELECT count(*), count(DISTINCT number_index) FROM crm_customers_customer_identity",
    "contacts": "SELECT count(*), count(DISTINCT value_index) FROM crm_customers_contact_point",
    "addresses": "SELECT count(*) FROM crm_customers_address",
    "relations": "SELECT count(*) FROM crm_customers_customer_branch",
    "links": "SELECT count(*), count(DISTINCT source_key) FROM crm_customers_customer_source",
    "search": "SELECT count(*) FROM core_search",
    "rejects": "SELECT count(*) FROM core_import_reject",
}


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("kills") / "policies.csv"
    write_policies(place, ROWS)
    return place


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory, file: Path) -> dict[str, tuple[Any, ...]]:
    """What an import that nobody killed leaves in the tables."""
    alone = open_suite(tmp_path_factory.mktemp("alone"), "")
    run(alone, file)
    found = state(alone)
    alone.close()
    return found


def test_an_import_killed_again_and_again_ends_like_one_that_was_left_alone(
    tmp_path: Path, database_url: str, file: Path, expected: dict[str, tuple[Any, ...]]
) -> None:
    tortured = open_suite(tmp_path / "tortured", database_url)
    tortured.close()

    killed = torture(tmp_path / "tortured", database_url, file)

    tortured = build(tmp_path / "tortured", database_url)
    assert killed["commit"] >= ROWS // CHUNK // 2, killed
    assert killed["random"] == KILLS, killed
    assert killed["failed"] == 0, killed
    assert state(tortured) == expected
    with tortured.database.read(ACTOR) as session:
        batch = session.execute(text("SELECT state, read, new, changed, same, rejected FROM core_import_batch")).one()
    assert tuple(batch) == ("done", ROWS, ROWS, 0, 0, 0)
    assert whole(tortured)
    undone = undo_batch(tortured, Importer(tortured).library.targets, ACTOR, 1)
    assert undone.kept_count == 0
    assert {name: figures[0] for name, figures in state(tortured).items()} == dict.fromkeys(CHECKS, 0)
    tortured.close()


def open_suite(folder: Path, url: str) -> Suite:
    suite, _ = initialise(settings(folder, url))
    with suite.database.write(ACTOR) as session:
        session.add(Branch(code="330402", name="南湖支公司", area_code="0573"))
    return suite


def build(folder: Path, url: str) -> Suite:
    return initialise(settings(folder, url))[0]


def settings(folder: Path, url: str) -> Any:
    address = "" if url.startswith("sqlite") else url
    return load_settings(environment={"BANYAN_DATA__FOLDER": str(folder), "BANYAN_DATABASE__URL": address})


def run(suite: Suite, file: Path) -> None:
    importer = Importer(suite)
    importer.run(importer.start(ACTOR, file, file.name, "policy", "330402"))


def torture(folder: Path, url: str, file: Path) -> dict[str, int]:
    address = "" if url.startswith("sqlite") else url
    environment = {"BANYAN_DATA__FOLDER": str(folder), "BANYAN_DATABASE__URL": address}
    done = forked.call(kill_runner.torture, os.environ, environment, file, KILLS, CHUNK, 7, seconds=3600)
    assert done.returncode == 0, done.stderr[-2000:]
    counts: dict[str, int] = json.loads(done.stdout.strip().splitlines()[-1])
    return counts


def state(suite: Suite) -> dict[str, tuple[Any, ...]]:
    with suite.database.reader.connect() as connection:
        found = {name: tuple(connection.execute(text(sql)).one()) for name, sql in CHECKS.items()}
    return {name: tuple(int(value) if str(value).isdigit() else value for value in row) for name, row in found.items()}


def whole(suite: Suite) -> bool:
    if not suite.database.is_sqlite:
        return True
    with suite.database.reader.connect() as connection:
        problems = connection.execute(text("PRAGMA foreign_key_check")).all()
        return not problems and connection.execute(text("PRAGMA integrity_check")).scalar() == "ok"
