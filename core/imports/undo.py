"""Undo a batch: put back what it changed, remove what it made; what others touched since stays and is listed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import Table, and_, delete, select, update

from core.db.base import Base
from core.db.bulk import fetch_in, update_rows
from core.errors import ConflictError
from core.imports.models import ImportBatch, ImportChange
from core.imports.targets import ImportTarget, canonical
from core.search import index as search
from core.security.actors import Actor

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection

    from core.app import Suite

KEPT_SHOWN = 1_000
"""Kept rows listed one by one; ``kept_count`` is always complete."""
ORIGIN = "source_digest"
"""Change that says which delivery wrote a row before: [digest, batch, row number, …]."""


@dataclass
class UndoReport:
    """What undo did; ``kept`` lists rows that were edited or delivered again since, with the reason."""

    batch: int
    restored: int = 0
    removed: int = 0
    kept_count: int = 0
    kept: list[dict[str, Any]] = field(default_factory=list)

    def keep(self, model: str, row_id: int, reason: str) -> None:
        """List a row that could not be undone."""
        self.kept_count += 1
        if len(self.kept) < KEPT_SHOWN:
            self.kept.append({"model": model, "id": row_id, "reason": reason})


def undo_batch(suite: Suite, targets: dict[str, ImportTarget], actor: Actor, batch_id: int) -> UndoReport:
    """Undo a batch in one unit of work.

    Args:
        suite: The suite.
        targets: Import targets, which know what stands in the search index.
        actor: Who undoes; must see the batch.
        batch_id: The batch.

    Raises:
        ConflictError: There is no such batch for the actor, or it is not finished, or wholly undone.
    """
    report = UndoReport(batch_id)
    with suite.database.write(actor) as session:
        batch = session.get(ImportBatch, batch_id)
        if batch is None or batch.state not in {"done", "cancelled", "failed", "part_undone"}:
            raise ConflictError(
                "cannot_undo",
                "Import {batch} cannot be undone in its present state.",
                "Only finished imports can be undone, and only once.",
                batch=batch_id,
            )
        suite.plugins.gather("core_before_undo", session=session, batch_id=batch_id)
        connection = session.connection()
        _restore(connection, suite, batch_id, report)
        _remove(connection, targets, batch_id, report)
        batch.state = "part_undone" if report.kept_count else "undone"
    return report


def _restore(connection: Connection, suite: Suite, batch_id: int, report: UndoReport) -> None:
    """Put back changed values, newest first, row by row: a row written by a later delivery is left whole."""
    change: Any = ImportChange.__table__
    rows = connection.execute(
        select(change.c.id, change.c.model, change.c.row_id, change.c.field, change.c.old, change.c.new)
        .where(change.c.batch_id == batch_id, change.c.undone.is_(False))
        .order_by(change.c.id.desc())
    ).all()
    by_row: dict[tuple[str, int], list[Any]] = {}
    for row in rows:
        by_row.setdefault((row.model, row.row_id), []).append(row)
    done: list[int] = []
    models = {model for model, _ in by_row}
    for model in sorted(models):
        table, kinds = _table_of(suite, model)
        mine = {row_id: changes for (name, row_id), changes in by_row.items() if name == model}
        done.extend(_restore_table(connection, table, kinds, mine, batch_id, model, report))
    for start in range(0, len(done), 1_000):
        connection.execute(
            update(ImportChange).where(ImportChange.id.in_(done[start : start + 1_000])).values(undone=True)
        )


def _restore_table(
    connection: Connection,
    table: Table,
    kinds: dict[str, str],
    rows: dict[int, list[Any]],
    batch_id: int,
    model: str,
    report: UndoReport,
) -> list[int]:
    names = sorted({change.field for changes in rows.values() for change in changes if change.field != ORIGIN})
    tracked = "batch_id" in table.c
    listed = ", ".join(f'"{name}"' for name in ("id", *(("batch_id",) if tracked else ()), *names))
    sql = f'SELECT {listed} FROM "{table.name}" WHERE id IN {{values}}'  # noqa: S608 -- names come from the table object
    stored = {row[0]: row[1:] for row in fetch_in(connection, sql, sorted(rows))}
    done: list[int] = []
    for row_id, changes in rows.items():
        now = stored.get(row_id)
        if now is None:
            done.extend(change.id for change in changes)
            continue
        if tracked and now[0] != batch_id and any(change.field == ORIGIN for change in changes):
            report.keep(model, row_id, "delivered_again")
            continue
        current = dict(zip(names, now[1:] if tracked else now, strict=True))
        if any(_edited(kinds, change, current) for change in _latest(changes)):
            report.keep(model, row_id, "edited")
            continue
        _write_back(connection, table, row_id, changes)
        report.restored += 1
        done.extend(change.id for change in changes)
    return done


def _latest(changes: Sequence[Any]) -> list[Any]:
    """The newest change of each field: what the row should still hold."""
    newest: dict[str, Any] = {}
    for change in changes:
        newest.setdefault(change.field, change)
    return [change for name, change in newest.items() if name != ORIGIN]


def _edited(kinds: dict[str, str], change: Any, current: dict[str, Any]) -> bool:
    kind = kinds.get(change.field, "integer")
    return bool(canonical(kind, current[change.field]) != canonical(kind, change.new))


def _write_back(connection: Connection, table: Table, row_id: int, changes: Sequence[Any]) -> None:
    import json

    values: dict[str, Any] = {}
    for change in changes:
        if change.field == ORIGIN:
            digest, batch, row_no, *delivered = change.old
            values[ORIGIN] = None if digest is None else bytes.fromhex(digest)
            values["batch_id"], values["batch_row"] = batch, row_no
            if delivered:
                values["delivered"] = json.dumps(delivered[0], ensure_ascii=False, sort_keys=True)
        else:
            is_json = isinstance(change.old, (dict, list))
            values[change.field] = json.dumps(change.old, ensure_ascii=False, sort_keys=True) if is_json else change.old
    update_rows(connection, table, tuple(values), [(*values.values(), row_id)])


def _remove(connection: Connection, targets: dict[str, ImportTarget], batch_id: int, report: UndoReport) -> None:
    """Delete the rows the batch made, children first; a row that others build on stays."""
    kinds = {target.table.name: target.document_kind for target in targets.values() if target.document_kind}
    names = {target.table.name: target.model.id for target in targets.values()}
    for table in reversed(Base.metadata.sorted_tables):
        if "created_batch_id" not in table.c:
            continue
        mine: ColumnElement[bool] = table.c.created_batch_id == batch_id
        ids = list(connection.execute(select(table.c.id).where(and_(mine, *_untouched(table, batch_id)))).scalars())
        for start in range(0, len(ids), 5_000):
            connection.execute(delete(table).where(table.c.id.in_(ids[start : start + 5_000])))
        report.removed += len(ids)
        if table.name in kinds:
            search.remove(connection, [search.document(kinds[table.name], row_id) for row_id in ids])
        for row_id in connection.execute(select(table.c.id).where(mine)).scalars():
            report.keep(names.get(table.name, table.name), row_id, "in_use")


def _untouched(table: Table, batch_id: int) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if "batch_id" in table.c:
        conditions.append(table.c.batch_id == batch_id)
    if "version" in table.c:
        conditions.append(table.c.version == 1)
    for child in Base.metadata.sorted_tables:
        # Rows without a batch of their own (class history, candidates) are derived and go with their parent.
        if "created_batch_id" not in child.c:
            continue
        for key in child.foreign_keys:
            if key.column.table is table and child is not table:
                conditions.append(table.c.id.not_in(select(key.parent).where(key.parent.is_not(None))))
    return conditions


def _table_of(suite: Suite, model: str) -> tuple[Table, dict[str, str]]:
    if model in suite.registry:
        registered = suite.registry.get(model)
        return registered.table, {name: declared.kind for name, declared in registered.fields.items()}
    table = Base.metadata.tables[model.replace(".", "_")]
    return table, {"delivered": "json"}
