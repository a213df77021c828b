"""Limits on how often something may be tried; counted in the database, so they survive a restart."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import delete, func, select

from core.db.base import utc_now
from core.db.session import ScopedSession
from core.errors import TooManyRequestsError
from core.security.models import Attempt

KEPT = timedelta(days=1)


def count_attempt(session: ScopedSession, key: str, most: int, window: timedelta) -> int:
    """Count one try, or refuse it.

    Args:
        session: A write session; the count holds only when it commits.
        key: What is limited, for example ``login:anna:10.0.0.7``.
        most: Tries allowed within the window.
        window: Sliding time span.

    Returns:
        Tries within the window, this one included.

    Raises:
        TooManyRequestsError: The limit is reached; the fact ``seconds`` says when the next try is allowed.
    """
    now = utc_now()
    tries = select(func.count(Attempt.id), func.min(Attempt.at)).where(Attempt.key == key, Attempt.at > now - window)
    number, first = session.execute(tries).one()
    if number >= most:
        seconds = max(1, int((first + window - now).total_seconds()) + 1)
        raise TooManyRequestsError(
            "too_many_tries", "Too many tries.", "Try again in {seconds} seconds.", seconds=seconds
        )
    session.execute(delete(Attempt).where(Attempt.at < now - KEPT))
    session.add(Attempt(key=key, at=now))
    session.flush()
    return int(number) + 1


def forget_attempts(session: ScopedSession, key: str) -> None:
    """Forget the tries of a key, after a success."""
    session.execute(delete(Attempt).where(Attempt.key == key))
