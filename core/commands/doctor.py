"""`banyan doctor`: is the installation sound, and if not, what to do."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from core.health import CheckResult


def register(application: typer.Typer) -> None:
    """Add the command."""
    application.command("doctor")(doctor)


def doctor(as_json: Annotated[bool, typer.Option("--json", help="Machine-readable.")] = False) -> None:
    """Check the installation; exit status 1 when something is wrong."""
    results = _results()
    ok = all(result.ok for result in results)
    if as_json:
        typer.echo(
            json.dumps({"ok": ok, "checks": [asdict(result) for result in results]}, indent=2, ensure_ascii=False)
        )
    else:
        for result in results:
            typer.echo(f"{'ok  ' if result.ok else 'FAIL'} {result.id:24} {result.text}")
    raise typer.Exit(0 if ok else 1)


def _results() -> list[CheckResult]:
    from core.app import build_suite
    from core.config import load_settings
    from core.errors import BanyanError
    from core.health import CheckResult, check_all
    from core.i18n import localised, terminal_locale

    try:
        return check_all(build_suite(load_settings()))
    except BanyanError as error:
        return [CheckResult("installation", False, " ".join(localised(error, terminal_locale())))]
