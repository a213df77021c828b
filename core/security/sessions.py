"""Sessions of browsers: rows on the server, of whose secret only the SHA-256 is stored."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from sqlalchemy import Connection, Select, bindparam, delete, select, update

from core.db.base import utc_now
from core.db.frozen import Frozen
from core.db.session import Database, ScopedSession
from core.plugin.models import Epoch
from core.security.actors import Actor, system_actor
from core.security.models import ApiToken, Branch, User, UserSession
from core.security.permissions import ACCESS_EPOCH, access_of, build_actor
from core.security.second_factor import must_enrol

LONGEST = timedelta(hours=12)
IDLE = timedelta(hours=2)
SEEN_EVERY = timedelta(minutes=1)


@dataclass(frozen=True)
class Rights:
    """What is kept of a person between requests."""

    actor: Actor
    branches: tuple[tuple[int, str], ...]
    must_enrol: bool


@dataclass(frozen=True)
class SignedIn:
    """Who a request comes from.

    Args:
        actor: On whose behalf it runs.
        username: User name.
        theme: ``light``, ``dark`` or empty.
        locale: The person's own language, may be empty.
        session_id: Row of the session; nothing for a token.
        csrf_token: What forms of this session must carry; empty for a token.
        branches: (id, name) of the active branches in the person's scope, by code.
        must_enrol: The person's role needs a second factor, which is still to be set up.
    """

    actor: Actor
    username: str
    theme: str
    locale: str
    session_id: int | None = None
    csrf_token: str = ""
    branches: tuple[tuple[int, str], ...] = ()
    must_enrol: bool = False


class SessionKeeper:
    """Knows who a cookie belongs to; one query a request, rights cached until the access epoch grows.

    Args:
        database: The database.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._cached: dict[tuple[Any, ...], tuple[int | None, Rights]] = {}
        self._seen: dict[tuple[type[UserSession | ApiToken], int], datetime] = {}
        self._background = ThreadPoolExecutor(1, thread_name_prefix="seen")

    def check(self, token: str, locale: str = "", connection: Connection | None = None) -> SignedIn | None:
        """Return who holds a session, or nothing when it is unknown, ended, idle too long or its account is off.

        Args:
            token: Value of the cookie.
            locale: Language for people who chose none.
            connection: Asks through this one instead of taking another.
        """
        row = self.one(self._by_session, token, connection)
        now = utc_now()
        if row is None or row.expires_at <= now or now - row.seen_at > IDLE:
            return None
        self.note_seen(UserSession, row.session_id, row.seen_at)
        rights = self.rights(row, locale, row.work_branch_id)
        return SignedIn(
            rights.actor,
            row.username,
            row.theme,
            row.locale,
            row.session_id,
            csrf_token(token),
            rights.branches,
            rights.must_enrol,
        )

    def wait(self) -> None:
        """Wait until noted times are written; for tests and shutdown."""
        self._background.submit(int).result()

    @cached_property
    def _by_session(self) -> Frozen:
        number, times = UserSession.id.label("session_id"), (UserSession.seen_at, UserSession.expires_at)
        query = person_columns(number, *times, UserSession.work_branch_id).join(
            UserSession, UserSession.user_id == User.id
        )
        return self.frozen(query.where(UserSession.token_hash == bindparam("secret")))

    def one(self, query: Frozen, token: str, connection: Connection | None = None) -> Any:
        """Return the row that belongs to a secret, or nothing."""
        if connection is None:
            with self._database.reader.connect() as own:
                return self.one(query, token, own)
        return next(iter(query.rows(connection, {"secret": digest(token)})), None)

    def frozen(self, query: Select[Any]) -> Frozen:
        """Return a query of every request made ready: building it costs more than running it."""
        return Frozen(query, self._database.reader.dialect)

    def rights(self, row: Any, locale: str, work_branch_id: int | None = None) -> Rights:
        """Return what a person may, as of the access epoch of the row that `person_columns` asked for."""
        branch, language = work_branch_id or row.home_branch_id, row.locale or locale
        key = (row.user_id, branch, language, row.name)
        epoch, rights = self._cached.get(key, (None, None))
        if rights is not None and epoch == row.epoch:
            return rights
        with self._database.read(system_actor("rights of a signed-in person")) as session:
            access = access_of(session, row.user_id)
            named = session.execute(select(Branch.id, Branch.name).where(Branch.active).order_by(Branch.code))
            branches = tuple((number, name) for number, name in named if number in access.branch_ids)
            enrol = must_enrol(session, row.user_id)
        rights = Rights(build_actor(row.user_id, row.name, branch, language, access), branches, enrol)
        self._cached[key] = (row.epoch, rights)
        return rights

    def note_seen(self, entity: type[UserSession | ApiToken], row_id: int, last: datetime | None) -> None:
        """Store the time of use at most once a minute, aside, so that a page never waits for a writer."""
        now, key = utc_now(), (entity, row_id)
        last = max(filter(None, (last, self._seen.get(key))), default=None)
        if last is None or now - last >= SEEN_EVERY:
            self._seen[key] = now
            self._background.submit(self._write_seen, entity, row_id, now)

    def _write_seen(self, entity: type[UserSession | ApiToken], row_id: int, now: datetime) -> None:
        with self._database.write(system_actor("time of last use")) as session:
            session.execute(update(entity).where(entity.id == row_id).values(seen_at=now))
        self._seen.pop((entity, row_id), None)


