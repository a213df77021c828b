"""`banyan worker`: run background jobs."""

from __future__ import annotations

from typing import Annotated

import typer


def register(application: typer.Typer) -> None:
    """Add the command."""
    application.command("worker")(worker)


def worker(
    pool: Annotated[str, typer.Option(help="solo, threads or prefork; default solo when embedded, else threads.")] = "",
    concurrency: Annotated[int, typer.Option(help="Jobs at a time; default 1 for solo, else 4.")] = 0,
    parent: Annotated[int, typer.Option(hidden=True, help="Stop when this process is gone.")] = 0,
) -> None:
    """Run background jobs until stopped."""
    from core import log
    from core.app import build_suite
    from core.commands.serve import resume_actions
    from core.config import load_settings
    from core.installation import prepare
    from core.jobs.worker import run_worker

    log.configure()
    suite = build_suite(load_settings())
    prepare(suite)
    raise typer.Exit(run_worker(suite, pool, concurrency, parent, lambda: resume_actions(suite.database)))
