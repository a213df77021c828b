"""The command line from outside: clear messages, exit statuses, a fast start."""

import gc
import os
import subprocess
import sys
from pathlib import Path

import pytest

from core.app import build_suite

ROOT = Path(__file__).parents[2]


@pytest.fixture
def banyan(tmp_path):
    def banyan(*arguments, **variables):
        environment = {**os.environ, "BANYAN_DATA__FOLDER": str(tmp_path / "var"), **variables}
        command = [sys.executable, "-m", "core", *arguments]
        return subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)

    return banyan


def test_help_lists_the_commands_without_loading_the_suite():
    command = "import sys, core.cli; core.cli.register_commands(); print([m for m in sys.modules if m in %r])"
    heavy = ["sqlalchemy", "celery", "uvicorn", "starlette", "pydantic", "alembic"]

    result = subprocess.run(
        [sys.executable, "-c", command % heavy], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert result.stdout.strip() == "[]"


def test_a_missing_data_folder_is_told_in_one_line_with_the_cure(banyan):
    result = banyan("job", "list")

    assert result.returncode == 1
    assert result.stderr.startswith("banyan: The data folder ")
    assert "Run `banyan init`" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_wrong_setting_names_the_key(banyan):
    result = banyan("plugin", "list", BANYAN_SERVER__PORT="many")

    assert result.returncode == 1
    assert "server.port is wrong" in result.stderr


def test_an_unknown_command_is_wrong_usage(banyan):
    result = banyan("nonsense")

    assert result.returncode == 2
    assert "No such command 'nonsense'" in result.stderr


def test_doctor_without_an_installation_fails_and_says_what_to_do(banyan):
    result = banyan("doctor")

    assert result.returncode == 1
    assert "FAIL installation" in result.stdout
    assert "banyan init" in result.stdout


def test_collection_of_garbage_is_back_once_a_suite_is_built(settings):
    gc.disable()
    try:
        build_suite(settings).close()
        assert gc.isenabled()
    finally:
        gc.unfreeze()
        gc.enable()
