"""What belongs to a plugin in the database: its tables, and its rows in tables of the core."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, MetaData, Table, inspect, select

from core.db.migrate import PREFIX
from core.plugin.models import InstalledPlugin
from core.security.models import Branch

if TYPE_CHECKING:
    from core.app import Suite

CORE_TABLES = {
    "core_role": "code",
    "core_grant": "role_id",
    "core_schedule": "plugin",
    "core_branch_plugin": "plugin",
    "core_setting": "name",
    "core_saved_view": "model",
    "core_list_preference": "model",
    "core_record_tag": "model",
    "core_note": "model",
    "core_attachment": "model",
}
"""Tables of the core with rows of plugins, parents first, and the column that tells whose a row is."""


def reflected(connection: Connection, names: Sequence[str]) -> list[Table]:
    """Return tables as the database has them, parents before children; names it does not have are left out."""
    present = set(inspect(connection).get_table_names())
    metadata = MetaData()
    wanted = [name for name in names if name in present]
    metadata.reflect(connection, only=wanted, resolve_fks=False)
    return [metadata.tables[name] for name in _parents_first(metadata, wanted)]


def _parents_first(metadata: MetaData, names: Sequence[str]) -> list[str]:
    parents = {
        name: {key.target_fullname.partition(".")[0] for key in metadata.tables[name].foreign_keys}
        & set(names) - {name}
        for name in names
    }
    ordered: list[str] = []
    while len(ordered) < len(names):
        free = [name for name in sorted(names) if name not in ordered and parents[name] <= set(ordered)]
        ordered.extend(free or sorted(set(names) - set(ordered)))  # a circle: the order is of no help
    return ordered


def table_names(suite: Suite, plugin_id: str) -> list[str]:
    """Return the tables of a plugin that the database has: as installed, and as its loaded code says."""
    from core.lifecycle.surfaces import surfaces_of

    with suite.database.reader.connect() as connection:
        stored = connection.scalar(select(InstalledPlugin.surfaces).where(InstalledPlugin.plugin == plugin_id)) or {}
        present = set(inspect(connection).get_table_names())
    loaded = surfaces_of(suite, plugin_id).get("tables", []) if suite.plugins.is_ready(plugin_id) else []
    return sorted({*stored.get("tables", []), *loaded} & present)


def version_table(plugin_id: str) -> str:
    """Return the name of a plugin's version table."""
    return PREFIX + plugin_id


def core_condition(table: Table, plugin_id: str, roles: Sequence[int], role_codes: Sequence[str]) -> Any:
    """Return the condition of a plugin's rows in a table of `CORE_TABLES`.

    Args:
        table: The table.
        plugin_id: Whose rows.
        roles: Numbers of the roles that the plugin suggested.
        role_codes: Their codes.
    """
    column = table.c[CORE_TABLES[table.name]]
    if column.name == "plugin":
        return column == plugin_id
    if table.name == "core_role":
        return column.in_(role_codes)
    if table.name == "core_grant":
        return column.in_(roles)
    return column.startswith(f"{plugin_id}.", autoescape=True)


def foreign_references(connection: Connection, names: Sequence[str]) -> dict[str, str]:
    """Return the tables of others whose foreign keys point into the given tables: table -> the one it points to."""
    own, found = set(names), {}
    inspector = inspect(connection)
    for table in inspector.get_table_names():
        if table not in own:
            for key in inspector.get_foreign_keys(table):
                if key["referred_table"] in own:
                    found[table] = str(key["referred_table"])
    return found


def branches_below(connection: Connection, code: str) -> list[int]:
    """Return a branch, found by its code, and all below it."""
    from core.security.branches import below

    table = Branch.__table__
    root = connection.scalar(select(table.c.id).where(table.c.code == code))
    pairs = [(row.id, row.parent_id) for row in connection.execute(select(table.c.id, table.c.parent_id))]
    return sorted({root, *below(pairs, root)}) if root is not None else []
