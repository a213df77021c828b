"""`banyan export MODEL`: a list as a file, through the same query builder as the screens."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.errors import InvalidValueError

if TYPE_CHECKING:
    from core.app import Suite
    from core.registry.export import Layout
    from core.registry.query import ListDefinition, ListQuery
    from core.security.actors import Actor


def register(application: typer.Typer) -> None:
    """Add the command to the command line."""
    application.command("export")(export)


def export(
    model: Annotated[str, typer.Argument(help="Model id, for example crm_customers.customer.")],
    fields: Annotated[str, typer.Option(help="Columns, separated by commas; default those of the list.")] = "",
    query: Annotated[str, typer.Option("--filter", help="A filter such as 'due:<30d premium:>500'.")] = "",
    sort: Annotated[str, typer.Option(help="Field names, - for descending, separated by commas.")] = "",
    format: Annotated[str, typer.Option(help="csv, xlsx, json or jsonl.")] = "csv",  # noqa: A002 -- the option's name
    output: Annotated[Path | None, typer.Option(help="The file to write; default standard output.")] = None,
    as_user: Annotated[str, typer.Option("--as", help="See what this user sees; default everything.")] = "",
) -> None:
    """Write the rows of a model as a file."""
    from core.app import build_suite
    from core.config import load_settings

    suite = build_suite(load_settings())
    try:
        run_export(suite, model, _names(fields), query, _names(sort), kind=format, output=output, username=as_user)
    finally:
        suite.close()


def run_export(
    suite: Suite,
    model_id: str,
    fields: tuple[str, ...] = (),
    text: str = "",
    sort: tuple[str, ...] = (),
    *,
    kind: str = "csv",
    output: Path | None = None,
    username: str = "",
) -> int:
    """Export a model and audit it.

    Args:
        suite: The application.
        model_id: Model id.
        fields: Column names; empty means the list's.
        text: A filter.
        sort: Order.
        kind: Format.
        output: File; ``None`` writes to standard output, which XLSX cannot.
        username: On whose behalf; empty means the system.

    Returns:
        Number of rows.

    Raises:
        InvalidValueError: Column, filter, order or format is wrong.
        PermissionDeniedError: The user may not export the model.
        NotFoundError: No such model or user.
    """
    from core.registry.definitions import definition_of
    from core.registry.export import FORMATS, Layout
    from core.registry.query import ListQuery

    model, actor = suite.registry.get(model_id), _actor(suite, username)
    actor.require(f"{model.id}.export")
    if kind not in FORMATS:
        known = ", ".join(FORMATS)
        raise InvalidValueError(
            "unknown_format", "There is no format {value}.", "Choose {known}.", value=kind, known=known
        )
    if kind == "xlsx" and output is None:
        raise InvalidValueError("output_missing", "A sheet needs a file.", "Add --output FILE.")
    definition = definition_of(suite, model, actor)
    query = ListQuery(
        fields or definition.default_columns,
        definition.filters.parse(text),
        sort,
        unmasked=actor.may(f"{model.id}.unmask"),
    )
    layout = replace(Layout.of(definition, query, actor.locale), for_programs=kind == "csv")
    return _write(suite, actor, definition, query, layout, kind, output)


def _write(
    suite: Suite,
    actor: Actor,
    definition: ListDefinition,
    query: ListQuery,
    layout: Layout,
    kind: str,
    output: Path | None,
) -> int:
    from core.registry.export import csv_pieces, json_pieces, write_xlsx
    from core.registry.query import count, stream
    from core.security.audit import record as audit
    from core.web.exports import export_facts

    with suite.database.read(actor) as session:
        number, _more = count(session, definition, query.conditions, cap=None)
        definition.keys(query.sort)
        with suite.database.write(actor) as writing:
            facts = export_facts(definition, query, kind, number)
            audit(writing, f"{definition.model.noun}.exported", definition.model.id, None, facts)
        pages = stream(session, definition, query)
        if kind == "xlsx" and output is not None:
            return write_xlsx(pages, layout, output)
        pieces = csv_pieces(pages, layout) if kind == "csv" else json_pieces(pages, layout, lines=kind == "jsonl")
        if output is None:
            sys.stdout.buffer.writelines(pieces)
            sys.stdout.buffer.flush()
        else:
            with output.open("wb") as file:
                file.writelines(pieces)
    return number


def _actor(suite: Suite, username: str) -> Actor:
    from core.security.accounts import find_user
    from core.security.actors import system_actor
    from core.security.permissions import actor_of

    system = system_actor("banyan export")
    if not username:
        return system
    with suite.database.read(system) as session:
        return actor_of(session, find_user(session, username))


def _names(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())
