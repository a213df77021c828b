"""`banyan plugin`: what is installed, what failed and why, and switching plugins per branch."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from core.app import Suite

group = typer.Typer(help="Plugins: list, failures, switching per branch.", no_args_is_help=True)


def register(application: typer.Typer) -> None:
    """Add the commands."""
    application.add_typer(group, name="plugin")


@group.command("list")
def list_plugins(as_json: Annotated[bool, typer.Option("--json", help="Machine-readable.")] = False) -> None:
    """List the plugins with their states."""
    suite = _suite()
    rows = []
    for state in suite.plugins.states.values():
        manifest = state.manifest
        rows.append(
            {
                "id": state.id,
                "version": str(manifest.version) if manifest else None,
                "title": {"en": manifest.title.en, "zh": manifest.title.zh} if manifest else None,
                "status": state.status,
                "phase": state.phase,
                "problem": str(state.error) if state.error else "",
                "requires": {name: str(versions) for name, versions in manifest.requires.items()} if manifest else {},
            }
        )
    if as_json:
        typer.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    for row in rows:
        typer.echo(f"{row['id']:28} {row['version'] or '?':10} {row['status']:8} {row['problem']}".rstrip())


@group.command()
def show(plugin: str) -> None:
    """Show the state of PLUGIN, with the traceback of its failure."""
    from core.errors import NotFoundError

    state = _suite().plugins.states.get(plugin)
    if state is None:
        raise NotFoundError("unknown_plugin", "The plugin {plugin} is not enabled.", plugin=plugin)
    typer.echo(f"{state.id}: {state.status}")
    for text in (str(state.error or ""), state.trace):
        if text:
            typer.echo(text)


@group.command()
def commands() -> None:
    """List the commands that plugins add."""
    from core.cli import application, core_commands, register_commands

    register_commands()
    before = core_commands()
    _suite().plugins.collect("core_commands", application=application)
    for name in sorted(core_commands() - before):
        typer.echo(name)


@group.command()
def on(plugin: str, branch: Annotated[str, typer.Option(help="Code or name of the branch.")]) -> None:
    """Switch PLUGIN on for a branch and those below it."""
    _switch(plugin, branch, on=True)


@group.command()
def off(plugin: str, branch: Annotated[str, typer.Option(help="Code or name of the branch.")]) -> None:
    """Switch PLUGIN off for a branch and those below it; its data stay."""
    _switch(plugin, branch, on=False)


def _switch(plugin: str, branch: str, *, on: bool) -> None:
    from core.security.actors import system_actor
    from core.security.branches import find_branch

    suite = _suite()
    with suite.database.write(system_actor("command line: switch a plugin")) as session:
        found = find_branch(session, branch)
        suite.activation.switch(session, plugin, found.id, on=on)
        name = found.name
    typer.echo(f"{plugin} is {'on' if on else 'off'} in {name} and below.")


def _suite() -> Suite:
    from core.app import build_suite
    from core.config import load_settings

    suite = build_suite(load_settings())
    suite.plugins.check()
    return suite
