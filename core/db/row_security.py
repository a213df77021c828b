"""Row-level security on PostgreSQL: the third layer, below the row rules of the sessions and the guard of the flush.

It bites where the application signs in to the database as a role that does not own the tables: each table with a
``branch_id`` then shows only rows of the branches that the session named, and nothing to a connection that named none.
The owner of the tables, who upgrades them and makes backups, passes.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Engine, bindparam, make_url, text

if TYPE_CHECKING:
    from core.security.actors import Actor

POLICY = "banyan_branches"
EVERYWHERE = "*"
_NAMED = "(SELECT current_setting('banyan.branches', true))"
_SEEN = (
    f"{_NAMED} = '*' OR (branch_id IS NULL AND {_NAMED} <> '') "
    f"OR branch_id = ANY ((SELECT string_to_array(nullif(nullif(current_setting('banyan.branches', true), ''), '*'), "
    f"',')::bigint[])::bigint[])"
)
"""As sub-selects the setting is read once a query, not once a row."""
_WITH_BRANCH = text(
    "SELECT c.relname, c.relrowsecurity AND EXISTS (SELECT 1 FROM pg_policy p WHERE p.polrelid = c.oid "
    "AND p.polname = :policy) AS ready FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid "
    "WHERE c.relkind IN ('r', 'p') AND c.relnamespace = current_schema()::regnamespace "
    "AND a.attname = 'branch_id' AND NOT a.attisdropped AND c.relname NOT IN :shared ORDER BY c.relname"
).bindparams(bindparam("shared", expanding=True))
_BYPASS = text(
    "SELECT r.rolsuper OR r.rolbypassrls OR EXISTS (SELECT 1 FROM pg_class c WHERE c.relname = 'core_branch' "
    "AND c.relnamespace = current_schema()::regnamespace AND pg_has_role(c.relowner, 'USAGE')) "
    "FROM pg_roles r WHERE r.rolname = current_user"
)
_bound: WeakKeyDictionary[Engine, bool] = WeakKeyDictionary()


def protect(connection: Connection, shared: Collection[str], application_url: str) -> list[str]:
    """Give every table with a branch its policy, and the application's role its rights on the tables.

    Args:
        connection: Of the owner of the tables, in a transaction.
        shared: Names of tables with a branch whose rows belong to the whole installation all the same.
        application_url: How the application reaches the database; its role gets rights where it is not the owner.

    Returns:
        The tables that got a policy.
    """
    quote = connection.dialect.identifier_preparer.quote
    found = connection.execute(_WITH_BRANCH, {"policy": POLICY, "shared": [*shared, ""]}).all()
    missing = [row.relname for row in found if not row.ready]
    for name in map(quote, missing):
        connection.exec_driver_sql(f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY")
        connection.exec_driver_sql(f"DROP POLICY IF EXISTS {POLICY} ON {name}")
        connection.exec_driver_sql(f"CREATE POLICY {POLICY} ON {name} USING ({_SEEN}) WITH CHECK ({_SEEN})")
    role = make_url(application_url).username
    if role and role != connection.exec_driver_sql("SELECT current_user").scalar():
        _grant(connection, quote(role))
    return missing


def _grant(connection: Connection, role: str) -> None:
    """Let the application read and write rows, of tables to come too; the audit trail it can only add to."""
    rows, numbers = "SELECT, INSERT, UPDATE, DELETE", "USAGE, SELECT, UPDATE"
    statements = [
        f"GRANT {rows} ON ALL TABLES IN SCHEMA public TO {role}",
        f"GRANT {numbers} ON ALL SEQUENCES IN SCHEMA public TO {role}",
        f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT {rows} ON TABLES TO {role}",
        f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT {numbers} ON SEQUENCES TO {role}",
    ]
    if connection.exec_driver_sql("SELECT to_regclass('public.core_audit_entry')").scalar():
        statements.append(f"REVOKE UPDATE, DELETE, TRUNCATE ON core_audit_entry FROM {role}")
    for statement in statements:
        connection.exec_driver_sql(statement)


def name_branches(connection: Connection, actor: Actor) -> None:
    """Name an actor's branches for the rest of the transaction, where the database looks at them."""
    if is_bound(connection):
        ids = EVERYWHERE if actor.sees_all_branches else ",".join(map(str, sorted(actor.branch_ids))) or "0"
        _name(connection, ids)


def name_all(connection: Connection) -> None:
    """Let a transaction of the core outside of any session, such as a dry run's, see all rows."""
    if is_bound(connection):
        _name(connection, EVERYWHERE)


def is_bound(connection: Connection) -> bool:
    """Whether the database looks at branches: PostgreSQL, and a role that neither owns the tables nor passes all."""
    if connection.dialect.name != "postgresql":
        return False
    known = _bound.get(connection.engine)
    if known is None:
        known = _bound[connection.engine] = not connection.execute(_BYPASS).scalar()
    return known


def unprotected(connection: Connection, shared: Collection[str]) -> list[str]:
    """Return the tables with a branch that lack the policy."""
    found = connection.execute(_WITH_BRANCH, {"policy": POLICY, "shared": [*shared, ""]})
    return [row.relname for row in found if not row.ready]


def _name(connection: Connection, branches: str) -> None:
    connection.exec_driver_sql("SELECT set_config('banyan.branches', %s, true)", (branches,))
