"""`banyan branch`: the tree of branches."""

from __future__ import annotations

import json
from typing import Annotated

import typer

group = typer.Typer(help="Branches: list, add.", no_args_is_help=True)


def register(application: typer.Typer) -> None:
    """Add the commands."""
    application.add_typer(group, name="branch")


@group.command("list")
def list_branches(as_json: Annotated[bool, typer.Option("--json", help="Machine-readable.")] = False) -> None:
    """List the branches as a tree."""
    from core.app import build_suite
    from core.config import load_settings
    from core.security.actors import system_actor
    from core.security.branches import tree

    suite = build_suite(load_settings())
    with suite.database.read(system_actor("banyan branch list")) as session:
        rows = tree(session)
        codes = {branch.id: branch.code for _, branch in rows}
        if as_json:
            facts = [
                {
                    "code": branch.code,
                    "name": branch.name,
                    "parent": codes.get(branch.parent_id or 0),
                    "area_code": branch.area_code,
                    "active": branch.active,
                }
                for _, branch in rows
            ]
            typer.echo(json.dumps(facts, indent=2, ensure_ascii=False))
        else:
            for depth, branch in rows:
                off = "" if branch.active else "  (switched off)"
                typer.echo(f"{'  ' * depth}{branch.code}  {branch.name}{off}")
    suite.close()


@group.command()
def add(
    code: str,
    name: str,
    parent: Annotated[str, typer.Option(help="Code or name of the branch above.")] = "",
    area_code: Annotated[str, typer.Option(help="Telephone area code, such as 0573.")] = "",
) -> None:
    """Add the branch NAME under its CODE."""
    from core.app import build_suite
    from core.config import load_settings
    from core.security import audit
    from core.security.actors import system_actor
    from core.security.branches import add_branch, find_branch

    suite = build_suite(load_settings())
    with suite.database.write(system_actor("banyan branch add")) as session:
        above = find_branch(session, parent) if parent else None
        branch = add_branch(session, code, name, above, area_code)
        audit.record(session, "branch.add", "core.branch", branch.id, {"code": branch.code})
    suite.close()
    typer.echo(f"Added branch {code} {name}.")
