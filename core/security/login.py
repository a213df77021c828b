"""Signing in: limits, password, second factor, new session; the same answer and work for unknown people."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select

from core.crypto import Vault
from core.db.base import utc_now
from core.db.session import Database, ScopedSession
from core.errors import ConfigError, NotSignedInError
from core.security import audit
from core.security.actors import system_actor
from core.security.limits import count_attempt, forget_attempts
from core.security.models import User
from core.security.passwords import hash_password, needs_rehash, verify_password
from core.security.second_factor import check_code, has_factor
from core.security.sessions import digest, start_session

HOUR = timedelta(hours=1)
PER_ACCOUNT_AND_CLIENT = 20
PER_CLIENT = 100
TICKET = timedelta(minutes=5)
_TICKET = "sign-in.ticket"


@dataclass(frozen=True)
class Admission:
    """How far somebody got: the secret of a session for the cookie, or a ticket for the second factor."""

    token: str = ""
    ticket: str = ""


def log_in(database: Database, username: str, password: str, client: str, agent: str) -> Admission:
    """Check a password and start a session, or ask for the second factor of who has one.

    The password is hashed outside any transaction: it takes a tenth of a second, during which nobody else could write.

    Args:
        database: The database.
        username: As typed.
        password: As typed.
        client: Network address; tries are counted per address and per address and account, so that a stranger's
            guesses never lock out the owner (OWASP ASVS 5.0 6.3.1).
        agent: What the browser calls itself.

    Raises:
        NotSignedInError: User name or password is wrong, or the account is off; all look the same.
        TooManyRequestsError: 20 tries an hour on the account or 100 in all were made from this address.
    """
    actor = system_actor("sign in")
    username = username.strip().lower()[:64]
    account = f"login:{client}:{username}"
    with database.write(actor) as session:
        count_attempt(session, account, PER_ACCOUNT_AND_CLIENT, HOUR)
        count_attempt(session, f"login:{client}", PER_CLIENT, HOUR)
    with database.read(actor) as session:
        query = select(User.id, User.password_hash).where(User.username == username, User.active)
        found = session.execute(query).one_or_none()
    if not verify_password(found.password_hash if found else None, password) or found is None:
        with database.write(actor) as session:
            audit.record(session, "login.refused", "core.user", found.id if found else None, {"client": client})
        raise NotSignedInError("login_failed", "User name or password is wrong.", "Try again, or ask an administrator.")
    renewed = hash_password(password) if needs_rehash(found.password_hash) else found.password_hash
    with database.write(actor) as session:
        user = session.scalars(select(User).where(User.id == found.id)).one()
        user.password_hash = renewed
        forget_attempts(session, account)
        return admit(session, user, client, agent)


def admit(session: ScopedSession, user: User, client: str, agent: str) -> Admission:
    """Let in somebody who proved who they are; who has a second factor gets a ticket with which to give it.

    Args:
        session: A write session of a system actor.
        user: The person; must be active.
        client: Network address.
        agent: What the browser calls itself.
    """
    if has_factor(session, user.id):
        expires = int((utc_now() + TICKET).timestamp())
        content = json.dumps([user.id, expires, _fingerprint(user)])
        sealed = _vault(session).seal(content, _TICKET, 0)
        return Admission(ticket=base64.urlsafe_b64encode(sealed).decode())
    return Admission(token=_enter(session, user, client, agent))


def log_in_second(database: Database, ticket: str, code: str, client: str, agent: str) -> str:
    """Check the second factor and start a session.

    Args:
        database: The database.
        ticket: From `log_in`; good for five minutes and until the password changes.
        code: Of the app, or a recovery code.
        client: Network address; these tries count with those of passwords.
        agent: What the browser calls itself.

    Returns:
        The secret for the cookie.

    Raises:
        NotSignedInError: The ticket is too old, the code wrong or the account off.
        TooManyRequestsError: Five codes in 15 minutes, or 100 tries an hour from this address, were made.
    """
    actor = system_actor("sign in")
    with database.write(actor) as session:
        count_attempt(session, f"login:{client}", PER_CLIENT, HOUR)
    with database.read(actor) as session:
        user_id = _holder(session, ticket).id
    check_code(database, user_id, code)
    with database.write(actor) as session:
        return _enter(session, _holder(session, ticket), client, agent)


def _enter(session: ScopedSession, user: User, client: str, agent: str) -> str:
    user.last_login_at = utc_now()
    audit.record(session, "login.accepted", "core.user", user.id, {"client": client})
    return start_session(session, user, client, agent)


def _holder(session: ScopedSession, ticket: str) -> User:
    try:
        opened = _vault(session).open(base64.urlsafe_b64decode(ticket.encode()), _TICKET, 0)
        user_id, expires, fingerprint = json.loads(opened)
    except (ConfigError, ValueError):
        user_id, expires, fingerprint = None, 0, ""
    user = session.scalar(select(User).where(User.id == user_id, User.active))
    if user is None or expires < utc_now().timestamp() or fingerprint != _fingerprint(user):
        raise NotSignedInError("ticket_invalid", "This took too long.", "Sign in again.")
    return user


def _fingerprint(user: User) -> str:
    """Return what changes with the password, so that a ticket ends with it."""
    return digest(user.password_hash or "").hex()[:16]


def _vault(session: ScopedSession) -> Vault:
    vault: Vault = session.info["vault"]
    return vault
