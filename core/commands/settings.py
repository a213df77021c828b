"""`banyan settings`: what administrators set for the installation and for branches."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from core.app import Suite
    from core.db.session import ScopedSession
    from core.plugin.contributions import Setting

group = typer.Typer(help="Settings: list, get, set, unset.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(metavar="NAME", help="PLUGIN.SETTING, such as core.attachment_mb.")]
Place = Annotated[str, typer.Option("--branch", help="Code or name of a branch; default the whole installation.")]
AsJson = Annotated[bool, typer.Option("--json", help="Machine-readable.")]


def register(application: typer.Typer) -> None:
    """Add the commands."""
    application.add_typer(group, name="settings")


@group.command("list")
def list_settings(branch: Place = "", as_json: AsJson = False) -> None:
    """List all settings with the value that holds at a place and where it comes from."""
    from core.security.actors import system_actor

    suite = _suite()
    with suite.database.read(system_actor("banyan settings list")) as session:
        place = _branch_id(session, branch)
        found = [_told(suite, owner, each, place) for owner, each in suite.plugins.collect("core_settings")]
    suite.close()
    if as_json:
        typer.echo(json.dumps(found, indent=2, ensure_ascii=False))
        return
    for each in found:
        typer.echo(f"{each['name']:<40} {each['value']!s:<16} {each['origin']:<8} {each['changed_by'] or ''}".rstrip())


@group.command()
def get(name: Name, branch: Place = "", as_json: AsJson = False) -> None:
    """Print the value that holds at a place."""
    from core.plugin.settings import find_setting
    from core.security.actors import system_actor

    suite = _suite()
    with suite.database.read(system_actor("banyan settings get")) as session:
        found = _told(suite, *find_setting(suite, name), _branch_id(session, branch))
    suite.close()
    typer.echo(json.dumps(found, indent=2, ensure_ascii=False) if as_json else found["value"])


@group.command("set")
def set_one(name: Name, value: str, branch: Place = "", as_json: AsJson = False) -> None:
    """Set VALUE for the installation or a branch and those below it; running processes see it within a second."""
    from core.plugin.setting_changes import set_value
    from core.plugin.settings import find_setting
    from core.security.actors import system_actor

    suite = _suite()
    owner, declared = find_setting(suite, name)
    with suite.database.write(system_actor("banyan settings set")) as session:
        place = _branch_id(session, branch)
        set_value(suite, session, owner, declared, value, place)
    _print(suite, owner, declared, place, as_json=as_json)


@group.command()
def unset(name: Name, branch: Place = "", as_json: AsJson = False) -> None:
    """Take the value of a place away; it inherits again."""
    from core.plugin.setting_changes import reset_value
    from core.plugin.settings import find_setting
    from core.security.actors import system_actor

    suite = _suite()
    owner, declared = find_setting(suite, name)
    with suite.database.write(system_actor("banyan settings unset")) as session:
        place = _branch_id(session, branch)
        reset_value(suite, session, owner, declared, place)
    _print(suite, owner, declared, place, as_json=as_json)


def _suite() -> Suite:
    from core.app import build_suite
    from core.config import load_settings

    return build_suite(load_settings())


def _branch_id(session: ScopedSession, branch: str) -> int | None:
    from core.security.branches import find_branch

    return find_branch(session, branch).id if branch else None


def _print(suite: Suite, owner: str, declared: Setting, branch_id: int | None, *, as_json: bool) -> None:
    found = _told(suite, owner, declared, branch_id)
    suite.close()
    text = f"{found['name']} = {found['value']} ({found['origin']})"
    typer.echo(json.dumps(found, indent=2, ensure_ascii=False) if as_json else text)


def _told(suite: Suite, owner: str, declared: Setting, branch_id: int | None) -> dict[str, Any]:
    from core.plugin.settings import effective

    found = effective(suite, owner, declared, branch_id)
    return {
        "name": f"{owner}.{declared.name}",
        "value": found.value,
        "origin": found.origin,
        "default": declared.default,
        "per_branch": declared.per_branch,
        "changed_by": found.stored.by if found.stored else None,
        "changed_at": found.stored.at.isoformat() if found.stored else None,
    }
