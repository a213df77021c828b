"""An import that says each of its steps as it goes; the leader of a group of processes."""

import os
import sys
from pathlib import Path

from core.app import build_suite
from core.config import load_settings
from core.imports import running
from core.imports.batches import Importer
from core.security.actors import system_actor


def import_aloud(file: str) -> None:
    """Start an import of policies, or go on with it."""
    os.setsid()
    running.CHUNK_GROUPS = 20
    importer = Importer(build_suite(load_settings()))
    batch = importer.start(system_actor("test"), Path(file), "p", "policy", "330402")
    _say("started")
    _say(importer.run(batch, lambda phase, done, total: _say(phase)).state)


def _say(step: str) -> None:
    sys.stdout.write(f"{step}\n")
    sys.stdout.flush()
