"""`banyan up`: everything from an empty folder to a running suite, as `make run` does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from core.app import Suite


def register(application: typer.Typer) -> None:
    """Add the command."""
    application.command("up")(up)


def up(
    port: Annotated[int, typer.Option(help="Port, instead of the one in the settings.")] = 0,
    host: Annotated[str, typer.Option(help="Address to listen on, instead of the one in the settings.")] = "",
    demo: Annotated[bool, typer.Option(help="Load demonstration data when there is no branch yet.")] = True,
) -> None:
    """Set up what is missing, then serve; a new installation gets demonstration data in the background."""
    from core import log, server
    from core.commands.serve import listen_on
    from core.config import load_settings
    from core.installation import initialise, prepare

    listen_on(host, port)
    log.configure()
    settings = load_settings()
    suite, _done = initialise(settings)
    prepare(suite)
    server.serve(suite, worker=not settings.broker.url, on_ready=lambda: _welcome(suite, demo=demo))


def _welcome(suite: Suite, *, demo: bool) -> None:
    from core.commands.serve import address
    from core.security.bootstrap import first_admin_link

    base = address(suite.settings)
    link = first_admin_link(suite, base)
    typer.echo(f"Banyan is ready: {base}")
    if link:
        typer.echo(f"Make the first administrator here (once, within 24 hours): {link}")
    if demo and _queue_demo(suite):
        typer.echo("Demonstration data is being loaded in the background.")


def _queue_demo(suite: Suite) -> bool:
    """Queue the demonstration data of a new installation; whether it was queued."""
    from sqlalchemy import select

    from core.jobs.queue import enqueue
    from core.security.actors import system_actor
    from core.security.models import Branch

    actor = system_actor("demonstration data")
    with suite.database.write(actor) as session:
        if session.scalar(select(Branch.id).limit(1)) is not None:
            return False
        enqueue(session, "core.demo", {}, key="core.demo", actor=actor, branch_id=None)
    return True
