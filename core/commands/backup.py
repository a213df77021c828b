"""`banyan backup` and `banyan restore`: the whole installation in one file, the keys apart."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from core.backup.manifest import Manifest

AsJson = Annotated[bool, typer.Option("--json", help="Machine-readable.")]


def register(application: typer.Typer) -> None:
    """Add the commands."""
    application.command("backup")(backup)
    application.command("restore")(restore)


def backup(
    file: Annotated[Path | None, typer.Argument(help="The file to write; default in backups/.")] = None,
    keys: Annotated[Path | None, typer.Option(help="Write only a copy of the keys here, to be kept apart.")] = None,
    files: Annotated[bool, typer.Option(help="With the stored files.")] = True,
    as_json: AsJson = False,
) -> None:
    """Back up database and stored files into FILE while the installation serves; the keys only by --keys."""
    from core.app import build_suite
    from core.backup.writing import backup_name, write_backup
    from core.config import load_settings
    from core.crypto import copy_keys
    from core.db.base import utc_now
    from core.security import audit
    from core.security.actors import system_actor

    suite = build_suite(load_settings())
    with suite.database.write(system_actor("banyan backup")) as session:
        audit.record(session, "backup.keys" if keys else "backup.make")
    if keys is not None:
        copy_keys(suite.vault.file, keys)
        typer.echo(f"The keys are in {keys}. Keep them apart from the backups: together they open everything.")
        return
    target = file or suite.settings.data.folder / "backups" / backup_name(utc_now())
    _tell(write_backup(suite, target, files=files), target, as_json=as_json)


def restore(
    file: Path,
    keys: Annotated[Path | None, typer.Option(help="The copy of the keys.")] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Replace what is here; its name must be typed.")] = False,
    check: Annotated[bool, typer.Option("--check", help="Only check the backup.")] = False,
    as_json: AsJson = False,
) -> None:
    """Restore FILE into an empty installation; everything is checked before anything is touched."""
    from core.app import build_suite
    from core.backup import restoring
    from core.config import load_settings
    from core.db.migrate import pending
    from core.installation import make_folders

    settings = load_settings()
    if check:
        with restoring.checked_backup(file, file.resolve().parent) as (manifest, _parts):
            _tell(manifest, file, as_json=as_json)
        return
    make_folders(settings.data.folder)
    suite = build_suite(settings)
    name = restoring.name_of(suite)
    typed = str(typer.prompt(f"Type {name} to replace what is in it", err=True)) if replace else None
    done = restoring.restore(suite, file, keys=keys, replace=typed)
    _tell(done.manifest, file, as_json=as_json)
    if done.set_aside:
        typer.echo(f"What was here before is kept in {done.set_aside}.", err=True)
    if pending(suite.database, suite.plugins):
        typer.echo("The tables are older than the code: run `banyan db upgrade`.", err=True)


def _tell(manifest: Manifest, file: Path, *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps({"file": str(file), **manifest.model_dump()}, indent=1, ensure_ascii=False))
        return
    rows = sum(int(total.split()[0]) for total in manifest.tables.values())
    typer.echo(f"{file}: {manifest.kind}, {len(manifest.tables)} tables, {rows:,} rows, {len(manifest.parts)} parts.")
