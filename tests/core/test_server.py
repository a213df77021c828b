"""The embedded server: half-sent requests do not hold places; the worker lives and dies with it."""

import asyncio
import sys
import threading

import uvicorn

from core import server
from core.server import HeadDeadlineProtocol, WorkerProcess


async def answer(_scope, receive, send):
    await receive()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


async def talk(*texts):
    """Send texts to a fresh server, each after the answer to the one before; return all that came until it closed."""
    config = uvicorn.Config(answer, http=HeadDeadlineProtocol, ws="none", log_config=None, lifespan="off", port=0)
    config.load()
    state = uvicorn.server.ServerState()
    loop = asyncio.get_running_loop()
    listener = await loop.create_server(lambda: HeadDeadlineProtocol(config, state, {}), "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*listener.sockets[0].getsockname())
    answers = b""
    for text in texts:
        writer.write(text)
        answers += await reader.read(10_000)
    answers += await reader.read(10_000)
    listener.close()
    return answers


def test_a_half_sent_head_is_closed_at_the_deadline(monkeypatch):
    monkeypatch.setattr(server, "HEAD_SECONDS", 0.05)

    assert asyncio.run(talk(b"GET / HTTP/1.1\r\nHost: x")) == b""


def test_a_second_half_sent_head_on_the_same_connection_is_closed_too(monkeypatch):
    monkeypatch.setattr(server, "HEAD_SECONDS", 0.05)

    answers = asyncio.run(talk(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"GET / HTTP/1.1\r\nHo"))

    assert answers.count(b"200 OK") == 1


def test_a_worker_that_dies_is_started_again_and_stopped_with_the_server(tmp_path, monkeypatch):
    monkeypatch.setattr(server, "RESTART_SECONDS", 0.01)
    trace = tmp_path / "trace"
    enough = threading.Event()
    started = server.subprocess.Popen

    def count(*arguments, **options):
        if trace.exists() and len(trace.read_text()) >= 3:
            enough.set()
        return started(*arguments, **options)

    monkeypatch.setattr(server.subprocess, "Popen", count)
    worker = WorkerProcess([sys.executable, "-S", "-c", f"open({str(trace)!r}, 'a').write('x')"])

    worker.start()
    reached = enough.wait(30)
    worker.stop()

    assert reached
