"""Measure start and idle memory of web and worker against a bare server of the same libraries.

python -m bench.start
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path

STARTS = 3
SETTLE_SECONDS = 8.0
"""After this the worker is up and has swept once."""
PATIENCE_SECONDS = 120.0
MEBIBYTE_BAR = 200
BARE = """
import sys
import uvicorn
from jinja2 import Environment
from sqlalchemy import create_engine, text
from starlette.applications import Starlette
from starlette.responses import HTMLResponse
from starlette.routing import Route

engine = create_engine("sqlite://")
page = Environment(autoescape=True).from_string("<!doctype html><p>{{ answer }}")

def home(request):
    with engine.connect() as connection:
        return HTMLResponse(page.render(answer=connection.execute(text("SELECT 1")).scalar()))

uvicorn.run(Starlette(routes=[Route("/livez", home)]), port=int(sys.argv[1]), log_level="error", access_log=False)
"""


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        # Without stored bytecode every start would compile all sources again.
        kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        environment = {**kept, "BANYAN_DATA__FOLDER": folder}
        subprocess.run([sys.executable, "-m", "core", "init"], env=environment, check=True, capture_output=True)
        bare = [measure([sys.executable, "-c", BARE], environment, settle=1.0) for _ in range(STARTS)]
        ours = [measure([sys.executable, "-m", "core", "serve", "--port"], environment) for _ in range(STARTS)]
    (start, used, memory), (floor, bare_used, bare_memory) = (
        map(min, zip(*each, strict=True)) for each in (ours, bare)
    )
    print(f"start to first answer  {start:6.2f} s   bare {floor:6.2f} s   {start / floor:4.1f}x")
    print(f"CPU until then         {used:6.2f} s   bare {bare_used:6.2f} s   {used / bare_used:4.1f}x   bar 2x")
    print(f"idle, web and worker   {memory:6.0f} MiB PSS   bare {bare_memory:4.0f} MiB   bar {MEBIBYTE_BAR}")


def measure(command: list[str], environment: Mapping[str, str], settle: float = SETTLE_SECONDS) -> tuple[float, ...]:
    """Return seconds and CPU seconds until the first answer, and MiB of proportional memory of the family when idle."""
    port = free_port()
    begun = time.perf_counter()
    process = subprocess.Popen(
        [*command, str(port)], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        wait_for(f"http://127.0.0.1:{port}/livez", process)
        seconds, used = time.perf_counter() - begun, cpu_of(process.pid)
        time.sleep(settle)
        return seconds, used, sum(map(memory_of, family(process.pid)))
    finally:
        process.terminate()
        process.wait(60)


def wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until and process.poll() is None:
        try:
            urllib.request.urlopen(url, timeout=5).close()
        except urllib.error.URLError:
            time.sleep(0.01)
        else:
            return
    raise SystemExit(f"no answer from {url}")


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def family(process_id: int) -> list[int]:
    """Return a process and all below it."""
    children = [
        int(child)
        for tasks in Path(f"/proc/{process_id}/task").glob("*/children")
        for child in tasks.read_text().split()
    ]
    return [process_id, *(member for child in children for member in family(child))]


def cpu_of(process_id: int) -> float:
    """Return the CPU seconds that all threads of a process have used."""
    files = Path(f"/proc/{process_id}/task").glob("*/schedstat")
    return sum(int(file.read_text().split()[0]) for file in files) / 1e9


def memory_of(process_id: int) -> float:
    """Return the proportional set size of a process in MiB: shared pages count once among all who share them."""
    for line in Path(f"/proc/{process_id}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    return 0.0


if __name__ == "__main__":
    main()
