"""Runs the inherited tests on faulty copies of a new plugin, each in a fork of one process that has loaded the rest."""

from __future__ import annotations

import json
import os
import shutil
import sys
import traceback
from pathlib import Path

import pytest

from core.commands.plugin_new import write_plugin
from core.testing import conformance  # noqa: F401 -- loaded once for all copies
from core.testing.examined import prepared
from tests.core.testing.mutations import MUTATIONS

SOUND = "sound"
AT_ONCE = 2


class Failures:
    """Notes which tests failed and what they said."""

    def __init__(self) -> None:
        self.failed: dict[str, str] = {}
        self.number = 0

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.number += report.when == "call"
        if report.failed:
            self.failed[report.nodeid.partition("::test_")[2] or report.nodeid] = str(report.longrepr)[-2000:]


def examine(name: str, sound: Path, folder: Path) -> None:
    """Run the tests on one copy and write what failed; ends the process."""
    try:
        repository = Path(shutil.copytree(sound, folder / name))
        for change in MUTATIONS.get(name, ()):
            change.apply(repository)
        os.chdir(repository)
        sys.path.insert(0, str(repository))
        with Path(os.devnull).open("w") as nothing:
            os.dup2(nothing.fileno(), 1)
            os.dup2(nothing.fileno(), 2)
        found = Failures()
        plugins = ("core.testing.plugin", "no:cacheprovider", "no:unraisableexception", "no:threadexception")
        options = [word for each in plugins for word in ("-p", each)]
        pytest.main([*options, "--basetemp", str(folder / f"{name}-tmp"), "acme_sms"], plugins=[found])
        result = {"name": name, "failed": found.failed, "number": found.number}
    except BaseException:
        result = {"name": name, "failed": {"runner": traceback.format_exc()}, "number": 0}
    (folder / f"{name}.json").write_text(json.dumps(result), "utf-8")
    os._exit(0)


def examine_all(folder: Path) -> None:
    """Examine the sound plugin and every faulty one; says what failed as JSON, a line each."""
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # what the inherited tests do not need takes half of a run
    sound = folder / "acme_sms"
    write_plugin("acme_sms", sound)
    prepared(("crm_customers",), ())
    running: set[int] = set()
    for name in (SOUND, *MUTATIONS):
        if len(running) >= AT_ONCE:
            running.discard(os.wait()[0])
        child = os.fork()
        if child == 0:
            examine(name, sound, folder)
        running.add(child)
    while running:
        running.discard(os.wait()[0])
    for name in (SOUND, *MUTATIONS):
        sys.stdout.write((folder / f"{name}.json").read_text("utf-8") + "\n")
