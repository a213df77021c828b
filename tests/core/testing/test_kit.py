"""The inherited tests are able to fail: each finds its own fault in a plugin that is sound besides, and only that."""

from __future__ import annotations

import json
import os

import pytest

from core.testing.conformance import PluginConformance
from tests import forked
from tests.core.testing.mutation_runner import examine_all
from tests.core.testing.mutations import MUTATIONS

pytestmark = pytest.mark.proof


@pytest.fixture(scope="module")
def examined(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str]]:
    """The failures of each faulty plugin, test -> what it said."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("BANYAN_", "PYTEST_"))}
    folder = tmp_path_factory.mktemp("faulty")
    done = forked.call(examine_all, {**clean, "PYTHONPATH": str(forked.ROOT)}, folder, seconds=900)
    assert done.returncode == 0, done.stderr
    return {found["name"]: found["failed"] for found in map(json.loads, done.stdout.splitlines())}


def test_every_inherited_test_has_a_fault_that_it_finds():
    inherited = {name.removeprefix("test_") for name in dir(PluginConformance) if name.startswith("test_")}

    assert inherited == set(MUTATIONS)


def test_a_sound_plugin_passes(examined):
    assert examined["sound"] == {}


@pytest.mark.parametrize("name", MUTATIONS)
def test_the_fault_is_found_by_its_own_test_alone(examined, name):
    assert list(examined[name]) == [name], examined[name]
    assert "Cure: " in examined[name][name]
