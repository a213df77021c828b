"""Commands in processes forked from one that has loaded the code: an interpreter for each would take a second each.

From outside such a process is what `python -m core` starts: environment, folder, streams, signals, exit status. That
very command is run by tests/core/test_cli.py and tests/acceptance/test_operation.py.
"""

from __future__ import annotations

import importlib
import multiprocessing
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from multiprocessing.process import BaseProcess
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
ENDS_IN, STOPS_IN = 120.0, 40.0
"""Seconds until a process has ended by itself, and after it was asked to stop."""
CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["tests.loaded"])


def run(words: tuple[object, ...], environment: Mapping[str, str], typed: str = "") -> CompletedProcess[str]:
    """Run `banyan` with some words until it ends."""
    return call(_banyan, environment, [str(word) for word in words], typed=typed)


def call(
    function: Callable[..., object],
    environment: Mapping[str, str],
    *arguments: Any,
    typed: str = "",
    seconds: float = ENDS_IN,
) -> CompletedProcess[str]:
    """Call a function of a module in a process of its own, and wait for its end."""
    with tempfile.TemporaryDirectory() as folder:
        streams = tuple(str(Path(folder, name)) for name in ("in", "out", "err"))
        for place, content in zip(streams, (typed, "", ""), strict=True):
            Path(place).write_text(content, "utf-8")
        process = start(function, environment, streams, *arguments)
        try:
            process.join(seconds)
            assert process.exitcode is not None, f"{arguments} did not end within {seconds} seconds"
        finally:
            process.kill()
        said = [Path(place).read_text("utf-8") for place in streams[1:]]
    return CompletedProcess(arguments, process.exitcode, *said)


@contextmanager
def running(words: tuple[object, ...], environment: Mapping[str, str], log: Path) -> Iterator[BaseProcess]:
    """Run `banyan` with some words until the block ends, then ask it to stop; what it says is added to a log."""
    process = start(_banyan, environment, (os.devnull, str(log), str(log)), [str(word) for word in words])
    try:
        yield process
    finally:
        process.terminate()
        process.join(STOPS_IN)
        alive = process.is_alive()
        process.kill()
    assert not alive, f"{words} did not stop within {STOPS_IN} seconds"


def start(
    function: Callable[..., object], environment: Mapping[str, str], streams: tuple[str, ...], *arguments: Any
) -> BaseProcess:
    """Start a function of a module in a process of its own.

    Args:
        function: It is called with the arguments.
        environment: The variables of the process.
        streams: Files for standard input, output and complaints; what is said is added to them.
        *arguments: Of the function.
    """
    process = CONTEXT.Process(target=_arranged, args=(function, dict(environment), streams, *arguments))
    process.start()
    return process


def _arranged(
    function: Callable[..., object], environment: dict[str, str], streams: tuple[str, ...], *arguments: Any
) -> None:
    os.environ.clear()
    os.environ.update(environment)
    sys.dont_write_bytecode = "PYTHONDONTWRITEBYTECODE" in environment
    sys.path[:0] = [place for place in environment.get("PYTHONPATH", "").split(os.pathsep) if place not in sys.path]
    importlib.invalidate_caches()
    os.chdir(ROOT)
    for number, place in enumerate(streams):
        os.dup2(os.open(place, os.O_RDONLY if number == 0 else os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), number)
    sys.stdin = os.fdopen(0, encoding="utf-8")
    sys.stdout, sys.stderr = (os.fdopen(number, "w", encoding="utf-8") for number in (1, 2))
    function(*arguments)


def _banyan(words: list[str]) -> None:
    from core.cli import main

    sys.argv = ["banyan", *words]
    sys.orig_argv = [sys.executable, "-m", "core", *words]
    main()
