"""The child process that reads import files: limits itself, does one request from stdin, answers in JSON lines."""

from __future__ import annotations

import dataclasses
import json
import pickle
import resource
import sys
import zlib
from typing import Any

from core.errors import ImportFileError
from core.imports.collector import collector_asleep
from core.imports.requests import InspectRequest, Request
from core.plugin.namespace import open_places

OPEN_FILES = 64
"""Descriptors the child may open: enough for the file and the staging file, too few for anything else."""


def say(**message: object) -> None:
    """Write one line to the parent."""
    sys.stdout.write(json.dumps(message, ensure_ascii=False, default=str) + "\n")
    sys.stdout.flush()


def run_request(request: Request) -> dict[str, Any]:
    """Do the request and return its result as JSON-able values.

    Raises:
        ImportFileError: The file cannot be imported.
    """
    if isinstance(request, InspectRequest):
        from core.imports.detect import inspect_here

        return inspect_here(request.file, request.profiles, request.options)
    from core.imports.stage import stage_here

    def progress(rows: int, ready: int | None) -> None:
        say(rows=rows, ready=ready)

    summary = stage_here(request.file, request.profile, request.staging, request.options, progress)
    return dataclasses.asdict(summary)


def limit_process(memory_bytes: int, cpu_seconds: int) -> None:
    """Limit this process for good.

    Args:
        memory_bytes: Address space.
        cpu_seconds: CPU time; the kernel kills the process beyond it.
    """
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds + 5))
    resource.setrlimit(resource.RLIMIT_NOFILE, (OPEN_FILES, OPEN_FILES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def main() -> None:
    """Read limits and request from stdin, answer on stdout with ``done`` or ``error``."""
    memory_bytes, cpu_seconds, places = pickle.load(sys.stdin.buffer)  # noqa: S301  the parent of this process wrote it
    open_places(places)
    request = pickle.load(sys.stdin.buffer)  # noqa: S301  as above; it names readers of plugins
    limit_process(memory_bytes, cpu_seconds)
    try:
        with collector_asleep():
            done = run_request(request)
        say(done=done)
    except MemoryError:
        message = "The file needs more memory than one import may use."
        say(error=("file_too_large", message, "Split it, or save it as CSV.", {}))
    except ImportFileError as problem:
        say(error=(problem.code, problem.message, problem.cure, problem.facts))
    except (OSError, EOFError, zlib.error) as problem:
        message = "The file cannot be read: {problem}."
        say(error=("file_unreadable", message, "Send it again.", {"problem": str(problem)}))


if __name__ == "__main__":
    main()
