"""Commands of the customer plugin: `banyan classify`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from plugins.crm_customers.classify import Progress

DAY_FORMATS = ["%Y-%m-%d"]


def register(application: typer.Typer) -> None:
    """Add the plugin's commands to the command line."""
    application.command("classify")(classify)


def classify(
    as_of: Annotated[
        datetime | None, typer.Option("--as-of", formats=DAY_FORMATS, help="The day to classify for; default today.")
    ] = None,
    changed: Annotated[
        bool, typer.Option("--changed/--all", help="Only customers whose facts changed since the last run.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Compute the classes of customers, with reasons; a run that was stopped is simply started again."""
    from core.api import build_suite, load_settings, today_here
    from plugins.crm_customers.classify import classify_all, classify_changed

    suite, day = build_suite(load_settings()), as_of.date() if as_of else today_here()
    try:
        if changed:
            result = classify_changed(suite.database, day)
        else:
            with _progress() as tell:
                result = classify_all(suite.database, day, progress=tell)
    finally:
        suite.close()
    if as_json:
        typer.echo(json.dumps(result.as_dict(), ensure_ascii=False))
        return
    typer.echo(f"{result.as_of}: {result.customers} customers, {result.changed} changed")
    for code, count in sorted(result.by_class.items()):
        typer.echo(f"  {code:<12}{count:>10}")


@contextmanager
def _progress() -> Iterator[Progress]:
    """Show a bar on standard error where a person looks at it."""
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task("classify", total=None)
        yield lambda done, total: bars.update(task, completed=done, total=total)
