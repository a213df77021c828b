"""Sessions: the only place that commits; a session without an actor answers nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, event
from sqlalchemy.orm import ORMExecuteState, Session

from core.db.engine import create_engines
from core.db.frozen import Frozen
from core.db.row_security import name_branches
from core.errors import PermissionDeniedError, UnscopedError

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from core.security.actors import Actor

RowRules = Callable[["Actor"], list[Any]]
"""Gives the loader options that narrow every entity to what the actor may see."""


class ScopedSession(Session):
    """A session that belongs to one actor."""

    def __init__(self, actor: Actor | None, row_rules: RowRules, **options: Any) -> None:
        super().__init__(**options)
        self._actor = actor
        self.row_rules = row_rules
        self.after_commit: list[Callable[[], None]] = []
        self._connected: tuple[Any, Any] = (None, None)

    @property
    def actor(self) -> Actor | None:
        """On whose behalf the session reads and writes."""
        return self._actor

    @actor.setter
    def actor(self, actor: Actor | None) -> None:
        self._actor = actor
        if actor is not None and self.in_transaction():
            name_branches(self.connection(), actor)

    def rows(self, statement: Any, values: Mapping[str, Any] | None = None) -> Sequence[Any]:
        """Return all rows of a statement that is kept and run again and again, at a fifth of what `execute` costs.

        Args:
            statement: Selects columns, no entities; the same object every time.
            values: Its parameters.

        Raises:
            UnscopedError: The session belongs to nobody.
        """
        if self.actor is None:
            raise UnscopedError("unscoped", "A query ran without an actor.")
        if self.autoflush:
            self.flush()
        connection = self._connection_of_transaction()
        forms = _frozen.setdefault(statement, {})
        scope = (self.row_rules, self.actor, connection.dialect.name)
        found = forms.get(scope)
        if found is None:
            if len(forms) >= MOST_ACTORS:
                forms.clear()
            narrowed = statement.options(*self.row_rules(self.actor))
            found = forms[scope] = Frozen(narrowed, connection.dialect)
        return found.rows(connection, values or {})

    def _connection_of_transaction(self) -> Connection:
        """Return the session's connection, asked for once per transaction."""
        transaction = self.get_transaction()
        if transaction is None or self._connected[0] is not transaction:
            connection = self.connection()
            self._connected = (self.get_transaction(), connection)
        return cast("Connection", self._connected[1])


@event.listens_for(ScopedSession, "after_begin")
def _name_branches(session: ScopedSession, _transaction: object, connection: Connection) -> None:
    if session.actor is not None:
        name_branches(connection, session.actor)


@event.listens_for(ScopedSession, "do_orm_execute")
def _narrow(state: ORMExecuteState) -> None:
    session = state.session
    if not isinstance(session, ScopedSession):
        return
    if session.actor is None:
        raise UnscopedError("unscoped", "A query ran without an actor.")
    if not state.is_orm_statement or state.is_column_load or _is_narrowed_already(state):
        return
    options = session.row_rules(session.actor)
    if options:
        state.statement = _narrowed(state.statement, (session.row_rules, session.actor), options)


_frozen: WeakKeyDictionary[Any, dict[tuple[RowRules, Actor, str], Frozen]] = WeakKeyDictionary()
"""Texts of statements that somebody keeps, per actor."""
_kept: WeakKeyDictionary[Any, dict[tuple[RowRules, Actor], Any]] = WeakKeyDictionary()
"""Narrowed forms of statements that somebody keeps; SQLAlchemy works out the cache key of each only once."""
COUNTED_ROWS = 100_000
"""Rows of an index looked at; with fewer, a branch of 100,000 policies would seem to have as few."""
MOST_ACTORS = 200


def _narrowed(statement: Any, scope: tuple[RowRules, Actor], options: list[Any]) -> Any:
    """Return a statement with the row rules of an actor; again the same one for the same statement."""
    forms = _kept.setdefault(statement, {})
    found = forms.get(scope)
    if found is None:
        if len(forms) >= MOST_ACTORS:
            forms.clear()
        found = forms[scope] = statement.options(*options)
    return found


