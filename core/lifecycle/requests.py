"""What an administrator asks for: an action on one plugin."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from core.plugin.models import OFF, ON, PREVIEW

ACTIONS = ("install", "upgrade", "enable", "preview", "disable", "uninstall", "restore")
DECISIONS = {"enable": ON, "preview": PREVIEW, "disable": OFF}
"""Actions on a branch alone, and what it decides by them."""
MODES = ("keep", "archive", "drop")


@dataclass(frozen=True)
class Request:
    """One action on one plugin.

    Args:
        action: One of `ACTIONS`.
        plugin: Its id.
        mode: What becomes of the data at an uninstallation, one of `MODES`.
        branch: Code of the branch, and those below it, for which the action is done; empty: the installation.
        archive: Name of the archive file to restore; empty: the newest that fits.
        by: Who asked.
    """

    action: str
    plugin: str
    mode: str = ""
    branch: str = ""
    archive: str = ""
    by: str = ""

    def options(self) -> dict[str, Any]:
        """Return it as JSON values for the journal."""
        return asdict(self)
