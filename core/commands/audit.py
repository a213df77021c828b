"""`banyan audit`: proof that the audit trail was not altered, and anchors to keep outside of the database."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

group = typer.Typer(help="The audit trail: verify its chains, print their ends.", no_args_is_help=True)


def register(application: typer.Typer) -> None:
    """Add the commands."""
    application.add_typer(group, name="audit")


@group.command()
def verify(
    anchor: Annotated[Path | None, typer.Option(help="What `banyan audit anchor` printed earlier.")] = None,
) -> None:
    """Recompute all chains; exit status 1 names each line that was altered, removed or put in."""
    from core.security import audit

    with _reading("audit verify") as session:
        faults = audit.verify(session, _anchors(anchor))
        lines = audit.length(session)
    for fault in faults:
        place = f"line {fault.entry_id}" if fault.entry_id else "the trail"
        chain = f"branch {fault.branch_id}" if fault.branch_id else "the installation"
        typer.echo(f"{place} of {chain}: {fault.problem}", err=True)
    if faults:
        raise typer.Exit(1)
    typer.echo(f"The audit trail is sound: {lines} lines.")


@group.command("anchor")
def print_anchors() -> None:
    """Print the end of each chain as JSON; kept elsewhere, it proves later that no end was cut off."""
    from core.security import audit

    with _reading("audit anchor") as session:
        ends = [
            {"chain": chain, "entries": number, "hash": digest.hex()}
            for chain, (number, digest) in sorted(audit.ends(session).items())
        ]
    typer.echo(json.dumps(ends))


def _reading(command: str) -> Any:
    from core.app import build_suite
    from core.config import load_settings
    from core.security.actors import system_actor

    return build_suite(load_settings()).database.read(system_actor(f"banyan {command}"))


def _anchors(file: Path | None) -> dict[int, tuple[int, bytes]]:
    from core.errors import ConfigError

    if file is None:
        return {}
    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text("utf-8")
        return {int(end["chain"]): (int(end["entries"]), bytes.fromhex(end["hash"])) for end in json.loads(text)}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(
            "anchor_unreadable",
            "The anchors in {file} cannot be read.",
            "Give the file that `banyan audit anchor` printed.",
            file=str(file),
        ) from error
