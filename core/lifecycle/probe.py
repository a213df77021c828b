"""Loading new code in a child process first: what ends, blocks or breaks a process must not be a serving one."""

from __future__ import annotations

import os
import subprocess
import sys

from core.errors import PluginError

PROBE_SECONDS = 60.0
"""A plugin that does not load within this time hangs."""
NEW_CODE = frozenset({"install", "upgrade", "restore"})
"""Actions that bring code into serving processes."""


def run_banyan(*words: str, seconds: float | None = None, locale: str = "") -> subprocess.CompletedProcess[str]:
    """Run a command of `banyan` in a child process with the same code, settings and data.

    Args:
        *words: The command.
        seconds: It is killed after so long.
        locale: Language of what it says; empty: that of this process.

    Raises:
        subprocess.TimeoutExpired: It was killed.
    """
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "PYTHONUTF8": "1"}
    environment |= {"LC_ALL": f"{locale}.UTF-8"} if locale else {}
    command = [sys.executable, "-m", "core", *words]
    return subprocess.run(  # noqa: S603 -- our own command
        command, check=False, capture_output=True, text=True, env=environment, timeout=seconds
    )


def require_sound_code(plugin_id: str, action: str) -> None:
    """Refuse an action that brings new code, unless that code can be loaded.

    Raises:
        PluginError: It cannot; with the end of what it said.
    """
    if action not in NEW_CODE:
        return
    try:
        done = run_banyan("plugin", "probe", plugin_id, seconds=PROBE_SECONDS)
        said, status = done.stdout + done.stderr, done.returncode
    except subprocess.TimeoutExpired:
        said, status = f"it did not end within {PROBE_SECONDS:.0f} seconds", -1
    if status:
        raise PluginError(
            plugin_id,
            "import",
            "The code of {plugin} cannot be loaded (status {status}): {problem}",
            "Nothing was changed. Correct the plugin, or put the version before it back.",
            status=status,
            problem="\n".join(said.strip().splitlines()[-3:]),
        )
