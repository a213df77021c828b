"""`banyan plugin new`: the plugin that it writes passes its own tests, the inherited ones, and the usual tools."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.acceptance.installation import ROOT, Installation

ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith(("BANYAN_", "PYTEST_"))}
LEAST_INHERITED = 25


@pytest.fixture(scope="module")
def repository(module_installation: Installation, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new plugin in a folder of its own."""
    folder = tmp_path_factory.mktemp("partners")
    module_installation.run("plugin", "new", "acme_sms", "--path", folder, "--title", "Notes", "--title-zh", "客户备忘")
    return folder / "acme_sms"


def run(repository: Path, *words: str) -> str:
    environment = {**ENVIRONMENT, "PYTHONPATH": str(ROOT), "MYPYPATH": str(ROOT), "PYTHONUTF8": "1"}
    done = subprocess.run(
        [sys.executable, "-m", *words], cwd=repository, env=environment, text=True, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.feature("CO-09")
def test_a_new_plugin_passes_its_own_tests_and_inherits_many(repository: Path):
    said = run(repository, "pytest", "-p", "no:cacheprovider", "-rA")

    inherited = {line for line in said.splitlines() if line.startswith("PASSED acme_sms/plugin.toml")}
    own = {line for line in said.splitlines() if line.startswith("PASSED tests/")}
    assert len(inherited) >= LEAST_INHERITED
    assert len(own) >= 5
    assert "skipped" not in said.splitlines()[-1]


def test_a_new_plugin_pleases_linter_and_type_checker(repository: Path):
    run(repository, "ruff", "check", ".")
    cache = ROOT / ".mypy_cache" / "partners"
    run(repository, "mypy", "acme_sms", "--follow-imports", "silent", "--cache-dir", str(cache))


@pytest.mark.feature("CO-09")
def test_a_dropped_folder_is_enough_and_nothing_of_ours_is_edited(installation: Installation, repository: Path):
    installation.settings["BANYAN_PLUGINS__PATHS"] = str(repository)
    installation.settings["BANYAN_PLUGINS__ENABLED"] = "crm_customers,acme_sms"

    installation.run("db", "upgrade")

    rows = {row["id"]: row for row in installation.json("plugin", "list")}
    assert (rows["acme_sms"]["status"], rows["acme_sms"]["title"]["zh"]) == ("ready", "客户备忘")
    with installation.served() as site, site.signed_in("anna") as client:
        assert client.get("/acme_sms/notes").status_code == 200
        assert "Late" in client.get("/acme_sms/overview").text
    # Python compiles what it runs; nothing else was written beside the sources.
    assert {path.suffix for path in (repository / "acme_sms").rglob("*")} <= {
        "", ".py", ".pyc", ".toml", ".html", ".po",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "reason"),
    [("Acme", "cannot be the id"), ("a__b", "cannot be the id"), ("core", "cannot be the id"), ("json", "already")],
)
def test_an_id_that_cannot_be_is_refused_with_the_cure(installation: Installation, tmp_path: Path, name, reason):
    said = installation.run("plugin", "new", name, "--path", tmp_path, status=1)

    assert reason in said
    assert list(tmp_path.glob(name)) == []


def test_the_id_of_a_plugin_that_is_here_is_taken(installation: Installation, tmp_path: Path):
    assert "already" in installation.run("plugin", "new", "crm_customers", "--path", tmp_path, status=1)


def test_a_folder_in_use_is_left_alone(installation: Installation, tmp_path: Path):
    (tmp_path / "acme_gifts").mkdir()
    (tmp_path / "acme_gifts" / "mine.txt").write_text("mine")

    assert "not empty" in installation.run("plugin", "new", "acme_gifts", "--path", tmp_path, status=1)
    assert [path.name for path in (tmp_path / "acme_gifts").iterdir()] == ["mine.txt"]
