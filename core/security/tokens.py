"""Interface tokens: made for programs, narrower than their owner, limited in calls per minute."""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cached_property
from threading import Lock
from typing import Any

from sqlalchemy import bindparam, delete, select

from core.db.base import utc_now
from core.db.frozen import Frozen
from core.db.session import Database, ScopedSession
from core.errors import NotFoundError, PermissionDeniedError, TooManyRequestsError
from core.security import audit
from core.security.actors import Actor, system_actor
from core.security.branches import subtree_ids
from core.security.models import ApiToken, Branch, User
from core.security.sessions import SessionKeeper, SignedIn, digest, person_columns

PREFIX = "banyan_"
"""By which scanners know a leaked token."""
SHOWN = len(PREFIX) + 6
"""Characters of a token that are stored and shown, to tell one from another: 36 of its 256 bits."""
DAYS, LONGEST_DAYS = 90, 365
PER_MINUTE, MOST_PER_MINUTE = 300, 6000


@dataclass(frozen=True)
class Scope:
    """What a token may at most; its owner's rights narrow it further at each call.

    Args:
        permissions: Names of permissions; nothing means all of the owner's.
        branch: Only there and below; nothing means wherever the owner may.
        days: How long it lives, 1 to 365.
        per_minute: Calls within a minute, 1 to 6000.
    """

    permissions: Sequence[str] | None = None
    branch: Branch | None = None
    days: int = DAYS
    per_minute: int = PER_MINUTE


def make_token(session: ScopedSession, user: User, name: str, scope: Scope = Scope()) -> str:
    """Make a token that acts as a person.

    Args:
        session: A write session.
        user: The person on whose behalf programs will act.
        name: What it is for.
        scope: What it may.

    Returns:
        The token; shown once, stored nowhere.

    Raises:
        PermissionDeniedError: The maker does not reach the branch.
    """
    actor, branch = session.actor, scope.branch
    if branch is not None and (actor is None or not (actor.sees_all_branches or branch.id in actor.branch_ids)):
        raise PermissionDeniedError("foreign_branch", "This branch is not yours.")
    token = PREFIX + secrets.token_urlsafe(32)
    made = ApiToken(
        token_hash=digest(token),
        user_id=user.id,
        name=name.strip()[:80] or "API",
        prefix=token[:SHOWN],
        permissions=None if scope.permissions is None else sorted(scope.permissions),
        limit_branch_id=branch.id if branch else None,
        per_minute=min(max(scope.per_minute, 1), MOST_PER_MINUTE),
        expires_at=utc_now() + timedelta(days=min(max(scope.days, 1), LONGEST_DAYS)),
    )
    session.add(made)
    session.flush()
    told = {"name": made.name, "token": made.prefix, "branch": branch.code if branch else None}
    audit.record(session, "token.add", "core.user", user.id, told)
    return token


def tokens_of(session: ScopedSession, user_id: int) -> list[ApiToken]:
    """Return a person's tokens that have not expired, oldest first."""
    mine = select(ApiToken).where(ApiToken.user_id == user_id, ApiToken.expires_at > utc_now())
    return list(session.scalars(mine.order_by(ApiToken.id)))


def end_token(session: ScopedSession, user_id: int, token_id: int) -> None:
    """End a person's token at once.

    Raises:
        NotFoundError: The person has no such token.
    """
    ended = delete(ApiToken).where(ApiToken.id == token_id, ApiToken.user_id == user_id)
    prefix = session.scalar(ended.returning(ApiToken.prefix))
    if prefix is None:
        raise NotFoundError("no_such_token", "There is no such token.")
    audit.record(session, "token.end", "core.user", user_id, {"token": prefix})


class TokenKeeper:
    """Knows who a token belongs to and what is left of that person's rights.

    Args:
        database: The database.
        people: Knows the rights of the owners.
    """

    def __init__(self, database: Database, people: SessionKeeper) -> None:
        self._database = database
        self._people = people
        self._limit = CallLimit()

    def check(self, token: str, locale: str) -> SignedIn | None:
        """Return on whose behalf a program calls, or nothing when its token is unknown, expired or its owner off.

        Raises:
            TooManyRequestsError: The token was used more often within a minute than it allows.
        """
        row = self._people.one(self._by_token, token)
        if row is None or row.expires_at <= utc_now():
            return None
        self._limit.count(row.token_id, row.per_minute)
        self._people.note_seen(ApiToken, row.token_id, row.seen_at)
        rights = self._people.rights(row, locale)
        actor = self._narrowed(rights.actor, row)
        return SignedIn(actor, row.username, row.theme, row.locale, must_enrol=rights.must_enrol)

    @cached_property
    def _by_token(self) -> Frozen:
        limits = (ApiToken.prefix, ApiToken.permissions, ApiToken.limit_branch_id, ApiToken.per_minute)
        query = person_columns(ApiToken.id.label("token_id"), ApiToken.expires_at, ApiToken.seen_at, *limits)
        mine = query.join(ApiToken, ApiToken.user_id == User.id)
        return self._people.frozen(mine.where(ApiToken.token_hash == bindparam("secret")))

    def _narrowed(self, actor: Actor, row: Any) -> Actor:
        kept = actor.permissions if row.permissions is None else frozenset(filter(actor.may, row.permissions))
        actor = replace(actor, permissions=kept, token=row.prefix)
        if row.limit_branch_id is None:
            return actor
        with self._database.read(system_actor("branches of a token")) as session:
            reached = subtree_ids(session, row.limit_branch_id) & actor.branch_ids
        home = row.limit_branch_id if row.limit_branch_id in reached else min(reached, default=None)
        return replace(actor, branch_ids=reached, sees_all_branches=False, home_branch_id=home)


class CallLimit:
    """Counts the calls of each token within a minute, in this process: a write per reading call would cost more."""

    def __init__(self) -> None:
        self._minutes: dict[int, tuple[float, int]] = {}
        self._lock = Lock()

    def count(self, token_id: int, most: int) -> None:
        """Count one call.

        Raises:
            TooManyRequestsError: The minute has had ``most`` of them; the fact ``seconds`` says when it ends.
        """
        now = time.monotonic()
        with self._lock:
            start, number = self._minutes.get(token_id, (now, 0))
            if now - start >= 60:
                start, number = now, 0
            if number >= most:
                seconds = max(1, int(start + 60 - now) + 1)
                raise TooManyRequestsError(
                    "too_many_calls", "Too many calls.", "Try again in {seconds} seconds.", seconds=seconds
                )
            self._minutes[token_id] = (start, number + 1)
