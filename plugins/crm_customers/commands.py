"""Commands of the customer plugin: `banyan classify`."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated

import typer

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

    suite = build_suite(load_settings())
    try:
        run = classify_changed if changed else classify_all
        result = run(suite.database, as_of.date() if as_of else today_here())
    finally:
        suite.close()
    if as_json:
        typer.echo(json.dumps(result.as_dict(), ensure_ascii=False))
        return
    typer.echo(f"{result.as_of}: {result.customers} customers, {result.changed} changed")
    for code, count in sorted(result.by_class.items()):
        typer.echo(f"  {code:<12}{count:>10}")
