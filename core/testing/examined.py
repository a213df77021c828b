"""The plugin under examination: loaded once per run, its database made by revisions from that of what it requires."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pytest
from sqlalchemy import Table

from core.app import Suite, build_suite
from core.db.base import Base, owner_of
from core.db.migrate import Source, owners, upgrade
from core.installation import initialise, seed
from core.plugin.discovery import discover
from core.plugin.manager import PluginState
from core.plugin.manifest import Manifest
from core.plugin.resolver import requirements
from core.testing.fixtures import make_settings

_prepared: dict[tuple[str, ...], Path] = {}
"""Data folder of an installation with the core and some plugins, by their ids; made once per process."""


@dataclass
class Examined:
    """A plugin and an installation with it.

    Args:
        plugin_id: Its id.
        suite: The suite with the plugin and all it requires; its database is upgraded and seeded if it loads.
        paths: Folders in which plugins are looked for.
        folder: A folder for the tests.
    """

    plugin_id: str
    suite: Suite
    paths: tuple[Path, ...]
    folder: Path
    cache: dict[str, Any] = field(default_factory=dict)

    @property
    def state(self) -> PluginState:
        """How the plugin is doing."""
        return self.suite.plugins.states[self.plugin_id]

    @property
    def manifest(self) -> Manifest:
        """Its manifest; only plugins that load are asked for it."""
        assert self.state.manifest is not None
        return self.state.manifest

    @property
    def source(self) -> Source:
        """Its folder of revisions."""
        return next(each for each in owners(self.suite.plugins) if each.owner == self.plugin_id)

    @property
    def tables(self) -> list[Table]:
        """Its tables."""
        return [table for table in Base.metadata.tables.values() if owner_of(table) == self.plugin_id]

    def declared(self, hook: str) -> list[Any]:
        """Return what it contributes through a declare hook."""
        return [found for owner, found in self.suite.plugins.collect(hook) if owner == self.plugin_id]

    def file(self, path: Path) -> str:
        """Return a path as messages give it: from the plugin's folder."""
        return path.relative_to(self.manifest.folder.parent).as_posix()

    def code(self) -> Iterator[tuple[Path, str]]:
        """Yield its Python files and their texts, revisions left out."""
        for path in sorted(self.manifest.folder.rglob("*.py")):
            if path.parent != self.source.folder:
                yield path, path.read_text("utf-8")

    @contextmanager
    def before(self) -> Iterator[Suite]:
        """Give a suite on a database of its own that has everything but this plugin's tables."""
        place = Path(mkdtemp(dir=self.folder))
        shutil.copytree(prepared(self.others, self.paths), place, dirs_exist_ok=True)
        suite = build_suite(make_settings(place, (*self.others, self.plugin_id), self.paths))
        try:
            yield suite
        finally:
            suite.close()

    @property
    def others(self) -> tuple[str, ...]:
        """All plugins that it requires."""
        return requirements(self.plugin_id, discover(self.paths).manifests)


def examine(plugin_id: str, paths: tuple[Path, ...], folder: Path) -> Examined:
    """Load a plugin with what it requires; build its tables by its revisions, if it loads."""
    others = requirements(plugin_id, discover(paths).manifests)
    place = folder / "installation"
    shutil.copytree(prepared(others, paths), place)
    suite = build_suite(make_settings(place, (*others, plugin_id), paths))
    suite.plugins.check()
    if suite.plugins.is_ready(plugin_id):
        try:
            upgrade(suite.database, suite.plugins)
            seed(suite)
        except Exception:
            # The tests of revisions and seeds say what is wrong with them; the others go on with tables at least.
            Base.metadata.create_all(suite.database.writer)
    return Examined(plugin_id, suite, paths, folder)


def prepared(others: Sequence[str], paths: tuple[Path, ...]) -> Path:
    """Return the folder of an installation with some plugins; copy it, never use it."""
    key = tuple(others)
    if key not in _prepared:
        folder = Path(mkdtemp(prefix="banyan-kit-"))
        suite, _ = initialise(make_settings(folder / "data", key, paths))
        suite.close()
        _prepared[key] = folder / "data"
    return _prepared[key]


def complain(problems: Iterable[str], cure: str) -> None:
    """Fail if there are problems.

    Args:
        problems: One line each: the file or contribution, and what is wrong with it.
        cure: What the author can do.
    """
    found = list(problems)
    if found:
        pytest.fail("\n".join([*found, f"Cure: {cure}"]), pytrace=False)
