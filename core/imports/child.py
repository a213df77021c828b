"""Run a request in the limited child process; a child that dies becomes an error of the file, never of the parent."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from core.errors import ImportFileError
from core.imports.options import CPU_BYTES, CPU_SECONDS
from core.imports.requests import Request
from core.plugin.namespace import plugin_places

_ROOT = Path(__file__).resolve().parents[2]
_GZIP_GROWTH = 15
_KEPT_ERROR = 2000


def run_in_child(
    request: Request,
    on_progress: Callable[[int], None] | None = None,
    on_ready: Callable[[int], None] | None = None,
) -> dict[str, Any]:
    """Start the child, pass its progress on, return its answer.

    Args:
        request: What to do.
        on_progress: Called with the number of data rows read so far.
        on_ready: Called with the number of all data rows when some of them can be merged; the child goes on meanwhile.

    Raises:
        ImportFileError: What the child reports; ``file_too_large`` or ``reader_crashed`` where it died.
    """
    # The child sees no secret of the parent: only where the code is.
    environment = {"PYTHONPATH": os.pathsep.join((str(_ROOT), *filter(None, sys.path))), "PYTHONUTF8": "1"}
    with tempfile.TemporaryFile() as complaints:
        child = subprocess.Popen(
            [sys.executable, "-m", "core.imports.stage_child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=complaints,
            env=environment,
        )
        try:
            answer = _converse(child, request, on_progress, on_ready)
        finally:
            if child.poll() is None:
                child.kill()
            child.wait()
        if answer is None:
            raise _death(child.returncode, complaints)
    if "error" in answer:
        code, message, cure, facts = answer["error"]
        raise ImportFileError(code, message, cure, **facts)
    done: dict[str, Any] = answer["done"]
    return done


def cpu_seconds(file: Path) -> int:
    """Return the CPU seconds a file may take, by its (unpacked) size."""
    with file.open("rb") as stream:
        packed = stream.read(2) in (b"\x1f\x8b", b"PK")
    size = file.stat().st_size * (_GZIP_GROWTH if packed else 1)
    return CPU_SECONDS * (1 + size // CPU_BYTES)


def _converse(
    child: subprocess.Popen[bytes],
    request: Request,
    on_progress: Callable[[int], None] | None,
    on_ready: Callable[[int], None] | None,
) -> dict[str, Any] | None:
    assert child.stdin is not None  # noqa: S101  both are pipes by construction; mypy cannot see it
    assert child.stdout is not None  # noqa: S101  as above
    with child.stdin as stdin:
        pickle.dump((request.options.memory_bytes, cpu_seconds(request.file), plugin_places()), stdin)
        pickle.dump(request, stdin)
    with child.stdout as stdout:
        for line in stdout:
            message: dict[str, Any] = json.loads(line)
            if "rows" not in message:
                child.wait()
                return message
            if on_progress is not None:
                on_progress(message["rows"])
            if on_ready is not None and message["ready"] is not None:
                on_ready(message["ready"])
    return None


def _death(status: int | None, complaints: IO[bytes]) -> ImportFileError:
    complaints.seek(0)
    text = complaints.read().decode("utf-8", "replace")[-_KEPT_ERROR:]
    if status is not None and (status < 0 or "memory" in text.lower()):
        return ImportFileError(
            "file_too_large",
            "Reading the file was stopped: it needs more memory or time than one import may use.",
            "Split it, or save it as CSV.",
            status=status,
        )
    return ImportFileError(
        "reader_crashed", "The reader of import files failed.", "Report this with the file.", status=status, output=text
    )
