"""Inherited tests: revisions build the tables from nothing and from every release, and take them away again."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from contextlib import suppress
from io import StringIO
from typing import Any

from alembic import command
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.dialects.postgresql import dialect

from core.app import Suite
from core.db.migrate import REVISION, migration_connection
from core.db.revisions import alembic_config, drift
from core.security.actors import system_actor
from core.testing.examined import Examined, complain

VERSIONS = "alembic_version_"


class MigrationTests:
    """The revisions of the plugin."""

    def test_revisions_build_the_tables_of_the_models(self, examined: Examined) -> None:
        problems = []
        with examined.before() as suite:
            failure = _run(examined, suite, "head")
            problems = (
                [failure] if failure else [f"differs: {each}" for each in drift(suite.database.url, examined.source)]
            )
        complain(problems, f"write a revision: banyan db revision {examined.plugin_id} ‘what changes’")

    def test_every_release_can_be_upgraded(self, examined: Examined) -> None:
        problems = []
        for revision in examined.source.revisions[:-1]:
            with examined.before() as suite:
                failure = _run(examined, suite, revision) or _run(examined, suite, "head")
                problems += [f"from {revision}: {failure}"] if failure else []
        complain(problems, "repair the revision named; a released one stays as it is")

    def test_revisions_can_be_taken_back_and_leave_nothing(self, examined: Examined) -> None:
        with examined.before() as suite:
            before = _schema(suite)
            # What does not go up is told by the test of the models.
            if examined.source.revisions and not _run(examined, suite, "head"):
                failure = _run(examined, suite, "base")
                after = {name: sql for name, sql in _schema(suite).items() if not name.startswith(VERSIONS)}
                problems = [failure] if failure else [f"{name} is left" for name in after if name not in before]
                complain(problems, "drop in downgrade() what upgrade() made")

    def test_revisions_touch_only_tables_of_the_plugin(self, examined: Examined) -> None:
        with examined.before() as suite:
            before = _schema(suite)
            if not examined.source.revisions or _run(examined, suite, "head"):
                return
            after = _schema(suite)
        prefix = examined.manifest.table_prefix
        changed = [f"{name} was changed" for name, sql in before.items() if after.get(name) != sql]
        made = [
            f"{name} was made"
            for name in after.keys() - before.keys()
            if not _is_own(name, prefix) and not name.startswith((VERSIONS, "sqlite_"))
        ]
        complain(changed + made, "keep what you add in a side table of your own")

    def test_revisions_render_as_sql_for_postgresql(self, examined: Examined) -> None:
        problem = ""
        if examined.source.revisions:
            try:
                _offline(examined)
            except Exception as error:
                problem = f"{type(error).__name__}: {error}".splitlines()[0]
        complain([problem] if problem else [], "ask nothing of the database in a revision; use op.* and constants")

    def test_revisions_stand_in_one_line_under_their_names(self, examined: Examined) -> None:
        complain(_misnamed(examined), "call it 0002_what_changes.py, with revision and down_revision to fit")

    def test_seeding_twice_changes_nothing(self, examined: Examined) -> None:
        suite, problems = examined.suite, []
        before = _contents(examined)
        try:
            _seed(suite, examined.plugin_id)
        except Exception as error:
            problems = [f"core_seed failed: {type(error).__name__}: {error}".splitlines()[0]]
        after = _contents(examined)
        problems += [
            f"table {name}: {len(after[name])} rows, before {len(before[name])}"
            for name in before
            if before[name] != after[name]
        ]
        complain(problems, "add a row in core_seed only where it is missing, by a key of its own")

    def test_seeds_add_rows_to_tables_of_the_plugin_alone(self, examined: Examined) -> None:
        with examined.before() as suite:
            if examined.source.revisions and _run(examined, suite, "head"):
                return
            before = _counts(suite)
            with suppress(Exception):  # told by the test of seeding twice
                _seed(suite, examined.plugin_id)
            after = _counts(suite)
        prefix = examined.manifest.table_prefix
        foreign = [name for name in after if after[name] != before.get(name) and not name.startswith(prefix)]
        complain((f"table {name} got rows" for name in foreign), "what is removed with the plugin must be its own")


def _run(examined: Examined, suite: Suite, revision: str) -> str:
    """Bring the plugin's tables to a revision; returns why that failed."""
    up = revision != "base"
    with migration_connection(suite.database.url) as connection:
        try:
            run = command.upgrade if up else command.downgrade
            run(alembic_config(examined.source, connection), revision)
        except Exception as error:
            return f"{'up' if up else 'down'} to {revision}: {type(error).__name__}: {error}".splitlines()[0]
    return ""


