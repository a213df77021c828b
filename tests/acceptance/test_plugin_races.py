"""Two administrators at once, and killed processes: an action waits for the other, is refused, or ends as if alone."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests import forked
from tests.acceptance import shop
from tests.acceptance.installation import COMMAND, PATIENCE, ROOT, Installation
from tests.core.lifecycle import kill_runner

pytestmark = [pytest.mark.feature("CO-09"), pytest.mark.proof]
MOMENTARY = ("core_plugin_step", "core_job", "core_epoch", "core_audit_entry", "core_audit_head", "core_plugin")
MOMENT = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}")
OTHER = Path(__file__).parents[1] / "dummy_plugins" / "dummy_good"


@pytest.fixture
def installation(template: Path, tmp_path: Path) -> Installation:
    """An installation that finds the shop and another plugin, and has neither."""
    made = Installation(Path(shutil.copytree(template, tmp_path / "data")))
    code = shop.lay_out(made, "1.0")
    shutil.copytree(OTHER, code.parent / "dummy_good", ignore=shutil.ignore_patterns("__pycache__"))
    return made


def at_once(installation: Installation, *commands: tuple[str, ...]) -> list[tuple[int, str]]:
    """Run commands in processes of their own at the same time; returns status and output of each."""
    started = [
        subprocess.Popen([*COMMAND, *words], env=installation.environment, cwd=ROOT, text=True,
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        for words in commands
    ]  # fmt: skip
    return [(process.wait(PATIENCE), process.communicate()[0]) for process in started]


def states(installation: Installation) -> dict[str, str]:
    return {row["id"]: row["state"] for row in installation.json("plugin", "list")}


def test_two_install_the_same_plugin_and_others_one_after_the_other(installation):
    install = ("plugin", "install", "dummy_shop", "--yes")
    same = at_once(installation, install, install, ("plugin", "install", "dummy_good", "--yes"))
    shop.fill(installation)
    shop.lay_out(installation, "2.0")
    upgrade = ("plugin", "upgrade", "dummy_shop", "--yes")
    upgraded = at_once(installation, upgrade, upgrade)

    assert sorted(status for status, _ in same[:2]) == [0, 1], same
    assert "dummy_shop is installed already" in "".join(said for status, said in same[:2] if status)
    assert same[2][0] == 0, same
    assert sorted(status for status, _ in upgraded) == [0, 1], upgraded
    assert "dummy_shop is up to date" in "".join(said for status, said in upgraded if status)
    assert states(installation) | {"crm_customers": ""} == {
        "crm_customers": "", "dummy_good": "installed", "dummy_shop": "installed"
    }  # fmt: skip
    assert shop.state(installation)["revision"] == "0003_tight"
    assert len(shop.rows(installation)["dummy_shop_order"]) == 6


@pytest.mark.parametrize(("action", "mode"), [("install", ""), ("uninstall", "keep"), ("restore", "")])
def test_killed_at_every_step_it_ends_as_one_that_was_not(installation, tmp_path, action, mode):
    if action != "install":
        installation.run("plugin", "install", "dummy_shop", "--yes")
        shop.fill(installation)
    if action == "restore":
        installation.run("plugin", "uninstall", "dummy_shop", "--archive", "--yes")
    calm = Installation(Path(shutil.copytree(installation.folder, tmp_path / "calm")))
    shop.lay_out(calm, "1.0")
    calm.run("plugin", action, "dummy_shop", *([f"--{mode}"] if mode else []), "--yes")

    done = forked.call(kill_runner.torture, installation.environment, action, mode, "steps", seconds=PATIENCE * 3)

    assert done.returncode == 0, done.stdout + done.stderr
    assert int(json.loads(done.stdout.splitlines()[-1])) >= 2
    assert settled(installation) == settled(calm)
    assert states(installation)["dummy_shop"] == states(calm)["dummy_shop"]


def settled(installation: Installation) -> dict[str, object]:
    """Every row, besides when and in how many attempts something was done."""
    kept = {name: rows for name, rows in installation.contents().items() if name not in MOMENTARY}
    return {name: [[MOMENT.sub("", str(value)) for value in row] for row in rows] for name, rows in kept.items()}
