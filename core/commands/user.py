"""`banyan user`: people, passwords, roles, interface tokens."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from core.db.session import ScopedSession

group = typer.Typer(help="People: list, add, password, switch off, roles, tokens.", no_args_is_help=True)
Stdin = Annotated[bool, typer.Option("--password-stdin", help="Read the password from standard input.")]


def register(application: typer.Typer) -> None:
    """Add the commands."""
    application.add_typer(group, name="user")


@group.command("list")
def list_users(as_json: Annotated[bool, typer.Option("--json", help="Machine-readable.")] = False) -> None:
    """List the people."""
    from sqlalchemy import select

    from core.security.models import Branch, User

    with _unit_of_work("list") as session:
        codes = {branch.id: branch.code for branch in session.scalars(select(Branch))}
        rows = [
            {
                "username": user.username,
                "name": user.name,
                "branch": codes.get(user.home_branch_id or 0),
                "active": user.active,
                "last_login_at": user.last_login_at.isoformat() if user.last_login_at else None,
            }
            for user in session.scalars(select(User).order_by(User.username))
        ]
    if as_json:
        typer.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    for row in rows:
        off = "" if row["active"] else "  (switched off)"
        typer.echo(f"{row['username']:20} {row['name']}  {row['branch'] or '-'}{off}")


@group.command()
def add(
    username: str,
    name: Annotated[str, typer.Option(help="Name for people.")] = "",
    branch: Annotated[str, typer.Option(help="Code or name of the home branch.")] = "",
    role: Annotated[str, typer.Option(help="Role to give at that branch and below; without branch everywhere.")] = "",
    password_stdin: Stdin = False,
) -> None:
    """Add the person USERNAME; the password is asked for."""
    from core.security.accounts import add_user
    from core.security.branches import find_branch

    password = _password(password_stdin)
    with _unit_of_work("add") as session:
        home = find_branch(session, branch) if branch else None
        add_user(session, username, name or username, password, home)
        if role:
            _give(session, username, role, branch, subtree=True)
    typer.echo(f"Added user {username}.")


@group.command()
def password(username: str, password_stdin: Stdin = False) -> None:
    """Set a new password for USERNAME and end all of the person's sessions."""
    from core.security.accounts import find_user, set_password

    text = _password(password_stdin)
    with _unit_of_work("password") as session:
        set_password(session, find_user(session, username), text)
    typer.echo(f"The password of {username} was changed.")


@group.command()
def disable(username: str) -> None:
    """Switch the account USERNAME off; all sessions and tokens end at once."""
    _switch(username, active=False)


@group.command()
def enable(username: str) -> None:
    """Switch the account USERNAME on again."""
    _switch(username, active=True)


@group.command()
def grant(
    username: str,
    role: str,
    branch: Annotated[str, typer.Option(help="Code or name; without it for the whole installation.")] = "",
    only_here: Annotated[bool, typer.Option("--only-here", help="Not the branches below.")] = False,
) -> None:
    """Give USERNAME the ROLE at a branch."""
    with _unit_of_work("grant") as session:
        _give(session, username, role, branch, subtree=not only_here)
    typer.echo(f"{username} is now {role}" + (f" at {branch}." if branch else " for the whole installation."))


@group.command()
def token(
    username: str,
    name: Annotated[str, typer.Option(help="What it is for.")] = "command line",
    days: Annotated[int, typer.Option(min=1, max=365, help="How long it lives.")] = 90,
    permission: Annotated[list[str] | None, typer.Option(help="Only this of the person's; may be repeated.")] = None,
    branch: Annotated[str, typer.Option(help="Code or name; only there and below.")] = "",
    per_minute: Annotated[int, typer.Option(min=1, max=6000, help="Calls within a minute.")] = 300,
) -> None:
    """Make an interface token that acts as USERNAME; it is shown only now."""
    from core.security.accounts import find_user
    from core.security.branches import find_branch
    from core.security.tokens import Scope, make_token

    with _unit_of_work("token") as session:
        place = find_branch(session, branch) if branch else None
        scope = Scope(permission or None, place, days, per_minute)
        text = make_token(session, find_user(session, username), name, scope)
    typer.echo(text)


@group.command("reset-second-factor")
def reset_second_factor(username: str) -> None:
    """Take the second factor of USERNAME away, whose device is lost, and end all of the person's sessions."""
    from core.security.accounts import find_user
    from core.security.second_factor import remove
    from core.security.sessions import end_sessions

    with _unit_of_work("reset-second-factor") as session:
        user = find_user(session, username)
        remove(session, user.id)
        end_sessions(session, user.id)
    typer.echo(f"The second factor of {username} was taken away.")


@group.command("unlink-directory")
def unlink_directory(username: str) -> None:
    """Forget whom the company's directory knows USERNAME by; the next sign-in there links the account anew."""
    from core.security.accounts import find_user
    from core.security.directory import unlink

    with _unit_of_work("unlink-directory") as session:
        unlink(session, find_user(session, username).id)
    typer.echo(f"{username} is no longer linked to the directory.")


def _switch(username: str, *, active: bool) -> None:
    from core.security.accounts import find_user, set_active

    with _unit_of_work("enable" if active else "disable") as session:
        set_active(session, find_user(session, username), active=active)
    typer.echo(f"{username} is switched {'on' if active else 'off'}.")


def _give(session: ScopedSession, username: str, role: str, branch: str, *, subtree: bool) -> None:
    from core.security import audit
    from core.security.accounts import find_user
    from core.security.branches import find_branch
    from core.security.permissions import find_role, give_grant

    user, found = find_user(session, username), find_role(session, role)
    place = find_branch(session, branch) if branch else None
    give_grant(session, user, found, place, subtree=subtree)
    facts = {"role": found.code, "branch": place.code if place else None}
    audit.record(session, "role.give", "core.user", user.id, facts)


def _password(from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    text: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    return text


@contextmanager
def _unit_of_work(verb: str) -> Iterator[ScopedSession]:
    from core.app import build_suite
    from core.config import load_settings
    from core.security.actors import system_actor

    suite = build_suite(load_settings())
    try:
        with suite.database.write(system_actor(f"banyan user {verb}")) as session:
            yield session
    finally:
        suite.close()
