"""`banyan serve`: the web server, with a worker at its side when the broker is embedded."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from core.config import Settings
    from core.db.session import Database


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
    from core.db.session import Database
    from core.installation import prepare

    listen_on(host, port)
    log.configure()
    settings = load_settings()
    resume_actions(Database(settings.database_url))
    suite = build_suite(settings)
    prepare(suite)
    with_worker = not settings.broker.url if worker is None else worker
    server.serve(suite, worker=with_worker, on_ready=lambda: typer.echo(f"Banyan is ready: {address(settings)}"))


def listen_on(host: str, port: int) -> None:
    """Put command line options over the settings, also for the worker process."""
    if host:
        os.environ["BANYAN_SERVER__HOST"] = host
    if port:
        os.environ["BANYAN_SERVER__PORT"] = str(port)


def resume_actions(database: Database) -> None:
    """Go on with actions on plugins that were cut off, in a process of its own: this one may have older code loaded."""
    from core.lifecycle.journal import open_plugins
    from core.lifecycle.probe import run_banyan

    if open_plugins(database):
        run_banyan("plugin", "resume")


def address(settings: Settings) -> str:
    """Return the address that people type."""
    return settings.server.base_url or f"http://{settings.server.host}:{settings.server.port}"
