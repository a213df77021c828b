"""`banyan plugin`: what is installed, what failed and why; install, upgrade, switch per branch, uninstall, restore."""

from __future__ import annotations

import json
from dataclasses import asdict
from getpass import getuser
from typing import TYPE_CHECKING, Annotated

import typer

from core.commands import plugin_new

if TYPE_CHECKING:
    from core.app import Suite
    from core.lifecycle.journal import Step
    from core.lifecycle.requests import Request

group = typer.Typer(help="Plugins: list, plan, install, upgrade, uninstall, restore.", no_args_is_help=True)
YES = Annotated[bool, typer.Option("--yes", help="Do not ask: do it.")]
WAIT = Annotated[float, typer.Option(help="Seconds to wait for another action, and for other processes.")]
BY = Annotated[str, typer.Option(hidden=True, help="Who asked, for the journal.")]
BRANCH = Annotated[str, typer.Option(help="Only for this branch, by code or name, and those below it.")]


def register(application: typer.Typer) -> None:
    """Add the commands."""
    plugin_new.register(group)
    application.add_typer(group, name="plugin")


@group.command("list")
def list_plugins(as_json: Annotated[bool, typer.Option("--json", help="Machine-readable.")] = False) -> None:
    """List the plugins with their states."""
    from core.lifecycle.overview import overview

    rows = [asdict(row) for row in overview(_suite())]
    if as_json:
        typer.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    for row in rows:
        version = row["version"] or row["installed_version"] or "?"
        typer.echo(f"{row['id']:28} {version:10} {row['state']:10} {row['status']:9} {row['problem']}".rstrip())


@group.command()
def show(plugin: str) -> None:
    """Show the state of PLUGIN, with the traceback of its failure."""
    from core.lifecycle.overview import one

    row = one(_suite(), plugin)
    typer.echo(f"{row.id}: {row.state}, {row.status}")
    for text in (row.problem, row.trace):
        if text:
            typer.echo(text)


@group.command()
def doctor() -> None:
    """Say what is wrong with plugins, and the cure; exit status 1 when something is."""
    from core.lifecycle.overview import overview

    found = [row for row in overview(_suite()) if row.problem]
    for row in found:
        typer.echo(f"{row.id}: {row.state}, {row.status}: {row.problem}")
    if not found:
        typer.echo("All plugins are sound.")
    raise typer.Exit(1 if found else 0)


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
def plan(
    action: Annotated[str, typer.Argument(help="install, upgrade, enable, preview, disable, uninstall or restore.")],
    plugin: str,
    mode: Annotated[str, typer.Option(help="For uninstall: keep, archive or drop the data.")] = "",
    branch: BRANCH = "",
    archive: Annotated[str, typer.Option(help="For restore: name of the archive file; default the newest.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable.")] = False,
) -> None:
    """Say exactly what ACTION on PLUGIN would do; nothing is changed."""
    from core.i18n import terminal_locale
    from core.lifecycle.plan import make_plan

    suite = _suite_for(plugin)
    made = make_plan(suite, _request(suite, action, plugin, mode, branch, archive), terminal_locale())
    typer.echo(json.dumps(made.as_json(), indent=2, ensure_ascii=False) if as_json else made.as_text())


@group.command()
def install(plugin: str, yes: YES = False, wait: WAIT = 60.0, by: BY = "") -> None:
    """Install PLUGIN: its tables, roles, schedules."""
    _do("install", plugin, yes=yes, wait=wait, by=by)


@group.command()
def upgrade(plugin: str, yes: YES = False, wait: WAIT = 60.0, by: BY = "") -> None:
    """Bring PLUGIN to the version of its code; only it pauses meanwhile."""
    _do("upgrade", plugin, yes=yes, wait=wait, by=by)


@group.command()
def enable(plugin: str, branch: Annotated[str, typer.Option(help="Code or name of the branch.")]) -> None:
    """Switch PLUGIN on for a branch and those below it, at once."""
    _do("enable", plugin, yes=True, branch=branch)
    typer.echo(f"{plugin} is enabled in {branch} and below.")


@group.command()
def preview(plugin: str, branch: Annotated[str, typer.Option(help="Code or name of the branch.")]) -> None:
    """Show PLUGIN in a branch and those below it to administrators only, with real data, read-only."""
    _do("preview", plugin, yes=True, branch=branch)
    typer.echo(f"{plugin} is on preview in {branch} and below.")


@group.command()
def disable(plugin: str, branch: Annotated[str, typer.Option(help="Code or name of the branch.")]) -> None:
    """Switch PLUGIN off for a branch and those below it, at once; its data stay."""
    _do("disable", plugin, yes=True, branch=branch)
    typer.echo(f"{plugin} is disabled in {branch} and below.")


