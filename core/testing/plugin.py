"""The kit as a pytest plugin, ``-p core.testing.plugin``: fixtures, and the inherited tests of every plugin.toml."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

pytest_plugins = ["core.testing.fixtures", "core.testing.people"]


class InheritedTests(pytest.Module):
    """Stands for a manifest: its tests are those of `PluginConformance` for that plugin."""

    def _getobj(self) -> Any:
        from core.testing.conformance import PluginConformance

        folder = self.path.parent
        tests = type("TestPlugin", (PluginConformance,), {"plugin_id": plugin_id(self.path), "folder": folder})
        module = ModuleType(f"inherited_tests_of_{folder.name}")
        module.TestPlugin = tests  # type: ignore[attr-defined]  # the class that pytest finds
        return module


def plugin_id(file: Path) -> str:
    """Return the id in a manifest; that of the folder where it cannot be read, so that the tests can say so."""
    from core.errors import PluginError
    from core.plugin.manifest import read_manifest

    try:
        return read_manifest(file).id
    except PluginError as error:
        return error.plugin


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Find manifests among what pytest collects."""
    if file_path.name == "plugin.toml":
        return InheritedTests.from_parent(parent, path=file_path)
    return None
