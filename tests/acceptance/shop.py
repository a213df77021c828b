"""The sample plugin with several versions: laying out its code, filling and reading its tables."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from core.app import build_suite
from core.config import load_settings
from core.db.sqlite import dbapi2 as sqlite
from core.jobs import queue
from core.security.actors import system_actor
from tests.acceptance.installation import Installation

VERSIONS = Path(__file__).parents[1] / "dummy_plugins" / "versions"
SHOP = "dummy_shop"


def lay_out(installation: Installation, version: str) -> Path:
    """Put the code of a version where the installation looks for plugins; returns the folder of the plugin."""
    place = installation.folder / "code"
    shutil.rmtree(place / SHOP, ignore_errors=True)
    shutil.copytree(VERSIONS / "1.0" / SHOP, place / SHOP, ignore=shutil.ignore_patterns("__pycache__"))
    if version != "1.0":
        shutil.copytree(VERSIONS / version / SHOP, place / SHOP, dirs_exist_ok=True)
    installation.settings["BANYAN_PLUGINS__PATHS"] = str(place)
    installation.settings["PYTHONDONTWRITEBYTECODE"] = "1"
    return place / SHOP


def remove_code(installation: Installation) -> None:
    """Take the folder of the plugin away."""
    shutil.rmtree(installation.folder / "code" / SHOP)


def fill(installation: Installation, orders: int = 6) -> None:
    """Give the shop orders of two branches, with a line each and one above the next."""
    with closing(sqlite.connect(str(installation.folder / "banyan.db"))) as database, database:
        branches = [row[0] for row in database.execute("SELECT id FROM core_branch ORDER BY code")]
        for number in range(1, orders + 1):
            values = (f"订单{number}", number * 100, "2026-03-04 05:06:07", json.dumps({"n": number}), b"\x00\xff")
            branch = branches[1 + number % 2]
            database.execute(
                "INSERT INTO dummy_shop_order (name, amount, at, facts, seal, branch_id) VALUES (?, ?, ?, ?, ?, ?)",
                (*values, branch),
            )
            above = number + 1 if number < orders else None
            database.execute(
                "INSERT INTO dummy_shop_line (order_id, above_id, text) VALUES (?, ?, ?)", (number, above, "x'\"%\n")
            )


def enqueue(file: str, count: int, job: str) -> None:
    """Queue jobs of the shop, each with its number and a file; in a process whose settings are an installation's."""
    suite, actor = build_suite(load_settings()), system_actor("test")
    with suite.database.write(actor) as session:
        for number in range(count):
            queue.enqueue(session, job, {"file": file, "number": number}, key=None, actor=actor, branch_id=None)


def rows(installation: Installation, columns: Sequence[str] = ()) -> dict[str, list[Any]]:
    """Return every row of every table of the shop as it is stored, and the next numbers."""
    with closing(sqlite.connect(str(installation.folder / "banyan.db"))) as database:
        names = [
            name
            for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
            if name.startswith("dummy_shop")
        ]
        found = {name: list(database.execute(f'SELECT * FROM "{name}" ORDER BY id')) for name in names}
        found["next"] = list(
            database.execute("SELECT * FROM sqlite_sequence WHERE name LIKE 'dummy_shop%' ORDER BY name")
        )
        return found


def state(installation: Installation) -> dict[str, Any]:
    """Return what `banyan plugin list` says of the shop."""
    found = {row["id"]: row for row in installation.json("plugin", "list")}
    row: dict[str, Any] = found[SHOP]
    return row
