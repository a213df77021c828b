"""`banyan dictionary`: every table with owner, model, rows, fields and the imports that fill them."""

from __future__ import annotations

from typing import Annotated

import typer


def register(application: typer.Typer) -> None:
    """Add the command to the command line."""
    application.command("dictionary")(dictionary)


def dictionary(
    table: Annotated[str, typer.Argument(help="Only this table.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV, one line a field.")] = False,
) -> None:
    """Print the data dictionary; rows are those of the database's statistics."""
    import csv
    import json
    import sys

    from core.app import build_suite
    from core.config import load_settings
    from core.dictionary import HEAD, data_dictionary, flat_rows
    from core.dictionary import as_json as json_of
    from core.imports.library import ImportLibrary

    suite = build_suite(load_settings())
    found = [each for each in data_dictionary(suite, ImportLibrary(suite)) if table in {"", each.name}]
    suite.close()
    if as_json:
        typer.echo(json.dumps([json_of(each) for each in found], ensure_ascii=False, indent=2))
    elif as_csv:
        csv.writer(sys.stdout, quoting=csv.QUOTE_ALL).writerows([HEAD, *flat_rows(found)])
    else:
        for each in found:
            rows = "?" if each.rows is None else f"{each.rows:,}"
            typer.echo(f"{each.name:<44} {each.owner:<16} {rows:>12}  {each.model}".rstrip())
