"""What a step of an action works with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from core.db.migrate import Source
from core.lifecycle.journal import Step
from core.lifecycle.requests import Request
from core.plugin.discovery import discover
from core.plugin.loader import missing

if TYPE_CHECKING:
    from core.app import Suite


@dataclass(frozen=True)
class Work:
    """One step about to be done.

    Args:
        suite: The suite, with the plugin loaded in the version of its code where there is code.
        step: The step.
    """

    suite: Suite
    step: Step

    @property
    def plugin(self) -> str:
        """Id of the plugin."""
        return self.step.plugin

    @property
    def request(self) -> Request:
        """What was asked for."""
        known = Request.__dataclass_fields__
        return Request(**{name: value for name, value in self.step.options.items() if name in known})

    @property
    def archive(self) -> Path:
        """The archive file that this action writes or reads."""
        return archive_folder(self.suite) / str(self.step.options["file"])


def archive_folder(suite: Suite) -> Path:
    """Return the folder of archives."""
    return suite.settings.data.folder / "archives"


def source_of(suite: Suite, plugin_id: str) -> Source | None:
    """Return the plugin's revisions; ``None`` when its code is gone."""
    state = suite.plugins.states.get(plugin_id)
    manifest = state.manifest if state else None
    manifest = manifest or discover(suite.settings.plugins.paths).manifests.get(plugin_id)
    return Source(plugin_id, manifest.folder / "migrations") if manifest else None


def source_needed(suite: Suite, plugin_id: str) -> Source:
    """Return the plugin's revisions.

    Raises:
        PluginError: Its code is gone.
    """
    found = source_of(suite, plugin_id)
    if found is None:
        raise missing(plugin_id)
    return found
