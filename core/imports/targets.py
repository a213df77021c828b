"""How records of an import are written: the default target for plain tables, the base of all others."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar

from core.db.bulk import fetch_in
from core.errors import InvalidValueError
from core.imports.catalogue import Reader, TargetField, TargetModel
from core.imports.chunk import Chunk, Entry
from core.registry.fields import Field
from core.registry.models import RegisteredModel

_TYPES = {
    "phones": "text",
    "address": "text",
    "resident_id": "identifier",
    "json": "text",
    "reference": "identifier",
}


class ImportTarget:
    """Writes the records of one model.

    The default suits a table with the columns of ``core.imports.sourced.Sourced``: a record is found by source and
    source key, new ones are inserted, known ones compared value by value. Subclasses change what differs.

    Args:
        model: The registered model.
    """

    model_id: ClassVar[str] = ""
    links: ClassVar[tuple[str, ...]] = ()
    """Names of links; link ``policy`` fills column ``policy_id``."""
    branch_link: ClassVar[str] = ""
    """Link to the row whose branch a fact has when its file names none: a receivable belongs where its policy does."""
    document_kind: ClassVar[int] = 0
    """Kind under which rows stand in the search index; 0 means they do not."""
    defaults: ClassVar[dict[str, Any]] = {}
    """Values of columns that a new row needs and a file may not give, in canonical staged form."""
    key_column: ClassVar[str] = ""
    """Column that gets the record's key where the file gives nothing else for it, such as a policy's number."""
    reader: ClassVar[Reader | None] = None
    """Works out values from each other while the file is read, and rejects rows where they contradict each other."""
    named_by: ClassVar[str] = ""
    """Field by which two records of a row are the same one where the later says nothing of its own."""
    own_columns: ClassVar[tuple[str, ...]] = ("source", "source_key")
    """Columns of a new row that ``own_values`` fills."""

    def __init__(self, model: RegisteredModel) -> None:
        self.model = model
        self.table = model.table
        names = [name for name, declared in model.fields.items() if declared.imported]
        self.columns = tuple(names)
        self.kinds = {name: model.fields[name].kind for name in names}
        self.link_columns = tuple(f"{link}_id" for link in self.links if f"{link}_id" in self.table.c)
        self.has_attributes = "attributes" in self.table.c
        self.has_branch = "branch_id" in self.table.c

    def describe(self) -> TargetModel:
        """Return the model as profiles see it."""
        fields = {name: _target_field(self.model.fields[name]) for name in self.columns}
        for virtual in self.model.declaration.virtual:
            fields[virtual.name] = _target_field(virtual)
        links = frozenset(self.links)
        return TargetModel(self.model.id, fields, links, self.has_attributes, self.reader, self.named_by)

    def identify(self, chunk: Chunk, entries: Sequence[Entry]) -> None:
        """Give a key to entries that the profile left without one."""
        for entry in entries:
            if entry.key is None:
                entry.key = f"row-{entry.group.digest.hex()}"

    def find_known(self, chunk: Chunk, entries: Sequence[Entry]) -> None:
        """Set ``row_id`` and ``known_digest`` of entries that the database has."""
        by_key: dict[str, list[Entry]] = {}
        for entry in entries:
            if entry.key is not None:
                by_key.setdefault(entry.key, []).append(entry)
        for key, row_id, digest in self.look_up(chunk, chunk.batch.source, list(by_key)):
            for entry in by_key[key]:
                entry.row_id, entry.known_digest = row_id, None if digest is None else bytes(digest)

    def look_up(self, chunk: Chunk, source: str, keys: Sequence[str]) -> Iterable[tuple[str, int, Any]]:
        """Return (key, identity, digest) of the source's keys that the database has."""
        sql = (
            f'SELECT source_key, id, source_digest FROM "{self.table.name}" '  # noqa: S608 -- the name comes from the table object
            f"WHERE source = ? AND source_key IN {{values}}"
        )
        return fetch_in(chunk.connection, sql, keys, source)

    def load(self, chunk: Chunk, entries: Sequence[Entry]) -> None:
        """Write the entries; each gets ``row_id`` and ``state`` (new, changed, same)."""
        fresh, known = _split(entries)
        for entry, row_id in zip(fresh.values(), chunk.take_ids(self.table, len(fresh)), strict=True):
            entry.row_id, entry.state = row_id, "new"
        chunk.insert(self.table, *self.new_rows(chunk, list(fresh.values())))
        for entry in entries:
            first = fresh.get(entry.key or "")
            if entry.row_id is None and first is not None:
                entry.row_id, entry.state = first.row_id, "same"
        self.compare(chunk, [entry for entry in known if entry.known_digest != entry.digest])

    def new_rows(self, chunk: Chunk, entries: Sequence[Entry]) -> tuple[tuple[str, ...], Sequence[Sequence[Any]]]:
        """Return the columns and the values of new rows: of the model's fields only what the entries deliver."""
        shapes = {entry.shape for entry in entries}
        given = {self.key_column, *self.defaults}.union(*(shape.places for shape in shapes))
        names = tuple(name for name in self.columns if name in given)
        picks = {shape: shape.picker((*names, "attributes")) for shape in shapes}
        picked = [picks[entry.shape](entry.values) for entry in entries]
        self._fill(picked, names, entries)
        links, batch = [column[:-3] for column in self.link_columns], chunk.batch.id
        extra = (("attributes",) if self.has_attributes else ()) + (("branch_id",) if self.has_branch else ())
        end = len(names) + self.has_attributes
        rows = [
            (
                entry.row_id, *values[:end], *((entry.group.branch_id,) if self.has_branch else ()),
                *map(entry.linked_ids.get, links), *self.own_values(chunk, entry),
                entry.digest, batch, entry.row_no, batch,
            )
            for entry, values in zip(entries, picked, strict=True)
        ]  # fmt: skip
        origin = ("source_digest", "batch_id", "batch_row", "created_batch_id")
        return ("id", *names, *extra, *self.link_columns, *self.own_columns, *origin), rows

    def _fill(self, picked: Sequence[list[Any]], names: Sequence[str], entries: Sequence[Entry]) -> None:
        """Give new rows the values that a file may leave out, and the key where the model keeps it in a column."""
        for at, name in enumerate(names):
            default = self.defaults.get(name)
            if name == self.key_column:
                for values, entry in zip(picked, entries, strict=True):
                    values[at] = entry.key if values[at] is None else values[at]
            elif default is not None:
                for values in picked:
                    values[at] = default if values[at] is None else values[at]
        if self.has_attributes:
            for values in picked:
                values[-1] = _json(values[-1])

    def own_values(self, chunk: Chunk, entry: Entry) -> tuple[Any, ...]:
        """Return the values of ``own_columns`` of a new row."""
        return chunk.batch.source, entry.key

    def compare(self, chunk: Chunk, entries: Sequence[Entry]) -> None:
        """Compare known rows with what was delivered; write and record what differs."""
        if not entries:
            return
        names = (*self.columns, *self.link_columns, *(("attributes",) if self.has_attributes else ()))
        listed = ", ".join(f'"{name}"' for name in ("id", "batch_id", "batch_row", "source_digest", *names))
        sql = (
            f'SELECT {listed} FROM "{self.table.name}" '  # noqa: S608 -- names come from the table object
            f"WHERE id IN {{values}}"
        )
        stored = {
            row[0]: row
            for row in fetch_in(chunk.connection, sql, sorted({entry.row_id for entry in entries if entry.row_id}))
        }
        latest = {entry.row_id: entry for entry in entries}
        for entry in entries:
            entry.state = "changed" if entry is latest[entry.row_id] else "same"
        for row_id, entry in latest.items():
            if row_id in stored:
                self._write_differences(
                    chunk, entry, dict(zip(names, stored[row_id][4:], strict=True)), stored[row_id][1:4]
                )

    def _write_differences(self, chunk: Chunk, entry: Entry, stored: dict[str, Any], origin: Sequence[Any]) -> None:
        row_id = entry.row_id or 0
        changes = dict(self.differences(chunk, entry, stored))
        for name, value in changes.items():
            old = canonical(self.kinds.get(name, "json" if name == "attributes" else "integer"), stored[name])
            chunk.note_change(entry.row_no, self.model.id, row_id, name, old, value)
        digest = None if origin[2] is None else bytes(origin[2]).hex()
        chunk.note_change(
            entry.row_no,
            self.model.id,
            row_id,
            "source_digest",
            [digest, origin[0], origin[1]],
            entry.digest.hex(),
        )
        columns = (*changes, "source_digest", "batch_id", "batch_row")
        values = [_json(value) if name == "attributes" else value for name, value in changes.items()]
        chunk.update(self.table, columns, (*values, entry.digest, chunk.batch.id, entry.row_no, row_id))

    def differences(self, chunk: Chunk, entry: Entry, stored: dict[str, Any]) -> Iterable[tuple[str, Any]]:
        """Yield (column, new value) of what the delivery changes.

        An empty cell keeps the value unless the profile clears it.
        """
        for name in self.columns:
            new = entry.get(name)
            if new is None:
                if not (chunk.batch.clear_empty and name in entry.shape.fields):
                    continue
                new = entry.key if name == self.key_column else self.defaults.get(name)
            if canonical(self.kinds[name], stored[name]) != canonical(self.kinds[name], new):
                yield name, new
        for column in self.link_columns:
            linked = entry.linked_ids.get(column[:-3])
            if linked is not None and linked != stored[column]:
                yield column, linked
        if self.has_attributes and entry.get("attributes"):
            merged = {**(canonical("json", stored["attributes"]) or {}), **entry.get("attributes")}
            if merged != (canonical("json", stored["attributes"]) or {}):
                yield "attributes", merged