def _is_narrowed_already(state: ORMExecuteState) -> bool:
    """Whether a relationship is loaded from a row that a query gave: its options, the row rules, go along with it.

    A row that was just added carries none, and its relationships would show other branches.
    """
    if not state.is_relationship_load:
        return False
    origin = state.lazy_loaded_from
    return origin is None or bool(origin.load_options)


@event.listens_for(ScopedSession, "before_flush")
def _guard_branches(session: ScopedSession, _context: object, _instances: object) -> None:
    if session.actor is None:
        raise UnscopedError("unscoped", "A change was made without an actor.")
    if session.actor.sees_all_branches:
        return
    for row in (*session.new, *session.dirty):
        branch = getattr(row, "branch_id", None)
        if branch is not None and branch not in session.actor.branch_ids:
            raise PermissionDeniedError(
                "foreign_branch",
                "This record belongs to another branch.",
                "Ask an administrator of that branch.",
            )


class Database:
    """One database, reached by sessions that read and sessions that write.

    Args:
        url: SQLAlchemy address with driver.
        row_rules: Row rules of all models; set by the application once the models are known.
        owner_url: Address for upgrades where another role than the application's owns the tables.

    ``shared_tables`` are those whose rows belong to the whole installation though they name a branch; the
    application sets them. ``bell`` is called with the id of a job that is ready; the application sets it. What the
    application puts into ``info`` stands in every session's ``info``, such as the vault.
    """

    def __init__(self, url: str, row_rules: RowRules | None = None, owner_url: str = "") -> None:
        self.url = url
        self.owner_url = owner_url or url
        self.shared_tables: frozenset[str] = frozenset()
        self.reader, self.writer = create_engines(url)
        self.row_rules: RowRules = row_rules or (lambda actor: [])
        self.bell: Callable[[int], None] = lambda job_id: None
        self.info: dict[str, Any] = {}

    @property
    def is_sqlite(self) -> bool:
        """Whether the database is the embedded one."""
        return self.writer.dialect.name == "sqlite"

    @contextmanager
    def read(self, actor: Actor | None) -> Iterator[ScopedSession]:
        """Give a session that can only read; changes to what it gave are forgotten."""
        session = ScopedSession(actor, self.row_rules, bind=self.reader, autoflush=False, info=self.info)
        try:
            yield session
            # With every ROLLBACK psycopg forgets its prepared statements, and planning takes longer than reading.
            if session.is_active:
                session.expunge_all()
                session.commit()
        finally:
            session.close()

    @contextmanager
    def write(self, actor: Actor | None) -> Iterator[ScopedSession]:
        """Give a unit of work: committed when the block ends, rolled back when it raises.

        Functions in ``session.after_commit`` run after the commit, for work that leaves the database.
        """
        session = ScopedSession(actor, self.row_rules, bind=self.writer, info={"database": self, **self.info})
        try:
            yield session
            session.commit()
        except BaseException:
            session.rollback()
            raise
        finally:
            session.close()
        for call in session.after_commit:
            call()

    def within(self, connection: Connection, actor: Actor | None) -> ScopedSession:
        """Return a session inside a transaction that somebody else began and ends."""
        return ScopedSession(actor, self.row_rules, bind=connection, autoflush=False, info=self.info)

    def refresh_statistics(self) -> None:
        """Let SQLite count again what grew tenfold: without counts it takes the branch's index for every query.

        PostgreSQL does it by itself. A million customers take 0.7 s; nothing new takes no time.
        """
        if self.is_sqlite:
            with self.writer.begin() as connection:
                connection.exec_driver_sql(f"PRAGMA analysis_limit={COUNTED_ROWS}")
                connection.exec_driver_sql("PRAGMA optimize=0x10002").all()

    def dispose(self) -> None:
        """Close all connections."""
        self.reader.dispose()
        self.writer.dispose()
