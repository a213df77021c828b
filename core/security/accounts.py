"""Accounts: adding people, changing passwords, switching accounts off, finding them."""

from __future__ import annotations

import difflib
import re
from datetime import timedelta

from sqlalchemy import select

from core.db.session import Database, ScopedSession
from core.errors import BanyanError, ConflictError, InvalidInputError, InvalidValueError, NotFoundError
from core.security import audit
from core.security.actors import system_actor
from core.security.limits import count_attempt
from core.security.models import Branch, User
from core.security.passwords import check_password, hash_password, verify_password
from core.security.sessions import end_all_access

PRESENT_PER_HOUR = 20
_USERNAME = re.compile(r"[a-z0-9][a-z0-9._-]{1,63}")


def add_user(
    session: ScopedSession, username: str, name: str, password: str | None, home: Branch | None = None
) -> User:
    """Add a person.

    Args:
        session: A write session.
        username: 2 to 64 lower-case letters, digits, dots, dashes.
        name: For people.
        password: As typed; nothing makes an account that cannot sign in yet.
        home: Branch of the person's new records.

    Raises:
        InvalidInputError: User name, name or password is refused.
        ConflictError: The user name is taken.
    """
    username, name = username.strip().lower(), name.strip()
    problems: dict[str, BanyanError] = {}
    if not _USERNAME.fullmatch(username):
        problems["username"] = InvalidValueError(
            "username_invalid", "Use 2 to 64 lower-case letters, digits, dots or dashes."
        )
    if not name or len(name) > 80:
        problems["name"] = InvalidValueError("wrong_length", "Give between 1 and {most} characters.", most=80)
    if password is not None:
        problems |= _password_problem(password, (username, name))
    if problems:
        raise InvalidInputError(problems)
    if session.scalar(select(User.id).where(User.username == username)) is not None:
        raise ConflictError("username_taken", "The user name {username} is taken.", username=username)
    user = User(username=username, name=name, home_branch_id=home.id if home else None)
    user.password_hash = hash_password(password) if password is not None else None
    session.add(user)
    session.flush()
    audit.record(session, "user.add", "core.user", user.id, {"username": username})
    return user


def find_user(session: ScopedSession, username: str) -> User:
    """Return the account with a user name.

    Raises:
        NotFoundError: There is none; names the nearest.
    """
    user = session.scalar(select(User).where(User.username == username.strip().lower()))
    if user is None:
        near = difflib.get_close_matches(username, session.scalars(select(User.username)).all(), n=1)
        raise NotFoundError(
            "unknown_user",
            "There is no user {username}.",
            "Did you mean {near}?" if near else "`banyan user list` shows the users.",
            username=username,
            near=near[0] if near else "",
        )
    return user


def set_password(session: ScopedSession, user: User, password: str) -> None:
    """Change a password and end all of the person's sessions and tokens.

    Raises:
        InvalidInputError: The password is refused.
    """
    problems = _password_problem(password, (user.username, user.name, user.staff_code))
    if problems:
        raise InvalidInputError(problems)
    user.password_hash = hash_password(password)
    end_all_access(session, user.id)
    audit.record(session, "user.password", "core.user", user.id)


def check_present_password(database: Database, user_id: int, password: str) -> None:
    """Ask for the present password: a browser left open must not give the account away.

    Counted in a unit of work of its own, since a refusal rolls the request's back; to be called before the request's
    own work begins. Who signs in elsewhere and has no password here passes.

    Raises:
        InvalidInputError: The password is wrong; the field is ``present``.
        TooManyRequestsError: 20 tries were made within the hour.
    """
    with database.write(system_actor("check the present password")) as counting:
        count_attempt(counting, f"password:{user_id}", PRESENT_PER_HOUR, timedelta(hours=1))
        stored = counting.scalar(select(User.password_hash).where(User.id == user_id))
    if stored is not None and not verify_password(stored, password):
        raise InvalidInputError({"present": InvalidValueError("password_wrong", "This is not your present password.")})


def set_active(session: ScopedSession, user: User, *, active: bool) -> None:
    """Switch an account on or off; off ends all of the person's sessions and tokens at once."""
    user.active = active
    if not active:
        end_all_access(session, user.id)
    audit.record(session, "user.enable" if active else "user.disable", "core.user", user.id)


def _password_problem(password: str, own_words: tuple[str, ...]) -> dict[str, BanyanError]:
    try:
        check_password(password, own_words)
    except InvalidValueError as error:
        return {"password": error}
    return {}