@group.command()
def uninstall(
    plugin: str,
    *,
    keep: Annotated[bool, typer.Option("--keep", help="Leave the data in their tables.")] = False,
    archive: Annotated[bool, typer.Option("--archive", help="Move the data into an archive file.")] = False,
    drop: Annotated[bool, typer.Option("--drop", help="Delete the data.")] = False,
    branch: BRANCH = "",
    yes: YES = False,
    wait: WAIT = 60.0,
    by: BY = "",
) -> None:
    """Take PLUGIN out; without an option its manifest says what becomes of the data."""
    mode = next((name for name, chosen in (("keep", keep), ("archive", archive), ("drop", drop)) if chosen), "")
    _do("uninstall", plugin, mode, branch, yes=yes, wait=wait, by=by)


@group.command()
def restore(
    plugin: str,
    archive: Annotated[str, typer.Option(help="Name of the archive file; default the newest.")] = "",
    branch: BRANCH = "",
    yes: YES = False,
    wait: WAIT = 60.0,
    by: BY = "",
) -> None:
    """Bring PLUGIN back with its data, as they were when it was uninstalled."""
    _do("restore", plugin, "", branch, archive, yes=yes, wait=wait, by=by)


@group.command()
def steps(plugin: str) -> None:
    """Show the journal of actions on PLUGIN, newest last."""
    from core.lifecycle.overview import journal_of

    for row in journal_of(_suite(), plugin):
        line = f"{row.plan}  {row.action:9} {row.step:9} {row.target:28} {row.state:9} {row.error}"
        typer.echo(line.rstrip())


@group.command(hidden=True)
def resume() -> None:
    """Go on with actions that were cut off."""
    from core.lifecycle import actions

    actions.resume(_suite_for(), _report)


@group.command(hidden=True)
def probe(plugin: str) -> None:
    """Load PLUGIN in this process alone; exit status 1 and the traceback when it fails."""
    suite = _suite_for(plugin)
    state = suite.plugins.states[plugin]
    if state.status != "ready":
        typer.echo(state.trace or str(state.error))
        raise typer.Exit(1)


def _do(
    action: str,
    plugin: str,
    mode: str = "",
    branch: str = "",
    archive: str = "",
    *,
    yes: bool,
    wait: float = 60.0,
    by: str = "",
) -> None:
    from core.i18n import terminal_locale
    from core.lifecycle import actions
    from core.lifecycle.plan import make_plan
    from core.lifecycle.probe import require_sound_code

    require_sound_code(plugin, action)
    suite = _suite_for(plugin)
    actions.resume(suite, _report)
    request = _request(suite, action, plugin, mode, branch, archive, by)
    if not yes:
        typer.echo(make_plan(suite, request, terminal_locale()).as_text())
        typer.confirm("Do it?", abort=True)
    done = actions.perform(suite, request, wait=wait, patience=wait, report=_report)
    for step in done:
        if step.state not in {"done", "failed", "cancelled"}:
            typer.echo(f"{step.step} {step.target}: waits; a worker goes on with it".replace("  ", " "))


def _report(step: Step) -> None:
    typer.echo(f"{step.plugin}: {step.step} {step.target}".rstrip())


def _request(
    suite: Suite, action: str, plugin: str, mode: str, branch: str, archive: str = "", by: str = ""
) -> Request:
    from core.lifecycle.requests import ACTIONS, MODES, Request

    if action not in ACTIONS:
        raise typer.BadParameter(f"{action}: one of {', '.join(ACTIONS)}")
    if action == "uninstall" and mode not in MODES:
        state = suite.plugins.states.get(plugin)
        mode = state.manifest.uninstall if state and state.manifest else "keep"
    return Request(action, plugin, mode, _code(suite, branch), archive, by or f"command line: {getuser()}")


def _code(suite: Suite, branch: str) -> str:
    from core.security.actors import system_actor
    from core.security.branches import find_branch

    if not branch:
        return ""
    with suite.database.read(system_actor("command line: find a branch")) as session:
        return find_branch(session, branch).code


def _suite() -> Suite:
    from core.app import build_suite
    from core.config import load_settings

    suite = build_suite(load_settings())
    suite.plugins.check()
    return suite


def _suite_for(*plugins: str) -> Suite:
    """Build a suite in which plugins, and those with an open action, are loaded in the version of their code."""
    from core.app import build_suite
    from core.config import load_settings
    from core.db.session import Database
    from core.lifecycle.journal import open_plugins

    settings = load_settings()
    database = Database(settings.database_url)
    opened = open_plugins(database)
    database.dispose()
    suite = build_suite(settings, taking=tuple(dict.fromkeys([*plugins, *opened])))
    suite.plugins.check()
    return suite
