"""Merging chunks only to roll them back, keeping what they would have done: counts, examples, refused rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, insert

from core.db.row_security import name_all
from core.imports.batches import Importer
from core.imports.chunk import Group
from core.imports.merge import Counts
from core.imports.models import ImportBatch
from core.imports.running import add_counts
from core.imports.staging import StagedFile, StagedRow
from core.registry.formats import masked

if TYPE_CHECKING:
    from core.imports.chunk import Refused
    from core.imports.profiles import Profile
    from core.imports.records import Built, Shape
    from core.plugin.import_contributions import ImportDoubts
    from core.registry.fields import Label
    from core.security.actors import Actor

EXAMPLES = 200
"""Rows shown of each kind, and changed values; the counts are those of all rows."""


class Trial:
    """Merges chunks of a batch and rolls them back.

    Args:
        importer: Knows targets and profiles.
        batch: The batch, which need not be stored.
        profile: Its profile.
        actor: Who would import.

    ``counts`` are file rows, ``changes`` old and new values, ``rows`` examples of new and same rows, ``doubts`` per
    plugin what a person would have to decide, ``written`` new and changed records by table.
    """

    def __init__(self, importer: Importer, batch: ImportBatch, profile: Profile, actor: Actor) -> None:
        self._suite, self._batch, self._actor = importer.suite, batch, actor
        with importer.suite.database.reader.connect() as connection:
            name_all(connection)
            self._merger = importer.merger(batch, profile, connection, actor)
        self._masks = _masks(importer, profile)
        self.counts = Counts()
        self.changes: list[dict[str, Any]] = []
        self.rows: dict[str, list[dict[str, Any]]] = {"new": [], "same": []}
        self.doubts: dict[str, dict[str, Any]] = {}
        self.written: dict[str, list[int]] = {}

    def add(self, staged: StagedFile, groups: list[Any]) -> list[Refused]:
        """Merge one chunk and roll it back; what targets remember of rows that now are not there is forgotten.

        Returns:
            The refused rows.
        """
        self._merger.memory.clear()
        self._merger.on_merged = lambda merged: self._keep_examples(merged, staged.shapes)
        with self._suite.database.writer.connect() as connection, connection.begin() as transaction:
            name_all(connection)
            if not self._batch.id:
                # What the merge writes points to its batch; this one goes with the rollback too.
                connection.execute(insert(ImportBatch).values(**_stored(self._batch)))
            found, chunk = self._merger.merge(connection, groups, staged.shapes)
            self._ask_doubts(connection)
            transaction.rollback()
        add_counts(self.counts, found)
        self.changes.extend(chunk.noted[: EXAMPLES - len(self.changes)])
        for table, (new, changed) in chunk.written.items():
            before = self.written.setdefault(table, [0, 0])
            before[0] += new
            before[1] += changed
        return chunk.rejected

    def _keep_examples(self, merged: Sequence[Group], shapes: Mapping[int, Shape]) -> None:
        for group in merged:
            kept = self.rows.get(group.state)
            if group.error is None and kept is not None and len(kept) < EXAMPLES:
                row = group.rows[0]
                kept.append({"line": row.line, "sheet": row.sheet, "values": self._values(row, shapes)})

    def _values(self, row: StagedRow, shapes: Mapping[int, Shape]) -> dict[str, Any]:
        """Return what a row says by record and field, personal numbers masked: the report is kept."""
        found: dict[str, Any] = {"branch": row.branch} if row.branch else {}
        records = row.records
        for number, _digest, key, values, links in records:
            shape = shapes[number]
            said = {"key": key, **said_of(shape, values, records, shapes), **dict(zip(shape.links, links or ()))}  # noqa: B905  a record without links has no list of them
            found.update({f"{shape.record}.{name}": value for name, value in said.items() if value is not None})
        return {name: self._masks.get(name, _as_it_is)(value) for name, value in found.items()}

    def _ask_doubts(self, connection: Connection) -> None:
        """Ask plugins what a person would have to decide about the rows of this chunk."""
        session = self._suite.database.within(connection, self._actor)
        branch, asked = self._batch.branch_id, {"session": session, "batch_id": self._batch.id, "trial": True}
        for plugin_id, doubts in self._suite.plugins.gather("core_import_doubts", in_branch=branch, **asked):
            add_doubts(self.doubts, plugin_id, doubts)


def said_of(
    shape: Shape, values: list[Any] | int, records: Sequence[Built], shapes: Mapping[int, Shape]
) -> dict[str, Any]:
    """Return what a record says by field; one that another of its row covers says what that one does."""
    if isinstance(values, int):
        other, _, _, theirs, _ = records[values]
        said = said_of(shapes[other], theirs, records, shapes)
        return {name: said.get(name) for name in shape.fields}
    return dict(zip(shape.fields, values))  # noqa: B905  what was derived stands behind the fields


def add_doubts(known: dict[str, dict[str, Any]], plugin_id: str, doubts: ImportDoubts) -> None:
    """Add what a plugin answered to what it answered before, as JSON values."""
    empty = {"label": _texts(doubts.label), "number": 0, "examples": []}
    found = known.setdefault(plugin_id, empty)
    found["number"] += doubts.number
    found["examples"] += [
        {"one": each.one, "other": each.other, "reasons": [_texts(reason) for reason in each.reasons]}
        for each in doubts.examples[: EXAMPLES - len(found["examples"])]
    ]


def _texts(label: Label) -> list[str]:
    return [label.en, label.zh]


def _stored(batch: ImportBatch) -> dict[str, Any]:
    columns = ("id", "branch_id", "profile_id", "profile", "source", "file_name", "sha256", "created_at")
    return {"size": 0, **{name: getattr(batch, name) for name in columns}}


def _as_it_is(value: Any) -> Any:
    return value


def _masks(importer: Importer, profile: Profile) -> dict[str, Callable[[Any], Any]]:
    found = {}
    for record in profile.records:
        model = importer.suite.registry.get(record.model.id)
        for field in (*model.fields.values(), *model.declaration.virtual):
            if field.mask:
                found[f"{record.name}.{field.name}"] = masked(field)
    return found
