"""Killed at every step boundary and at random moments: an action on a plugin ends as if nobody had killed it."""

import json
import shutil
from pathlib import Path

import pytest

from tests import forked
from tests.acceptance import shop
from tests.acceptance.installation import PATIENCE, Installation
from tests.core.lifecycle import kill_runner

pytestmark = [pytest.mark.feature("CO-09"), pytest.mark.proof]
MOMENTARY = ("core_plugin_step", "core_job", "core_epoch", "core_audit_entry", "core_audit_head", "core_plugin")
"""Tables that tell when and in how many attempts something was done."""
ACTIONS = [("upgrade", "", "2.0"), ("uninstall", "archive", "1.0"), ("uninstall", "drop", "1.0")]


@pytest.fixture(scope="module")
def with_shop(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an installation with the shop 1.0 and some orders; copied, never used itself."""
    installation = Installation(Path(shutil.copytree(template, tmp_path_factory.mktemp("shop") / "data")))
    shop.lay_out(installation, "1.0")
    installation.run("plugin", "install", "dummy_shop", "--yes")
    shop.fill(installation, 40)
    return installation.folder


def copied(with_shop: Path, folder: Path, version: str) -> Installation:
    installation = Installation(Path(shutil.copytree(with_shop, folder)))
    shop.lay_out(installation, version)
    return installation


def killed(installation: Installation, action: str, mode: str, point: str) -> int:
    """Do an action in processes that are killed; returns how many were."""
    done = forked.call(kill_runner.torture, installation.environment, action, mode, point, seconds=PATIENCE * 3)
    assert done.returncode == 0, done.stdout + done.stderr
    return int(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize(("action", "mode", "version"), ACTIONS, ids=["upgrade", "archive", "drop"])
def test_a_killed_action_ends_as_one_that_was_not(with_shop, tmp_path, action, mode, version):
    calm = copied(with_shop, tmp_path / "calm", version)
    calm.run("plugin", action, "dummy_shop", *([f"--{mode}"] if mode else []), "--yes")
    expected, row = contents(calm), shop.state(calm)

    for point, least in (("steps", 4), ("1", 2)):
        one = copied(with_shop, tmp_path / point, version)
        assert killed(one, action, mode, point) >= least
        assert contents(one) == expected, point
        found = shop.state(one)
        assert (found["state"], found["installed_version"], found["revision"], found["problem"]) == (
            row["state"], row["installed_version"], row["revision"], ""
        )  # fmt: skip


def contents(installation: Installation) -> dict[str, list[tuple[object, ...]]]:
    return {name: rows for name, rows in installation.contents().items() if name not in MOMENTARY}
