"""One-time codes: for the first administrator, since there is no default account, and for forgotten passwords."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import delete, select

from core.db.base import utc_now
from core.db.session import ScopedSession
from core.errors import NotFoundError
from core.security import audit
from core.security.accounts import add_user, set_password
from core.security.actors import system_actor
from core.security.models import OneTimeCode, Role, User
from core.security.permissions import CORE_ROLES, give_grant, sync_roles

if TYPE_CHECKING:
    from core.app import Suite

VALID_FOR = timedelta(hours=24)
RESET_FOR = timedelta(minutes=15)


def first_admin_link(suite: Suite, base_url: str) -> str | None:
    """Make a new one-time link for the first administrator, ending older ones.

    Args:
        suite: The application.
        base_url: How people reach it, without trailing slash.

    Returns:
        The link, good for 24 hours and one use; nothing once somebody can sign in.
    """
    with suite.database.write(system_actor("link for the first administrator")) as session:
        if _somebody_can_sign_in(session):
            return None
        session.execute(delete(OneTimeCode))
        code = _new_code(session, None, VALID_FOR)
    return f"{base_url.rstrip('/')}/first-admin/{code}"


def _somebody_can_sign_in(session: ScopedSession) -> bool:
    """Whether there is a user with a password: demonstration staff has none until an administrator sets it."""
    return session.scalar(select(User.id).where(User.password_hash.is_not(None)).limit(1)) is not None


def reset_code(session: ScopedSession, user: User) -> str:
    """Make a code with which a person sets a new password within 15 minutes; nobody else learns the password."""
    session.execute(delete(OneTimeCode).where(OneTimeCode.user_id == user.id))
    audit.record(session, "user.reset_code", "core.user", user.id)
    return _new_code(session, user.id, RESET_FOR)


def check_code(session: ScopedSession, code: str) -> OneTimeCode:
    """Return the stored code.

    Raises:
        NotFoundError: It is wrong, used or too old; all look the same.
    """
    found = session.scalar(select(OneTimeCode).where(OneTimeCode.code_hash == _hash(code)))
    too_late = found is not None and found.user_id is None and _somebody_can_sign_in(session)
    if found is None or found.expires_at < utc_now() or too_late:
        raise NotFoundError(
            "no_such_code",
            "This code is not valid any more.",
            "Ask an administrator for a new one; for the first account run `banyan init` on the server.",
        )
    return found


def redeem(session: ScopedSession, code: str, username: str, name: str, password: str) -> User:
    """Use a code: make the first administrator, or set a person's new password.

    Args:
        session: A write session of a system actor.
        code: From the link or the administrator.
        username: To sign in with; for a new password that of the person the code was made for.
        name: For people; only for the first administrator.
        password: As typed.

    Raises:
        NotFoundError: The code is not valid, or was made for somebody else.
        InvalidInputError: User name, name or password is refused.
    """
    found = check_code(session, code)
    if found.user_id is None:
        user = _first_admin(session, username, name, password)
    else:
        user = session.scalars(select(User).where(User.id == found.user_id)).one()
        if user.username != username.strip().lower() or not user.active:
            raise NotFoundError("no_such_code", "This code is not valid any more.")
        set_password(session, user, password)
    session.delete(found)
    session.flush()
    return user


def _first_admin(session: ScopedSession, username: str, name: str, password: str) -> User:
    user = add_user(session, username, name, password)
    sync_roles(session, CORE_ROLES)
    give_grant(session, user, session.scalars(select(Role).where(Role.code == "admin")).one(), None)
    return user


def _new_code(session: ScopedSession, user_id: int | None, valid_for: timedelta) -> str:
    code = secrets.token_urlsafe(24)
    session.add(OneTimeCode(code_hash=_hash(code), user_id=user_id, expires_at=utc_now() + valid_for))
    session.flush()
    return code


def _hash(code: str) -> bytes:
    return hashlib.sha256(code.encode()).digest()