def _split(entries: Sequence[Entry]) -> tuple[dict[str, Entry], list[Entry]]:
    fresh: dict[str, Entry] = {}
    known: list[Entry] = []
    for entry in entries:
        if entry.row_id is not None:
            entry.state = "same"
            known.append(entry)
        else:
            fresh.setdefault(entry.key or "", entry)
    return fresh, known


def _target_field(declared: Field) -> TargetField:
    labels = {}
    for choice in declared.options:
        for text in (choice.code, choice.label.en, choice.label.zh, *choice.aliases):
            labels[text] = choice.code
    codes = tuple(choice.code for choice in declared.options) or None
    kind: Any = _TYPES.get(declared.kind, declared.kind)
    aliases = (declared.label.zh, declared.label.en, *declared.aliases)
    return TargetField(declared.name, kind, aliases, codes, labels, declared.required, declared.max_length)


encode_json = json.JSONEncoder(ensure_ascii=False, sort_keys=True).encode
"""Turns a value into the JSON text kept in a column."""


def _json(value: Any) -> str | None:
    return encode_json(value) if value else None


def canonical(kind: str, value: Any) -> Any:  # noqa: PLR0911 -- one way out per kind of value
    """Return a stored or staged value in the form in which equal values are equal on both databases.

    Args:
        kind: Field kind.
        value: As the driver or the staging file gives it.
    """
    if value is None:
        return None
    if kind == "json":
        return json.loads(value) if isinstance(value, str) else value
    if kind == "boolean":
        return bool(value)
    if kind in {"decimal", "ratio"}:
        return format(Decimal(str(value)).normalize(), "f")
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, date):
        return value.isoformat()
    if kind == "instant":
        return str(value)[:19]
    return value


def unknown_link(name: str, key: str) -> InvalidValueError:
    """Return the reason for rejecting a row whose link points to nothing, for example a claim of an unknown policy."""
    return InvalidValueError(
        "unknown_" + name,
        "There is no {what} {key}.",
        "Import the file that holds it first, then load the rejected rows again.",
        what=name,
        key=key,
    )
