"""Do an action on the sample plugin in forked processes that are killed, and go on with it until it is done."""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time

from core.app import build_suite
from core.config import load_settings
from core.errors import BanyanError
from core.lifecycle import actions, journal
from core.lifecycle.journal import open_plugins
from core.lifecycle.requests import Request

ATTEMPTS = 200
MOMENTS = (0.01, 0.4)
"""Seconds after which a child is killed at random."""
PAUSE = 0.05
"""Seconds between two looks at a step that waits for other processes."""


def torture(action: str, mode: str, point: str) -> None:
    """Do an action, and say the number of kills.

    Args:
        action: What is done.
        mode: Its mode.
        point: ``steps``: a process dies right after each mark in the journal; or a seed: at random moments.
    """
    chance = random.Random(point)
    wanted = int(os.environ.get("BANYAN_PLUGIN_KILLS", "6")) if point != "steps" else ATTEMPTS
    for kills in range(ATTEMPTS):
        child = os.fork()
        if child == 0:
            attempt(Request(action, "dummy_shop", mode, by="test"), by_steps=point == "steps")
        status = ended(child, chance.uniform(*MOMENTS) if point != "steps" and kills < wanted else None)
        if os.WIFEXITED(status):
            if os.WEXITSTATUS(status) != 0:
                raise SystemExit(f"an attempt failed after {kills} kills")
            sys.stdout.write(json.dumps(kills))
            return
    raise SystemExit(f"not finished after {ATTEMPTS} attempts")


def ended(child: int, moment: float | None) -> int:
    """Wait for a child, and kill it after a moment."""
    if moment is not None:
        time.sleep(moment)
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return status
        os.kill(child, signal.SIGKILL)
    return os.waitpid(child, 0)[1]


def attempt(request: Request, *, by_steps: bool) -> None:
    """Begin the action unless it is open, and go on until it is done; the process may die by its own hand before."""
    try:
        settings = load_settings()
        suite = build_suite(settings, taking=("dummy_shop",))
        if by_steps:
            die_after_marks()
        if not open_plugins(suite.database):
            begin(suite, request)
        while open_plugins(suite.database):
            actions.resume(suite)
            time.sleep(PAUSE)
    except BaseException:
        import traceback

        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def begin(suite, request: Request) -> None:
    try:
        actions.perform(suite, request)
    except BanyanError as error:
        # The last process was killed when all was done, before it could say so.
        if error.code not in {"plugin_installed", "nothing_to_upgrade", "plugin_not_installed", "nothing_to_restore"}:
            raise


def die_after_marks() -> None:
    """Kill this process after its second mark, so that the first step of each process gets done."""
    mark, seen = journal.mark, []

    def marked(*arguments: object) -> None:
        mark(*arguments)
        seen.append(1)
        if len(seen) == 3:
            os.kill(os.getpid(), signal.SIGKILL)

    journal.mark = marked