def _seed(suite: Suite, plugin_id: str) -> None:
    with suite.database.write(system_actor("seed")) as session:
        for owner, call in suite.plugins.calls("core_seed", session=session):
            if owner == plugin_id:
                call()


def _offline(examined: Examined) -> str:
    """Return all revisions as statements for PostgreSQL, without any database."""
    written = StringIO()
    postgresql: Any = dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy types only its instances
    context = MigrationContext.configure(dialect=postgresql, opts={"as_sql": True, "output_buffer": written})
    with migration_connection(examined.suite.database.url) as connection:
        script = ScriptDirectory.from_config(alembic_config(examined.source, connection))
    with Operations.context(context):
        for revision in reversed(list(script.walk_revisions())):
            revision.module.upgrade()
    return written.getvalue()


def _schema(suite: Suite) -> dict[str, str]:
    with suite.database.reader.connect() as connection:
        rows = connection.execute(text("SELECT name, coalesce(sql, '') FROM sqlite_master"))
        return {name: sql for name, sql in rows if not name.startswith("sqlite_")}


def _is_own(name: str, prefix: str) -> bool:
    return any(name.startswith(start + prefix) for start in ("", "ix_", "uq_", "fk_", "ck_", "pk_"))


def _counts(suite: Suite) -> dict[str, int]:
    with suite.database.reader.connect() as connection:
        return {name: _count(connection, name) for name in _tables(connection)}


def _count(connection: Connection, table: str) -> int:
    return int(connection.execute(text(f'SELECT count(*) FROM "{table}"')).scalar_one())  # noqa: S608 -- the name comes from the catalogue


def _tables(connection: Connection) -> list[str]:
    rows = connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'table'"))
    return [name for (name,) in rows if not name.startswith(("sqlite_", VERSIONS, "core_search"))]


def _contents(examined: Examined) -> dict[str, list[tuple[Any, ...]]]:
    with examined.suite.database.reader.connect() as connection:
        own = [table for table in examined.tables if table.name in set(_tables(connection))]
        return {table.name: [tuple(row) for row in connection.execute(table.select())] for table in own}


def _misnamed(examined: Examined) -> Iterator[str]:
    before = None
    for path in sorted(examined.source.folder.glob("*.py")):
        if path.stem == "__init__":
            continue
        if not REVISION.fullmatch(path.stem):
            yield f"{examined.file(path)}: the name is not that of a revision"
            continue
        values = _assigned(path.read_text("utf-8"))
        if values.get("revision") != path.stem:
            yield f"{examined.file(path)}: revision is {values.get('revision')!r}"
        if values.get("down_revision") != before:
            yield f"{examined.file(path)}: down_revision is {values.get('down_revision')!r}, not {before!r}"
        before = path.stem


def _assigned(source: str) -> dict[str, Any]:
    found = {}
    for node in ast.parse(source).body:
        target = (
            node.targets[0]
            if isinstance(node, ast.Assign)
            else node.target
            if isinstance(node, ast.AnnAssign)
            else None
        )
        value = getattr(node, "value", None)
        if isinstance(target, ast.Name) and isinstance(value, ast.Constant):
            found[target.id] = value.value
    return found
