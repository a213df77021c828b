"""Run one import batch in forked processes that are killed: after every commit, and at random moments between.

python -m tests.core.imports.kill_runner DATA DATABASE_URL FILE KILLS SEED -> JSON with the number of kills
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
from core.imports.batches import Importer
from core.security.actors import system_actor

ATTEMPTS = 1_000


def main() -> None:
    data, url, file, kills, seed = sys.argv[1:]
    environment = {"BANYAN_DATA__FOLDER": data, "BANYAN_DATABASE__URL": url}
    chance = random.Random(int(seed))
    moments = [chance.uniform(0.05, 1.2) for _ in range(int(kills))]
    counts = {"commit": 0, "random": 0, "failed": 0}
    for _ in range(ATTEMPTS):
        moment = moments.pop() if moments and chance.random() < 0.6 else None
        child = os.fork()
        if child == 0:
            attempt(environment, Path(file))
        if moment is not None:
            time.sleep(moment)
            os.kill(child, signal.SIGKILL)
        status = os.waitpid(child, 0)[1]
        if os.WIFEXITED(status) and os.WEXITSTATUS(status) == 0:
            sys.stdout.write(json.dumps(counts))
            return
        counts["random" if moment is not None else "commit" if os.WIFSIGNALED(status) else "failed"] += 1
    raise SystemExit(f"not finished after {ATTEMPTS} attempts: {counts}")


def attempt(environment: dict[str, str], file: Path) -> None:
    """Run the batch in this process, which dies by its own hand after its first commit of rows."""
    try:
        suite = build_suite(load_settings(environment=environment))
        importer = Importer(suite)
        batch = importer.start(system_actor("test"), file, file.name, "policy", "330402")
        importer.run(batch, should_stop=die)
    except BaseException:
        os._exit(1)
    os._exit(0)


def die() -> bool:
    os.kill(os.getpid(), signal.SIGKILL)
    return True


if __name__ == "__main__":
    main()
