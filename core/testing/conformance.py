"""The tests that every plugin passes; `core.testing.plugin` gives them to each ``plugin.toml`` that pytest collects."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

from core.testing.check_files import FileTests
from core.testing.check_manifest import ManifestTests
from core.testing.check_migrations import MigrationTests
from core.testing.check_models import ModelTests
from core.testing.check_surfaces import SurfaceTests, signed_in_administrators
from core.testing.check_texts import TextTests
from core.testing.examined import Examined, examine
from core.web.application import build_application


class PluginConformance(ManifestTests, ModelTests, MigrationTests, SurfaceTests, TextTests, FileTests):
    """All tests of one plugin; a class of tests that inherits them names the plugin.

    Args:
        plugin_id: Id of the plugin.
        folder: Its folder, where it is neither shipped nor installed.
    """

    plugin_id: ClassVar[str]
    folder: ClassVar[Path | None] = None

    @pytest.fixture(scope="class")
    @classmethod
    def attempt(cls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Examined]:
        """The plugin as the loader left it, sound or not."""
        paths = (cls.folder.parent,) if cls.folder else ()
        attempt = examine(cls.plugin_id, paths, tmp_path_factory.mktemp("conformance"))
        yield attempt
        attempt.suite.close()

    @pytest.fixture(scope="class")
    @classmethod
    def examined(cls, attempt: Examined) -> Examined:
        """The plugin, for tests that need it loaded; what keeps it from loading is told by the first tests."""
        if not attempt.suite.plugins.is_ready(attempt.plugin_id):
            pytest.skip("the plugin does not load")
        return attempt

    @pytest.fixture(scope="class")
    @classmethod
    def application(cls, examined: Examined) -> Iterator[Any]:
        """The web application with the plugin."""
        application = build_application(examined.suite)
        yield application
        application.state.keeper.wait()

    @pytest.fixture(scope="class")
    @classmethod
    def administrators(cls, examined: Examined, application: Any) -> Iterator[dict[str, Any]]:
        """A signed-in administrator, the branches and the application."""
        with signed_in_administrators(examined, application) as found:
            yield found
