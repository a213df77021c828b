"""A partner's plugin as a distribution of its own: built as a wheel, installed elsewhere, used, removed."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path

import pytest

from core.db.sqlite import dbapi2 as sqlite
from core.testing.fixtures import missing
from tests.acceptance.installation import PATIENCE, ROOT, Installation

pytestmark = pytest.mark.proof

EXAMPLE = ROOT / "examples" / "acme_visits"
PLUGIN = "acme_visits"
JOB = "acme_visits.forget_old"


def pip(*words: str | Path) -> None:
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def site_packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which the wheel was installed; no index is asked for anything."""
    if find_spec("hatchling") is None:
        missing("the build backend is not installed")
    wheels, target = tmp_path_factory.mktemp("wheels"), tmp_path_factory.mktemp("site-packages")
    pip("wheel", "--no-build-isolation", "--no-deps", "--no-index", "--wheel-dir", wheels, EXAMPLE)
    (wheel,) = wheels.glob("*.whl")
    pip("install", "--no-deps", "--no-index", "--target", target, wheel)
    return target


@pytest.fixture
def installed(installation: Installation, site_packages: Path) -> Installation:
    """An installation that has the plugin from the wheel, enabled and upgraded."""
    installation.settings["PYTHONPATH"] = os.pathsep.join([str(ROOT), str(site_packages)])
    installation.settings["BANYAN_PLUGINS__ENABLED"] = f"crm_customers,{PLUGIN}"
    installation.run("db", "upgrade")
    return installation


@pytest.mark.feature("CO-09")
def test_the_plugin_is_listed_with_its_version_and_title(installed: Installation):
    rows = {row["id"]: row for row in installed.json("plugin", "list")}

    assert rows[PLUGIN]["status"] == "ready"
    assert rows[PLUGIN]["version"] == "0.1.0"
    assert rows[PLUGIN]["title"] == {"en": "Visits", "zh": "客户走访"}


@pytest.mark.feature("CO-09")
def test_its_pages_answer_until_it_is_switched_off_in_the_branch(installed: Installation):
    with installed.served() as site, site.signed_in("city") as client:
        assert client.get("/acme_visits/visits").status_code == 200
        assert client.get("/acme_visits/overview").status_code in {200, 403}
        assert "/acme_visits/visits" in client.get("/").text

        installed.run("plugin", "disable", PLUGIN, "--branch", "3304")
        time.sleep(1.1)  # another process may act on the old answer for a second

        assert client.get("/acme_visits/visits").status_code == 404
        assert "/acme_visits/" not in client.get("/").text


@pytest.mark.feature("CO-16")
def test_its_job_runs_when_its_schedule_is_due(installed: Installation):
    with installed.worker():
        state = ""
        until = time.monotonic() + PATIENCE
        while state != "done" and time.monotonic() < until:
            make_due(installed.folder / "banyan.db")
            rows = [row for row in installed.json("job", "list") if row["kind"] == JOB]
            state = rows[-1]["state"] if rows else ""
            time.sleep(0.5)  # the only way to wait for another process

    assert state == "done"


def make_due(file: Path) -> None:
    with closing(sqlite.connect(str(file), timeout=30)) as database, database:
        database.execute(
            "UPDATE core_schedule SET next_at = '2020-01-01 00:00:00.000000' WHERE job = ? AND last_at IS NULL", [JOB]
        )


@pytest.mark.feature("CO-09")
def test_the_installed_wheel_passes_the_inherited_tests(installed: Installation, site_packages: Path, tmp_path: Path):
    environment = {**installed.environment, "PYTHONPATH": os.pathsep.join([str(ROOT), str(site_packages)])}
    options = [
        "-p",
        "core.testing.plugin",
        "-p",
        "no:cacheprovider",
        "--rootdir",
        str(tmp_path),
        "-rA",
        "-c",
        os.devnull,
    ]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, str(site_packages / PLUGIN / "plugin.toml")],
        cwd=tmp_path,
        env={name: value for name, value in environment.items() if not name.startswith("BANYAN_")},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert sum(line.startswith("PASSED") for line in done.stdout.splitlines()) >= 25


def test_the_wheel_holds_what_the_plugin_needs_and_no_tests(site_packages: Path):
    files = {path.relative_to(site_packages / PLUGIN).as_posix() for path in (site_packages / PLUGIN).rglob("*.*")}

    assert {
        "plugin.toml", "migrations/0001_initial.py", "templates/acme_visits/overview.html",
        "locale/zh_CN/LC_MESSAGES/messages.po", "profiles/visits.toml",
    } <= files  # fmt: skip
    assert not (site_packages / "tests").exists()
