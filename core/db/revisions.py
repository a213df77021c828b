"""Alembic for one owner: its configuration, writing a revision from the models, and comparing both."""

from __future__ import annotations

import re
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import JSON, Connection

from core.db.base import Base, owner_of
from core.db.migrate import Source, migration_connection
from core.db.types import Money, UtcDateTime
from core.errors import DatabaseStateError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).parents[2] / "migrations"


def alembic_config(source: Source, connection: Connection) -> Config:
    """Return the configuration that runs one owner's revisions on a connection."""
    config = Config(stdout=StringIO())
    config.set_main_option("script_location", str(ROOT).replace("%", "%%"))
    config.set_main_option("path_separator", "newline")
    config.set_main_option("version_locations", str(source.folder).replace("%", "%%"))
    config.set_main_option("file_template", "%%(rev)s")
    config.attributes.update(source=source, connection=connection)
    return config


def offline_config(source: Source, url: str, output: StringIO) -> Config:
    """Return the configuration that writes one owner's statements for the kind of database at ``url``."""
    config = Config(output_buffer=output, stdout=StringIO())
    config.set_main_option("script_location", str(ROOT).replace("%", "%%"))
    config.set_main_option("path_separator", "newline")
    config.set_main_option("version_locations", str(source.folder).replace("%", "%%"))
    config.attributes.update(source=source, url=url)
    return config


def configure(context: Any) -> None:
    """Set up Alembic's context from the configuration made by `alembic_config` or `offline_config`."""
    attributes = context.config.attributes
    source = attributes["source"]
    if context.is_offline_mode():
        context.configure(url=attributes["url"], version_table=source.version_table, literal_binds=True)
        return
    options = context_options(source, attributes["connection"])
    context.configure(connection=attributes["connection"], target_metadata=Base.metadata, **options)


def context_options(source: Source, connection: Connection) -> dict[str, Any]:
    """Return the options of a migration context: own version table, own objects, one transaction per revision."""
    return {
        "version_table": source.version_table,
        "include_name": _own_names(source.owner),
        "include_object": _own_objects(source.owner, connection),
        "render_item": _render,
        "compare_type": True,
        "compare_server_default": True,
        "transactional_ddl": True,
        "transaction_per_migration": True,
        "render_as_batch": True,
        "on_version_apply": _check_references,
    }


def make_revision(known: Sequence[Source], source: Source, message: str) -> Path:
    """Write a revision file that brings the tables to the models, worked out on a scratch database.

    Args:
        known: All owners before ``source``, whose tables it may refer to, in dependency order.
        source: The owner; its folder is made if it is missing.
        message: What changes, in a few words; becomes part of the name.

    Returns:
        The file written; look it over before it is released.

    Raises:
        NotFoundError: The models and the revisions agree, so that there is nothing to write.
    """
    source.folder.mkdir(parents=True, exist_ok=True)
    slug = re.sub(r"[^a-z0-9]+", "_", message.lower()).strip("_")[:27].strip("_")
    number = len(source.revisions) + 1
    with TemporaryDirectory() as folder, migration_connection(f"sqlite:///{folder}/scratch.db") as connection:
        for each in (*known, source):
            if each.revisions:
                command.upgrade(alembic_config(each, connection), "head")
        if not _differences(connection, source):
            raise NotFoundError(
                "no_difference", "The tables of {owner} are as its models say: nothing to write.", owner=source.owner
            )
        config = alembic_config(source, connection)
        written = command.revision(config, message, autogenerate=True, rev_id=f"{number:04d}_{slug}")
    if written is None or isinstance(written, list):
        raise DatabaseStateError("revision_not_written", "Alembic wrote no single revision.")
    return Path(written.path)


def drift(url: str, source: Source) -> list[Any]:
    """Return how a database differs from an owner's models; empty when they agree.

    Args:
        url: Address of a database at the newest revision.
        source: The owner.
    """
    with migration_connection(url) as connection:
        return _differences(connection, source)


def _differences(connection: Connection, source: Source) -> list[Any]:
    options = context_options(source, connection)
    context = MigrationContext.configure(connection, opts={**options, "target_metadata": Base.metadata})
    differences = compare_metadata(context, Base.metadata)
    connection.rollback()
    return list(differences)


def _own_names(owner: str) -> Any:
    """Return Alembic's filter of names: a table of another owner is not even read from the database."""
    own = {table.name for table in Base.metadata.tables.values() if owner_of(table) == owner}
    return lambda name, kind, parents: kind != "table" or name in own or str(name).startswith(f"{owner}_")


def _own_objects(owner: str, connection: Connection) -> Any:
    """Return Alembic's filter: only tables of one owner, and none that a full-text index keeps for itself."""
    owners = {table.name: owner_of(table) for table in Base.metadata.tables.values()}
    virtual = _virtual_tables(connection)

    def include(found: Any, name: str | None, kind: str, reflected: bool, _other: Any) -> bool:
        if kind != "table":
            return True
        if name in owners:
            return owners[str(name)] == owner
        foreign = any(str(name).startswith(f"{each}_") and len(each) > len(owner) for each in set(owners.values()))
        return str(name).startswith(f"{owner}_") and name not in virtual and not foreign

    return include


def _virtual_tables(connection: Connection) -> set[str]:
    if connection.dialect.name != "sqlite":
        return set()
    rows = connection.exec_driver_sql("SELECT name FROM pragma_table_list WHERE type IN ('virtual', 'shadow')")
    found = set(rows.scalars())
    connection.rollback()
    return found


def _render(kind: str, item: Any, context: Any) -> str | bool:
    """Write plain types into revisions, so that they never depend on code that changes later."""
    if kind == "type" and isinstance(item, JSON):
        context.imports.add("from sqlalchemy.dialects import postgresql")
        return 'sa.JSON().with_variant(postgresql.JSONB(), "postgresql")'
    if kind == "type" and isinstance(item, Money):
        return "sa.BigInteger()"
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    return False


def _check_references(*, ctx: MigrationContext, **_facts: Any) -> None:
    """Refuse a revision on SQLite that leaves rows pointing nowhere, before it is committed."""
    connection = ctx.connection
    if connection is None or connection.dialect.name != "sqlite":
        return
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
    if broken is not None:
        raise DatabaseStateError(
            "broken_references",
            "Rows of {table} would point to missing rows of {parent}.",
            "Correct the revision.",
            table=broken[0],
            parent=broken[2],
        )