def person_columns(*columns: Any) -> Select[Any]:
    """Build the query for an active person, with further columns and the access epoch."""
    epoch = select(Epoch.value).where(Epoch.name == ACCESS_EPOCH).scalar_subquery().label("epoch")
    person = (User.id.label("user_id"), User.username, User.name, User.home_branch_id, User.locale, User.theme)
    return select(*columns, *person, epoch).select_from(User).where(User.active)


def digest(secret: str) -> bytes:
    """Return what is stored of a secret; 256 random bits need no slow hash."""
    return hashlib.sha256(secret.encode()).digest()


def csrf_token(token: str) -> str:
    """Return the form token of a session, derived so that nothing further is stored."""
    return hmac.new(token.encode(), b"csrf", hashlib.sha256).hexdigest()


def start_session(session: ScopedSession, user: User, client: str, agent: str) -> str:
    """Start a session with a new secret and clear out those that ended.

    Args:
        session: A write session.
        user: The person.
        client: Network address.
        agent: What the browser calls itself.

    Returns:
        The secret for the cookie; it is stored nowhere.
    """
    now = utc_now()
    token = secrets.token_urlsafe(32)
    session.execute(delete(UserSession).where(UserSession.expires_at < now))
    session.add(
        UserSession(
            token_hash=digest(token),
            user_id=user.id,
            created_at=now,
            seen_at=now,
            expires_at=now + LONGEST,
            client=client[:64],
            agent=agent[:200],
        )
    )
    session.flush()
    return token


def end_session(session: ScopedSession, user_id: int, session_id: int) -> bool:
    """End one session of a person; returns whether there was one."""
    ended = session.execute(
        delete(UserSession)
        .where(UserSession.id == session_id, UserSession.user_id == user_id)
        .returning(UserSession.id)
    )
    return ended.first() is not None


def end_sessions(session: ScopedSession, user_id: int) -> None:
    """End all sessions of a person."""
    session.execute(delete(UserSession).where(UserSession.user_id == user_id))


def end_all_access(session: ScopedSession, user_id: int) -> None:
    """End all sessions and tokens of a person."""
    end_sessions(session, user_id)
    session.execute(delete(ApiToken).where(ApiToken.user_id == user_id))


def sessions_of(session: ScopedSession, user_id: int) -> list[UserSession]:
    """Return a person's running sessions, latest first."""
    running = (UserSession.expires_at > utc_now(), UserSession.seen_at > utc_now() - IDLE)
    query = select(UserSession).where(UserSession.user_id == user_id, *running).order_by(UserSession.seen_at.desc())
    return list(session.scalars(query))
