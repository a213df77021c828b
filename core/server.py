"""The embedded web server: uvicorn with a time limit for request heads, and a worker process at its side."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from core.app import Suite
from core.errors import ConfigError
from core.jobs.presence import Presence, restart
from core.log import logger

HEAD_SECONDS = 5.0
"""A connection whose request head is not complete by then is closed; uvicorn itself waits for ever."""
DRAIN_SECONDS = 10
WORKER_STOP_SECONDS = 25.0
RESTART_SECONDS = 2.0
LISTENER, WORKER_PID = "BANYAN_INHERITED_LISTENER", "BANYAN_INHERITED_WORKER"
"""Variables by which a process tells itself, become a new program, of its open address and its worker."""


class HeadDeadlineProtocol(HttpToolsProtocol):
    """Closes connections that hold a half-sent request head, so that they cannot use up all places."""

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        """Start the clock of a new connection."""
        super().connection_made(transport)
        self._wait_for_head()

    def on_message_begin(self) -> None:
        """Start the clock of a further request on the same connection."""
        super().on_message_begin()
        self._wait_for_head()

    def on_headers_complete(self) -> None:
        """Stop the clock: the head is here."""
        self._stop_waiting()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the clock."""
        self._stop_waiting()
        super().connection_lost(exc)

    def _wait_for_head(self) -> None:
        self._stop_waiting()
        self._deadline = self.loop.call_later(HEAD_SECONDS, self.transport.close)

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


class _Adopted:
    """A child process of this one from before it became a new program, used as `subprocess.Popen` is."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._status: int | None = None

    def poll(self) -> int | None:
        """Return the exit status, ``None`` while it runs."""
        if self._status is None:
            try:
                ended, status = os.waitpid(self.pid, os.WNOHANG)
            except ChildProcessError:
                ended, status = self.pid, 0
            self._status = os.waitstatus_to_exitcode(status) if ended else None
        return self._status

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end.

        Raises:
            subprocess.TimeoutExpired: It runs on.
        """
        until = time.monotonic() + (timeout if timeout is not None else float("inf"))
        while (status := self.poll()) is None:
            if time.monotonic() > until:
                raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
            time.sleep(0.1)
        return status

    def terminate(self) -> None:
        """Ask it to stop."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """Stop it at once."""
        self._signal(signal.SIGKILL)

    def _signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)


class WorkerProcess:
    """The worker beside the server: started, started again when it dies, stopped with it.

    Args:
        command: The worker's command; default `banyan worker`.
        adopted: A worker that this process started before it became a new program; 0: none.
    """

    def __init__(self, command: list[str] | None = None, adopted: int = 0) -> None:
        self._command = command or [sys.executable, "-m", "core", "worker", "--parent", str(os.getpid())]
        self._process: subprocess.Popen[bytes] | _Adopted | None = _Adopted(adopted) if adopted else None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="worker-watch", daemon=True)

    @property
    def pid(self) -> int:
        """Process number of the running worker, 0 when there is none."""
        process = self._process
        return process.pid if process is not None and process.poll() is None else 0

    def start(self) -> None:
        """Start the worker and watch it."""
        self._thread.start()

    def leave(self) -> None:
        """Watch it no longer, but let it run: this process becomes a new program that adopts it."""
        self._stopping.set()

    def stop(self) -> None:
        """Ask the worker to stop and wait; its job is resumed later when it does not reach a safe point in time."""
        self._stopping.set()
        process = self._process
        if process is not None and process.poll() is None:
            process.terminate()
            try:
                process.wait(WORKER_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
        if self._thread.is_alive():
            self._thread.join(RESTART_SECONDS)

    def _watch(self) -> None:
        while not self._stopping.is_set():
            if self._process is None:
                # Its own session: signals to the server's group must not reach the worker's children directly.
                self._process = subprocess.Popen(self._command, start_new_session=True)  # noqa: S603 -- our own command
            if self._stopping.is_set():
                self._process.terminate()
            status = self._process.wait()
            self._process = None
            if not self._stopping.wait(RESTART_SECONDS):
                logger(__name__).warning("worker_restarted", status=status)


class _Server(uvicorn.Server):
    """Calls back once it accepts connections."""

    def __init__(self, config: uvicorn.Config, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._on_ready()


def serve(suite: Suite, *, worker: bool, on_ready: Callable[[], None] = lambda: None) -> None:
    """Serve until SIGTERM or Ctrl-C: running requests are finished, then the worker is stopped.

    Args:
        suite: A suite whose database is up to date.
        worker: Whether to run a worker process beside the server.
        on_ready: Called once connections are accepted.

    Raises:
        ConfigError: The address is taken.
    """
    from core.web.application import build_application

    listener = _inherited() or _listen(suite.settings.server.host, suite.settings.server.port)
    kept = os.dup(listener.fileno())  # uvicorn closes its own
    sibling = WorkerProcess(adopted=int(os.environ.pop(WORKER_PID, "0"))) if worker else None

    def ready() -> None:
        if sibling is not None:
            sibling.start()
        presence.start()
        on_ready()

    server = _Server(_config(build_application(suite), suite.settings.server.trusted_proxies), ready)

    def stop_soon() -> None:
        server.should_exit = True

    presence = Presence(suite, "web", on_change=stop_soon)
    # uvicorn raises the signal again when it has stopped; without handlers that would end the process before the
    # worker is stopped.
    previous = {number: signal.signal(number, lambda *_: None) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        server.run(sockets=[listener])
        if presence.outdated:
            _become_new(kept, sibling, presence)
    finally:
        presence.end()
        os.close(kept)
        if sibling is not None:
            sibling.stop()
        suite.close()
        for number, handler in previous.items():
            signal.signal(number, handler)


def _become_new(listener: int, sibling: WorkerProcess | None, presence: Presence) -> None:
    """Become the same command anew: same process number, same open address, same worker; callers wait a moment."""
    worker = sibling.pid if sibling is not None else 0
    if sibling is not None:
        sibling.leave()
    presence.end()
    os.set_inheritable(listener, True)
    os.environ.update({LISTENER: str(listener), WORKER_PID: str(worker)})
    restart()


def _inherited() -> socket.socket | None:
    """Return the listening socket of the program that this process was before."""
    number = os.environ.pop(LISTENER, "")
    if not number:
        return None
    os.set_inheritable(int(number), False)
    return socket.socket(fileno=int(number))


def _config(application: Any, trusted_proxies: Sequence[str]) -> uvicorn.Config:
    return uvicorn.Config(
        application,
        http=HeadDeadlineProtocol,
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(trusted_proxies),
        forwarded_allow_ips=list(trusted_proxies),
        timeout_keep_alive=30,
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        raise ConfigError(
            "address_in_use",
            "Cannot listen on {host}:{port}: {problem}.",
            "Stop the other program or choose another port, for example `--port {other}`.",
            host=host,
            port=port,
            problem=error.strerror or type(error).__name__,
            other=port + 1,
        ) from error
