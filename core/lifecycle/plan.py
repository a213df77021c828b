"""The plan of an action: exactly what it will do, as text, JSON and page, before anything is changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, func, select, table

from core.db.migrate import current
from core.i18n import localised
from core.jobs.models import PARKED, QUEUED, RUNNING, Job
from core.lifecycle.archive import Head, read_head
from core.lifecycle.blockers import blockers
from core.lifecycle.contents import core_conditions, rows_of_branch
from core.lifecycle.footprint import table_names
from core.lifecycle.preview import RevisionPreview, TableChange, preview, schema_of
from core.lifecycle.registry import dependents, row_of
from core.lifecycle.requests import DECISIONS, Request
from core.lifecycle.sequence import archive_to_restore, steps_for
from core.lifecycle.surfaces import surfaces_of
from core.lifecycle.work import source_of
from core.security.actors import system_actor
from core.security.models import Role

if TYPE_CHECKING:
    from core.app import Suite

ACTOR = system_actor("plan an action on a plugin")


@dataclass(frozen=True)
class Plan:
    """What an action will do.

    Args:
        request: The action.
        from_version: Installed before, empty for none.
        to_version: Installed afterwards, empty for none.
        steps: Steps of the journal, ``name target``.
        revisions: Revisions with statements and locks, in order.
        tables: Tables that are made, changed or dropped, with the rows they have now.
        rows: Rows deleted or put back, by table, in tables that stay.
        surfaces: Kind of surface -> what appears and disappears.
        roles_changed: Roles that the plugin ships and people changed; they stay as people made them.
        grants: Roles that hold permissions of the plugin.
        jobs: Jobs of the plugin by state; those that wait or run are parked while it pauses.
        dependents: Plugins that pause with it.
        blockers: What stands against it; with any, nothing is done.
        archive: Name of the archive file read.
    """

    request: Request
    from_version: str = ""
    to_version: str = ""
    steps: list[str] = field(default_factory=list)
    revisions: list[RevisionPreview] = field(default_factory=list)
    tables: list[TableChange] = field(default_factory=list)
    rows: dict[str, int] = field(default_factory=dict)
    surfaces: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    roles_changed: list[str] = field(default_factory=list)
    grants: list[str] = field(default_factory=list)
    jobs: dict[str, int] = field(default_factory=dict)
    dependents: list[str] = field(default_factory=list)
    blockers: list[str] = field(default_factory=list)
    archive: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self)

    def as_text(self) -> str:
        """Return it as lines for a terminal."""
        asked = self.request
        where = f" in {asked.branch} and below" if asked.branch else ""
        versions = f"{self.from_version or 'nothing'} -> {self.to_version or 'nothing'}"
        lines = [f"{asked.action} {asked.plugin}{where}: {versions}", *(f"  NO: {each}" for each in self.blockers)]
        parts: Mapping[str, list[str]] = {
            "steps": self.steps,
            "revisions": [line for each in self.revisions for line in _revision_lines(each)],
            "tables": [_table_line(each) for each in self.tables],
            "rows": [f"{name}: {count}" for name, count in self.rows.items()],
            **{kind: _surface_lines(change) for kind, change in self.surfaces.items()},
            "roles changed by people, kept": self.roles_changed,
            "roles with permissions of it": self.grants,
            "jobs by state": [f"{state}: {count}" for state, count in self.jobs.items()],
            "pauses too": self.dependents,
            "archive": [self.archive] if self.archive else [],
        }
        for title, entries in parts.items():
            if entries:
                lines += [f"{title}:", *(f"  {entry}" for entry in entries)]
        return "\n".join(lines)


def make_plan(suite: Suite, request: Request, locale: str = "en") -> Plan:
    """Work out what an action will do; nothing is changed.

    Args:
        suite: A suite built with ``taking=(plugin,)``, so that the new code is loaded.
        request: The action.
        locale: Language of the blockers.
    """
    row = row_of(suite, request.plugin)
    version = row.version if row is not None and row.state in {"installed", "failed", "upgrading"} else ""
    plan = Plan(
        request,
        from_version=version,
        to_version=_code_version(suite, request.plugin),
        blockers=[" ".join(filter(None, localised(each, locale))) for each in blockers(suite, request)],
        jobs=_jobs(suite, request.plugin),
        dependents=dependents(suite, request.plugin),
    )
    if plan.blockers:
        return plan
    if request.action in DECISIONS:
        return replace(plan, to_version=version, surfaces=_switched(suite, request))
    plan = replace(plan, steps=[" ".join(each).strip() for each in steps_for(suite, request).steps])
    if request.action == "uninstall":
        return _uninstall(suite, plan)
    if request.action == "restore" and (request.branch or (row is not None and row.state != "dormant")):
        return _restore(suite, plan)
    before = row.surfaces if row is not None and version else {}
    return _with_code(suite, plan, before, current(suite.database).get(request.plugin, ""))


def _with_code(suite: Suite, plan: Plan, before: Mapping[str, Any], revision: str) -> Plan:
    """Add what new code brings: revisions, tables, surfaces, roles."""
    plugin_id = plan.request.plugin
    source = source_of(suite, plugin_id)
    revisions, tables = preview(suite, source, revision) if source and source.remaining(revision) else ([], [])
    return replace(
        plan,
        revisions=revisions,
        tables=[replace(each, rows=_count(suite, each.table)) for each in tables],
        surfaces=_difference(before, surfaces_of(suite, plugin_id)),
        roles_changed=_changed_roles(suite, plugin_id),
    )


def _uninstall(suite: Suite, plan: Plan) -> Plan:
    request, row = plan.request, row_of(suite, plan.request.plugin)
    plan = replace(plan, grants=_grants(suite, request.plugin))
    if request.branch:
        with suite.database.reader.connect() as connection:
            return replace(plan, to_version=plan.from_version, rows=rows_of_branch(connection, suite, request))
    surfaces = _difference(row.surfaces if row and row.state not in {"dormant", "archived"} else {}, {})
    plan = replace(plan, to_version="", surfaces=surfaces)
    if request.mode == "keep":
        return plan
    names = table_names(suite, request.plugin)
    with suite.database.reader.connect() as connection:
        columns = schema_of(connection)
        rows = {
            each.name: _count_where(connection, each, condition)
            for each, condition in core_conditions(connection, request.plugin)
        }
    gone = [
        TableChange(
            name, "dropped", _count(suite, name), (), tuple(f"{key} {kind}" for key, kind in columns[name].items())
        )
        for name in names
    ]
    return replace(plan, tables=gone, rows={name: count for name, count in rows.items() if count})


def _restore(suite: Suite, plan: Plan) -> Plan:
    file = archive_to_restore(suite, plan.request)
    head: Head = read_head(file)
    rows = {each.name: each.rows for each in head.tables if each.rows}
    plan = replace(plan, archive=file.name, rows=rows)
    if plan.request.branch:
        return replace(plan, to_version=plan.from_version)
    return _with_code(suite, plan, {}, "")


def _difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, dict[str, list[str]]]:
    found = {}
    for kind in sorted((before.keys() | after.keys()) - {"tables", "search_kinds"}):
        old, new = before.get(kind, []), after.get(kind, [])
        change = {
            "added": [each for each in new if each not in old],
            "removed": [each for each in old if each not in new],
        }
        if any(change.values()):
            found[kind] = {name: entries for name, entries in change.items() if entries}
    return found


def _switched(suite: Suite, request: Request) -> dict[str, dict[str, list[str]]]:
    shown = surfaces_of(suite, request.plugin)
    none: dict[str, Any] = {}
    return _difference(none, shown) if request.action == "enable" else _difference(shown, none)


def _code_version(suite: Suite, plugin_id: str) -> str:
    state = suite.plugins.states.get(plugin_id)
    return str(state.manifest.version) if state and state.manifest else ""


def _jobs(suite: Suite, plugin_id: str) -> dict[str, int]:
    counts = select(Job.state, func.count()).where(Job.plugin == plugin_id, Job.state.in_((QUEUED, RUNNING, PARKED)))
    with suite.database.read(ACTOR) as session:
        return dict(session.execute(counts.group_by(Job.state).order_by(Job.state)).all())


def _changed_roles(suite: Suite, plugin_id: str) -> list[str]:
    shipped = {role.id for owner, role in suite.plugins.collect("core_roles") if owner == plugin_id}
    with suite.database.read(ACTOR) as session:
        roles = session.scalars(select(Role).where(Role.code.in_(shipped)).order_by(Role.code))
        return [role.code for role in roles if role.shipped is not None and role.permissions != role.shipped]


def _grants(suite: Suite, plugin_id: str) -> list[str]:
    with suite.database.read(ACTOR) as session:
        roles = session.scalars(select(Role).order_by(Role.code))
        return [role.code for role in roles if any(name.startswith(f"{plugin_id}.") for name in role.permissions)]


def _count(suite: Suite, name: str) -> int:
    with suite.database.reader.connect() as connection:
        known = connection.dialect.has_table(connection, name)
        return int(connection.scalar(select(func.count()).select_from(table(name))) or 0) if known else 0


def _count_where(connection: Connection, of: Any, condition: Any) -> int:
    return int(connection.scalar(select(func.count()).select_from(of).where(condition)) or 0)


def _revision_lines(each: RevisionPreview) -> list[str]:
    fill = f", then the job {each.backfill}" if each.backfill else ""
    head = f"{each.name} ({each.phase}{fill})"
    return [head, *(f"  {statement}" for statement in each.sql), *(f"  lock {lock}" for lock in each.locks)]


def _table_line(each: TableChange) -> str:
    parts = [f"+{name}" for name in each.columns_added] + [f"-{name}" for name in each.columns_removed]
    parts += [f"~{name}" for name in each.columns_changed]
    detail = f": {', '.join(parts)}" if each.change == "altered" else ""
    return f"{each.table} {each.change} ({each.rows} rows){detail}"


def _surface_lines(change: Mapping[str, list[str]]) -> list[str]:
    return [*(f"+ {each}" for each in change.get("added", [])), *(f"- {each}" for each in change.get("removed", []))]
