"""`banyan import`: files into the database, from the command line; and back out again."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.errors import InvalidValueError

if TYPE_CHECKING:
    from core.app import Suite
    from core.imports.batches import Importer, Report
    from core.imports.progress import Progress
    from core.security.actors import Actor

REJECTS = 3
"""Exit status of an import that refused rows and wrote the others."""


def register(application: typer.Typer) -> None:
    """Add the command to the command line."""
    application.command("import")(import_)


def import_(
    profile: Annotated[str, typer.Argument(help="Profile id, path of a profile file, or model id.")] = "",
    files: Annotated[list[Path] | None, typer.Argument(help="The files, in the order to import them.")] = None,
    branch: Annotated[str, typer.Option(help="Branch of rows that name none: code or name.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would happen.")] = False,
    undo: Annotated[int | None, typer.Option(help="Take this import back.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per file.")] = False,
    as_user: Annotated[str, typer.Option("--as", help="Import with this user's rights; default everything.")] = "",
) -> None:
    """Import files; exit status 3 when rows were rejected. A run that was cut off goes on when it is given again."""
    from core.app import build_suite
    from core.config import load_settings

    if undo is None and not (profile and files):
        raise InvalidValueError(
            "import_arguments", "Give a profile and at least one file.", "See `banyan import --help`."
        )
    suite = build_suite(load_settings())
    try:
        actor = _actor(suite, as_user)
        if undo is not None:
            status = _undo(suite, actor, undo, as_json=as_json)
        else:
            status = run_import(suite, actor, profile, files or [], branch or None, dry_run=dry_run, as_json=as_json)
    finally:
        suite.close()
    if status:
        raise typer.Exit(status)


def run_import(
    suite: Suite,
    actor: Actor,
    profile: str,
    files: list[Path],
    branch: str | None = None,
    *,
    dry_run: bool = False,
    as_json: bool = False,
) -> int:
    """Import files one after the other and tell what happened on standard output.

    Returns:
        0, or 3 when rows were rejected.

    Raises:
        ImportFileError: A file cannot be imported as a whole; those before it are in.
        NotFoundError: Unknown branch.
        PermissionDeniedError: The actor may not import.
    """
    from core.i18n import terminal_locale
    from core.imports.batches import Importer

    actor.require("core.import.run")
    importer, rejected = Importer(suite), 0
    importer.library.find(profile)
    for file in files:
        with _progress(file.name) as tell:
            report = _one(importer, actor, profile, file, branch, tell, dry_run=dry_run)
        rejects_file = _write_rejects(importer, report, terminal_locale() if actor.user_id is None else actor.locale)
        rejected += report.counts.rejected
        outcome = report.as_json(rejects_file)
        typer.echo(json.dumps(outcome, ensure_ascii=False) if as_json else _line(file, outcome, dry_run=dry_run))
    return REJECTS if rejected else 0


def _one(
    importer: Importer, actor: Actor, profile: str, file: Path, branch: str | None, tell: Progress, *, dry_run: bool
) -> Report:
    from core.imports.rehearsal import rehearse

    if dry_run:
        return rehearse(importer, actor, file, file.name, profile, branch, tell)
    return importer.run(importer.start(actor, file, file.name, profile, branch), tell)


def _write_rejects(importer: Importer, report: Report, locale: str) -> str | None:
    """Write the rejects file beside the data; a dry run has no batch and writes nothing."""
    from core.imports.rejects import rejects_csv
    from core.security.actors import system_actor

    if report.batch is None or not report.counts.rejected:
        return None
    batch, place = importer.batch(report.batch), importer.files.rejects(report.batch)
    with importer.suite.database.read(system_actor("import")) as session, place.open("wb") as target:
        target.writelines(rejects_csv(session, batch.id, batch.summary, importer.library.thaw(batch.profile), locale))
    return str(place)


def _undo(suite: Suite, actor: Actor, batch_id: int, *, as_json: bool) -> int:
    from core.imports.library import ImportLibrary
    from core.imports.undo import undo_batch

    actor.require("core.import.undo")
    report = undo_batch(suite, ImportLibrary(suite).targets, actor, batch_id)
    outcome: dict[str, Any] = {
        "batch": report.batch,
        "restored": report.restored,
        "removed": report.removed,
        "kept": report.kept_count,
        "kept_rows": report.kept,
    }
    if as_json:
        typer.echo(json.dumps(outcome, ensure_ascii=False))
        return 0
    typer.echo(f"Import {batch_id}: {report.restored} restored, {report.removed} removed, {report.kept_count} kept")
    for row in report.kept:
        typer.echo(f"  kept {row['model']} {row['id']}: {row['reason']}")
    return 0


def _line(file: Path, outcome: dict[str, Any], *, dry_run: bool) -> str:
    counts = ", ".join(f"{outcome[name]} {name}" for name in ("read", "new", "changed", "same", "rejected"))
    head = f"{file.name} (dry run)" if dry_run else f"{file.name} (import {outcome['batch']})"
    tail = f"\n  rejected rows with reasons: {outcome['rejects_file']}" if outcome["rejects_file"] else ""
    return f"{head}: {counts}{tail}"


@contextmanager
def _progress(name: str) -> Iterator[Progress]:
    """Show bars on standard error where a person looks at it."""
    if not sys.stderr.isatty():
        yield lambda phase, done, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        tasks = {phase: bars.add_task(f"{name}: {phase}", total=None, start=False) for phase in ("read", "merge")}

        def tell(phase: str, done: int, total: int) -> None:
            bars.start_task(tasks[phase])
            bars.update(tasks[phase], completed=done, total=total or None)

        yield tell


def _actor(suite: Suite, username: str) -> Actor:
    from core.security.accounts import find_user
    from core.security.actors import system_actor
    from core.security.permissions import actor_of

    system = system_actor("banyan import")
    if not username:
        return system
    with suite.database.read(system) as session:
        return actor_of(session, find_user(session, username))
