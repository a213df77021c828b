"""Signing in: limits, password check, new session; the same answer and work for unknown people."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from core.db.base import utc_now
from core.db.session import Database
from core.errors import NotSignedInError
from core.security import audit
from core.security.actors import system_actor
from core.security.limits import count_attempt, forget_attempts
from core.security.models import User
from core.security.passwords import hash_password, needs_rehash, verify_password
from core.security.sessions import start_session

HOUR = timedelta(hours=1)
PER_ACCOUNT_AND_CLIENT = 20
PER_CLIENT = 100


def log_in(database: Database, username: str, password: str, client: str, agent: str) -> str:
    """Check a password and start a session.

    The password is hashed outside any transaction: it takes a tenth of a second, during which nobody else could write.

    Args:
        database: The database.
        username: As typed.
        password: As typed.
        client: Network address; tries are counted per address and per address and account, so that a stranger's
            guesses never lock out the owner (OWASP ASVS 5.0 6.3.1).
        agent: What the browser calls itself.

    Returns:
        The secret for the cookie.

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
        user.last_login_at = utc_now()
        forget_attempts(session, account)
        audit.record(session, "login.accepted", "core.user", user.id, {"client": client})
        return start_session(session, user, client, agent)
