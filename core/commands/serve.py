"""`banyan serve`: the web server, with a worker at its side when the broker is embedded."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from core.app import Suite
    from core.config import Settings


def register(application: typer.Typer) -> None:
    """Add the command."""
    application.command("serve")(serve)


def serve(
    port: Annotated[int, typer.Option(help="Port, instead of the one in the settings.")] = 0,
    host: Annotated[str, typer.Option(help="Address to listen on, instead of the one in the settings.")] = "",
    worker: Annotated[
        bool | None, typer.Option(help="Run a worker beside the server; default: with the embedded broker.")
    ] = None,
) -> None:
    """Serve the web pages until stopped."""
    from core import log, server
    from core.app import build_suite
    from core.config import load_settings

    listen_on(host, port)
    log.configure()
    settings = load_settings()
    suite = build_suite(settings)
    require_current(suite)
    with_worker = not settings.broker.url if worker is None else worker
    server.serve(suite, worker=with_worker, on_ready=lambda: typer.echo(f"Banyan is ready: {address(settings)}"))


def listen_on(host: str, port: int) -> None:
    """Put command line options over the settings, also for the worker process."""
    if host:
        os.environ["BANYAN_SERVER__HOST"] = host
    if port:
        os.environ["BANYAN_SERVER__PORT"] = str(port)


def require_current(suite: Suite) -> None:
    """Refuse to run on tables that are not those of the code.

    Raises:
        DatabaseStateError: An upgrade is needed; names the owners.
    """
    from core.db.migrate import pending
    from core.errors import DatabaseStateError

    behind = pending(suite.database, suite.plugins)
    if behind:
        raise DatabaseStateError(
            "upgrade_needed",
            "The tables of {owners} are not yet those of this code.",
            "Run `banyan db upgrade`.",
            owners=", ".join(source.owner for source in behind),
        )


def address(settings: Settings) -> str:
    """Return the address that people type."""
    return settings.server.base_url or f"http://{settings.server.host}:{settings.server.port}"
