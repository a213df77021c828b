"""`banyan init`: make the data folder, keys and tables."""

from __future__ import annotations

import typer


def register(application: typer.Typer) -> None:
    """Add the command."""
    application.command("init")(init)


def init() -> None:
    """Make the data folder, the keys and the tables; doing it again changes nothing."""
    from core.config import load_settings
    from core.installation import initialise

    suite, done = initialise(load_settings())
    suite.close()
    for line in done:
        typer.echo(f"made {line}")
    typer.echo("The installation is ready." if done else "Nothing to do: the installation is ready.")
