"""Run one import batch in forked processes that are killed: after every commit, and at random moments between.

The first processes die while the file is being read and merged at once. The others find it read, so that a process
costs no more than the chunk it merges.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from pathlib import Path

from core.app import build_suite
from core.config import load_settings
from core.imports import running
from core.imports.batches import Importer
from core.imports.options import StageOptions
from core.imports.stage import stage_file
from core.security.actors import system_actor

ATTEMPTS = 1_000
WHILE_READING = 8
"""Processes that read the file themselves: each begins it anew."""


def torture(environment: dict[str, str], file: Path, kills: int, chunk: int, seed: int) -> None:
    """Import a file, and say the numbers of kills as JSON.

    Args:
        environment: The settings of an installation.
        file: A list of policies.
        kills: Number of kills at random moments.
        chunk: Groups in a transaction.
        seed: Of the moments.
    """
    running.CHUNK_GROUPS = chunk
    chance, counts = random.Random(seed), {"commit": 0, "random": 0, "failed": 0}
    for number in range(ATTEMPTS):
        wanted = counts["random"] < kills and chance.random() < 0.8
        moment = chance.uniform(0.02, 2.5 if number < WHILE_READING else 0.6) if wanted else None
        child = os.fork()
        if child == 0:
            attempt(environment, file, read=number >= WHILE_READING)
        how, status = wait(child, moment)
        if os.WIFEXITED(status) and os.WEXITSTATUS(status) == 0:
            sys.stdout.write(json.dumps(counts))
            return
        counts[how if os.WIFSIGNALED(status) else "failed"] += 1
    raise SystemExit(f"not finished after {ATTEMPTS} attempts: {counts}")


def wait(child: int, moment: float | None) -> tuple[str, int]:
    """Kill the child after ``moment`` seconds unless it died by itself before, and say how it ended."""
    if moment is not None:
        time.sleep(moment)
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return "commit", status
        os.kill(child, signal.SIGKILL)
    return "commit" if moment is None else "random", os.waitpid(child, 0)[1]


def attempt(environment: dict[str, str], file: Path, *, read: bool) -> None:
    """Run the batch in this process, which dies by its own hand after its first commit of rows."""
    try:
        suite = build_suite(load_settings(environment=environment))
        importer = Importer(suite)
        batch = importer.start(system_actor("test"), file, file.name, "policy", "330402")
        if read:
            read_first(importer, batch)
        importer.run(batch, should_stop=die)
    except BaseException:
        os._exit(1)
    os._exit(0)


def read_first(importer: Importer, number: int) -> None:
    """Bring the file into the state of a batch that was killed after it had been read."""
    batch, place = importer.batch(number), importer.files.staging(number)
    if not place.exists():
        waiting = importer.files.waiting(str(number))
        profile = importer.library.thaw(batch.profile)
        stage_file(importer.files.kept(batch.sha256), profile, waiting, StageOptions(name=batch.file_name))
        waiting.replace(place)


def die() -> bool:
    os.kill(os.getpid(), signal.SIGKILL)
    return True
