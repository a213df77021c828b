"""`banyan db`: state and upgrade of the tables; writing revisions."""

from __future__ import annotations

import json
from typing import Annotated

import typer

group = typer.Typer(help="State and upgrade of the database.", no_args_is_help=True)


def register(application: typer.Typer) -> None:
    """Add the commands."""
    application.add_typer(group, name="db")


@group.command()
def upgrade() -> None:
    """Bring the tables up to the code; an SQLite database is backed up first."""
    from core.app import build_suite
    from core.config import load_settings
    from core.installation import upgrade_all

    done = upgrade_all(build_suite(load_settings(), taking=None))
    for line in done:
        typer.echo(line)
    if not done:
        typer.echo("Nothing to do: the tables are those of this code.")


@group.command()
def status(as_json: Annotated[bool, typer.Option("--json", help="Machine-readable.")] = False) -> None:
    """Show the revision of every owner of tables."""
    from core.app import build_suite
    from core.config import load_settings
    from core.db import migrate

    suite = build_suite(load_settings())
    present = migrate.current(suite.database)
    newest = {source.owner: source.revisions[-1] for source in migrate.sources(suite.plugins)}
    rows = [
        {"owner": owner, "database": present.get(owner), "code": newest.get(owner)}
        for owner in dict.fromkeys([*newest, *present])
    ]
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
        return
    for row in rows:
        typer.echo(f"{row['owner']:24} database {row['database'] or '-':32} code {row['code'] or '-'}")


@group.command()
def revision(owner: str, message: str) -> None:
    """Write a revision of OWNER (core or a plugin) from its models; MESSAGE says what changes."""
    from core.app import build_suite
    from core.config import load_settings
    from core.db import migrate
    from core.db.revisions import make_revision
    from core.errors import NotFoundError

    suite = build_suite(load_settings())
    owners = migrate.owners(suite.plugins)
    names = [source.owner for source in owners]
    if owner not in names:
        known = ", ".join(names)
        raise NotFoundError("unknown_owner", "There is no owner {owner}; there are {known}.", owner=owner, known=known)
    position = names.index(owner)
    typer.echo(f"Written, look it over: {make_revision(owners[:position], owners[position], message)}")
