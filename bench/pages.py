"""Measure signed-in pages against bare pages of the same rows: CPU a request of server and database, over HTTP.

python -m bench.pages --customers 1000000 [--url postgresql://…] [--keep FOLDER]
"""

from __future__ import annotations

import argparse
import asyncio
import http.client
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import text

from bench.book import build, finish, phone, sign_in
from bench.page_server import CPU
from core.app import Suite
from core.config import load_settings
from core.installation import initialise
from core.testing.statements import traced
from core.web.application import build_application
from core.web.routing import cookie_name

SERIES, ROUNDS = 10, 15
SLOW, FEW = 50.0, 3
"""Pages of more milliseconds are timed in a few series only."""
EXACT = "search, exact phone"
PATIENCE_SECONDS = 60.0
Fetch = Callable[[str], None]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=100_000)
    parser.add_argument("--url", default=os.environ.get("BANYAN_BENCH_POSTGRES", ""), help="a PostgreSQL database too")
    parser.add_argument("--keep", default="", help="a folder to keep the books in; the next run reads them again")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as passing:
        for url in filter(None, ("sqlite", options.url)):
            environment = {
                "BANYAN_DATA__FOLDER": f"{options.keep or passing}/{url[:6]}",
                "BANYAN_DATABASE__URL": "" if url == "sqlite" else url,
            }
            suite, done = initialise(load_settings(environment=environment))
            if done:
                build(suite, options.customers)
                finish(suite)
            measure(suite, options.customers, environment)
            suite.close()


def measure(suite: Suite, customers: int, environment: Mapping[str, str]) -> None:
    deep = customers // 80 * 8 + 1
    token = sign_in(suite)
    pages = [
        ("list, first page", "/crm_customers/customers", "/list"),
        ("list, nine tenths down", f"/crm_customers/customers?after={deep}", "/list"),
        ("list by name", "/crm_customers/customers?sort=name", "/list"),
        ("count of the list (fragment)", "/crm_customers/customers/count", "/list"),
        (EXACT, f"/search?q={phone(deep)}", "/phone"),
        ("search, two characters", f"/search?q={quote('伟强')}", "/phone"),
        ("search, initials", "/search?q=zwq", "/phone"),
        ("search, plate part", "/search?q=B1234", "/phone"),
        ("search, phone tail", "/search?q=4321", "/phone"),
        ("customer 360", f"/crm_customers/customers/{deep}", f"/file?id={deep}"),
        ("home", "/", "/list"),
    ]
    headers = {"Cookie": f"{cookie_name(suite)}={token}", "Accept-Language": "zh-CN"}
    bare_paths = dict.fromkeys(floor for _, _, floor in pages)
    with served("bare", environment) as bare, served("ours", environment) as ours:
        calls = {path: Caller(suite, bare, path, {}) for path in bare_paths}
        calls |= {path: Caller(suite, ours, path, headers) for _, path, _ in pages}
        used = costs(calls)
    counts = {path: count_statements(suite, path, headers) for _, path, _ in pages}
    show(suite, customers, pages, used, counts)


def show(
    suite: Suite, customers: int, pages: list[tuple[str, str, str]], used: Mapping[str, float], counts: dict[str, int]
) -> None:
    exact = next(used[path] for title, path, _ in pages if title == EXACT)
    print(f"{suite.database.writer.dialect.name}, {customers:,} customers: CPU ms a request of server and database")
    print(f"{'':<32}{'ours':>8}{'bare':>8}{'to bare':>9}{'to our exact phone':>20}{'statements':>12}")
    for title, path, floor in pages:
        ratio, to_exact = used[path] / used[floor], used[path] / exact
        print(f"{title:<32}{used[path]:8.2f}{used[floor]:8.2f}{ratio:8.1f}x{to_exact:19.1f}x{counts[path]:12d}")


class Caller:
    """Fetches one page again and again over one connection, and tells the CPU seconds of server and database."""

    def __init__(self, suite: Suite, port: int, path: str, headers: Mapping[str, str]) -> None:
        self._suite = suite
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self._path = path
        self._headers = {**headers, **({"HX-Request": "true"} if _is_fragment(path) else {})}

    def __call__(self) -> None:
        """Fetch the page."""
        self._fetch(self._path)

    def cpu(self) -> float:
        """Return the CPU seconds used so far by the server and by its connections' processes of PostgreSQL."""
        return float(self._fetch(CPU)) + database_cpu(self._suite)

    def _fetch(self, path: str) -> bytes:
        self._connection.request("GET", path, headers=self._headers)
        response = self._connection.getresponse()
        body = response.read()
        if response.status != 200:
            raise SystemExit(f"{path} answered {response.status}")
        return body


def database_cpu(suite: Suite) -> float:
    """Return the CPU seconds of the processes of a PostgreSQL on this machine that serve this database."""
    if suite.database.is_sqlite:
        return 0.0
    others = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    with suite.database.writer.connect() as connection:
        files = [Path(f"/proc/{pid}/schedstat") for pid in connection.execute(text(others)).scalars()]
    return sum(int(file.read_text().split()[0]) for file in files if file.exists()) / 1e9


def costs(calls: Mapping[str, Caller]) -> dict[str, float]:
    """CPU milliseconds a request: the least of many short series, in turn, so that a busy machine hits all."""
    best = dict.fromkeys(calls, float("inf"))
    for at in range(SERIES):
        for path, call in calls.items():
            if at >= FEW and best[path] > SLOW:
                continue
            call()
            begun = call.cpu()
            for _ in range(ROUNDS):
                call()
            best[path] = min(best[path], (call.cpu() - begun) / ROUNDS * 1000)
    return best


@contextmanager
def served(kind: str, environment: Mapping[str, str]) -> Iterator[int]:
    """Run one of the servers and give its port."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = int(listener.getsockname()[1])
    command = [sys.executable, "-m", "bench.page_server", kind, str(port)]
    process = subprocess.Popen(command, env={**os.environ, **environment})
    try:
        until = time.monotonic() + PATIENCE_SECONDS
        while socket.socket().connect_ex(("127.0.0.1", port)):
            if process.poll() is not None or time.monotonic() > until:
                raise SystemExit(f"the server {kind} does not start")
            time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        process.wait(60)


def _is_fragment(path: str) -> bool:
    """The palette and the list ask for these while the page stands."""
    return path.startswith("/search") or path.endswith("/count")


def count_statements(suite: Suite, path: str, headers: Mapping[str, str]) -> int:
    """Return how many statements a page runs, raw ones included, transaction commands not."""
    application = build_application(suite)
    asyncio.run(_call(application, path, headers))
    with traced(suite.database.reader) as statements:
        asyncio.run(_call(application, path, headers))
    return len(statements)


async def _call(application: Any, path: str, headers: Mapping[str, str]) -> None:
    route, _, query = path.partition("?")
    pairs = {"host": "127.0.0.1", **headers, **({"hx-request": "true"} if _is_fragment(path) else {})}
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http", "path": route,
        "raw_path": route.encode(), "query_string": query.encode(), "root_path": "", "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80), "headers": [(name.lower().encode(), value.encode()) for name, value in pairs.items()],
    }  # fmt: skip

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(_message: dict[str, Any]) -> None:
        pass

    await application(scope, receive, send)


if __name__ == "__main__":
    main()
