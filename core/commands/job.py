"""`banyan job`: look at background jobs, repeat or cancel them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from core.db.session import ScopedSession

group = typer.Typer(help="Background jobs: list, repeat, cancel.", no_args_is_help=True)


def register(application: typer.Typer) -> None:
    """Add the commands."""
    application.add_typer(group, name="job")


@group.command("list")
def list_jobs(
    state: Annotated[str, typer.Option(help="Only jobs in this state, for example parked.")] = "",
    limit: Annotated[int, typer.Option(help="At most so many, newest first.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable.")] = False,
) -> None:
    """List jobs, newest first."""
    from sqlalchemy import select

    from core.jobs.models import Job

    query = select(Job).order_by(Job.id.desc()).limit(limit)
    with _suite().database.read(_actor()) as session:
        jobs = session.scalars(query.where(Job.state == state) if state else query).all()
    rows = [_row(job) for job in jobs]
    if as_json:
        typer.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    for row in rows:
        progress = f"{row['done']}/{row['total']}"
        typer.echo(f"{row['id']:>8} {row['kind']:32} {row['state']:10} {progress:>12} {row['error'][:60]}".rstrip())


@group.command()
def retry(job: int) -> None:
    """Queue JOB again."""
    from core.jobs import queue

    _change(job, queue.retry)


@group.command()
def cancel(job: int) -> None:
    """Cancel JOB; a running one stops at its next safe point."""
    from core.jobs import queue

    _change(job, queue.cancel)


def _change(job_id: int, change: Callable[[ScopedSession, int], None]) -> None:
    suite = _suite()
    with suite.database.write(_actor()) as session:
        change(session, job_id)
    typer.echo(f"job {job_id}: done")


def _row(job: Any) -> dict[str, Any]:
    return {
        "id": job.id,
        "kind": job.kind,
        "state": job.state,
        "attempt": job.attempt,
        "done": job.progress_done,
        "total": job.total,
        "note": job.note,
        "error": job.error.strip().splitlines()[-1] if job.error.strip() else "",
        "created_at": job.created_at.isoformat(),
    }


def _suite() -> Any:
    from core.app import build_suite
    from core.config import load_settings

    return build_suite(load_settings())


def _actor() -> Any:
    from core.security.actors import system_actor

    return system_actor("command line: jobs")
