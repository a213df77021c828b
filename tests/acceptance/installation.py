"""An installation under test: a data folder, the command `banyan` as a process, the server as processes."""

from __future__ import annotations

import json
import os
import random
import re
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import httpx2

from core.commands.import_ import REJECTS
from core.db.sqlite import dbapi2 as sqlite
from tests import forked

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT.parent / "shared" / "data"
"""Where the real portfolios lie when they are beside the checkout."""
COMMAND = (sys.executable, "-m", "core")
PASSWORD = "seven green apples"
PATIENCE = 120
UNCOMPARED = ("core_heartbeat", "core_search", "core_import_batch", "sqlite_sequence")


@dataclass
class Installation:
    """A data folder and what runs on it."""

    folder: Path
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("BANYAN_")}
        return {
            **clean,
            "BANYAN_DATA__FOLDER": str(self.folder),
            "PYTHONUTF8": "1",
            "PYTHONPATH": str(ROOT),
            **self.settings,
        }

    def run(self, *words: str | Path, status: int | tuple[int, ...] = 0, typed: str = "") -> str:
        """Run a command; returns what it says, or with another status than 0 what it complains of."""
        done = forked.run(words, self.environment, typed)
        expected = status if isinstance(status, tuple) else (status,)
        assert done.returncode in expected, f"{words}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stderr if expected == (done.returncode,) != (0,) else done.stdout

    def json(self, *words: str | Path) -> Any:
        return json.loads(self.run(*words, "--json"))

    def rows(self, model: str, fields: str = "", query: str = "", user: str = "") -> list[dict[str, Any]]:
        """Export a model as JSON."""
        options = [*(("--fields", fields) if fields else ()), *(("--filter", query) if query else ())]
        text = self.run("export", model, "--format", "jsonl", *options, *(("--as", user) if user else ()))
        return [json.loads(line) for line in text.splitlines()]

    def load(self, file: Path, profile: str, branch: str = "3304") -> dict[str, Any]:
        """Import a file; returns the counts. Status 3 says that rows were rejected."""
        text = self.run("import", profile, file, "--branch", branch, "--json", status=(0, REJECTS))
        report: dict[str, Any] = json.loads(text)
        return report

    def undo(self, batch: int) -> dict[str, Any]:
        """Take an import back."""
        report: dict[str, Any] = self.json("import", "--undo", str(batch))
        return report

    def contents(self) -> dict[str, list[tuple[object, ...]]]:
        """Every row of every table, besides signs of life, the search index and the record of failed imports."""
        with closing(sqlite.connect(f"file:{self.folder / 'banyan.db'}?mode=ro", uri=True)) as database:
            tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            kept = [name for name in tables if not name.startswith(UNCOMPARED)]
            return {name: sorted(database.execute(f'SELECT * FROM "{name}"'), key=repr) for name in kept}

    @contextmanager
    def worker(self) -> Iterator[None]:
        """Run jobs in a process of its own until the block ends."""
        with forked.running(("worker",), self.environment, self.folder / "worker.log"):
            yield

    @contextmanager
    def served(self) -> Iterator[Site]:
        """Serve until the block ends, with a worker at the side as `banyan serve` has one with the embedded broker."""
        port, log = free_port(), self.folder / "server.log"
        site = Site(f"http://127.0.0.1:{port}")
        command = ("serve", "--port", port, "--no-worker")
        with forked.running(command, self.environment, log) as server, self.worker():
            _await(site.url, server, log)
            yield site


@dataclass
class Site:
    """A running server."""

    url: str

    def client(self, **options: Any) -> httpx2.Client:
        return httpx2.Client(base_url=self.url, timeout=PATIENCE, headers={"Accept-Language": "en"}, **options)

    @contextmanager
    def signed_in(self, username: str) -> Iterator[httpx2.Client]:
        with self.client() as client:
            answer = client.post("/login", data={"username": username, "password": PASSWORD})
            assert answer.status_code == 303, answer.text
            page = client.get("/search").text
            found = re.search(r'name="csrf-token" content="([^"]+)"', page)
            assert found, page[:500]
            client.headers["X-CSRF-Token"] = found[1]
            yield client


def free_port() -> int:
    """Return a port that nobody has; not one of those that the system gives to connections at any moment."""
    while True:
        port = random.randrange(20_000, 32_000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def _await(url: str, process: BaseProcess, log: Path) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if not process.is_alive():
            break
        try:
            if httpx2.get(f"{url}/health", timeout=5).status_code < 500:
                return
        except httpx2.TransportError:
            time.sleep(0.1)  # the only way to wait for another process's port
    raise AssertionError(f"the server did not start:\n{log.read_text('utf-8')[-3000:]}")
