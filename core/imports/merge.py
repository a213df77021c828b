"""Merge staged rows into the database: one chunk, one transaction, with its cursor and counters."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING, Any

from sqlalchemy import Table

from core.db.bulk import fetch_in, insert_rows
from core.errors import BanyanError, InvalidValueError
from core.imports.chunk import BatchFacts, Chunk, Entry, Group
from core.imports.grouping import Grouper
from core.imports.models import ImportReject
from core.imports.profiles import Profile
from core.imports.records import Shape
from core.imports.staging import StagedRow
from core.imports.targets import ImportTarget, unknown_link

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from core.crypto import Vault
    from core.imports.branches import BranchNames
    from core.registry.models import Registry


@dataclass
class Counts:
    """File rows by what became of them; ``read`` is always the sum of the others."""

    new: int = 0
    changed: int = 0
    same: int = 0
    rejected: int = 0
    created: dict[str, int] = field(default_factory=dict)

    @property
    def read(self) -> int:
        """All data rows."""
        return self.new + self.changed + self.same + self.rejected


class Merger:
    """Merges groups of staged rows of one batch.

    Args:
        batch: The batch.
        profile: Its profile.
        registry: The models.
        vault: Seals personal values.
        targets: Import target per model id.
        branches: Finds the branch that a row names.

    ``on_merged`` is told of the groups of each merge, for a dry run.
    """

    def __init__(
        self,
        batch: BatchFacts,
        profile: Profile,
        registry: Registry,
        vault: Vault,
        targets: dict[str, ImportTarget],
        branches: BranchNames,
    ) -> None:
        self.batch = batch
        self.profile = profile
        self.registry = registry
        self.vault = vault
        self.branches = branches
        self.grouper = Grouper(profile)
        self.order = _record_order(profile)
        self.steps = _steps(profile, self.order)
        self.rules = {record.name: record for record in profile.records}
        self.targets = {record.name: targets[record.model.id] for record in profile.records}
        self.by_model = targets
        self.tables = _table_order([self.registry.get(record.model.id).table for record in profile.records])
        self.memory: dict[str, Any] = {}
        self.on_merged: Callable[[Sequence[Group]], None] | None = None

    def merge(
        self, connection: Connection, groups: Sequence[Sequence[StagedRow]], shapes: Mapping[int, Shape]
    ) -> tuple[Counts, Chunk]:
        """Merge groups inside the caller's transaction.

        Args:
            connection: Inside a write transaction.
            groups: Per group its file rows.
            shapes: What the values of staged records mean.

        Returns:
            What became of the rows, and the chunk with the changes noted.
        """
        chunk = Chunk(connection, self.batch, self.profile, self.registry, self.vault, self.memory)
        built = [self._build(rows, shapes) for rows in groups]
        self._mark_same(chunk, built)
        self._link_outside(chunk, built)
        self._take_branches(chunk, built)
        fresh = [group for group in built if group.state != "same" and group.error is None]
        self._load(chunk, fresh)
        self._see_through(chunk, fresh)
        counts = Counts()
        for group in built:
            if group.error is None:
                _count(counts, group)
        self._reject(chunk, [group for group in built if group.error is not None], counts)
        chunk.flush(self.tables)
        if self.on_merged is not None:
            self.on_merged(built)
        for group in built:
            _let_go(group)
        return counts, chunk

    def _build(self, rows: Sequence[StagedRow], shapes: Mapping[int, Shape]) -> Group:
        try:
            group = self.grouper.build(rows, self.branches.find(rows[0].branch), shapes)
        except BanyanError as error:
            group = Group(rows, 0, b"")
            group.error = error
            return group
        found = group.entries.get(self.profile.main)
        main = group.main = found[-1] if found else self._first_keyed(group)
        if main is not None:
            main.digest = group.digest
        return group

    def _first_keyed(self, group: Group) -> Entry | None:
        """Return the record that counts in rows without the main one: an endorsement in a policy list."""
        found = (group.entries.get(name) for name in self.order)
        return next((entries[-1] for entries in found if entries and entries[-1].key), None)

    def _mark_same(self, chunk: Chunk, built: list[Group]) -> None:
        """Find out which groups were delivered before exactly like this; nothing else of them is looked at."""
        by_record: dict[str, list[Entry]] = {}
        for group in built:
            if group.main is not None:
                by_record.setdefault(group.main.record, []).append(group.main)
        for name, mains in by_record.items():
            target = self.targets[name]
            target.identify(chunk, mains)
            target.find_known(chunk, mains)
            seen: dict[str, bytes] = {}
            for entry in mains:
                key, digest = entry.key or "", entry.digest
                if seen.get(key, entry.known_digest) == digest:
                    entry.group.state = "same"
                elif entry.row_id is not None or key in seen:
                    entry.group.state = "changed"
                seen[key] = digest

    def _link_outside(self, chunk: Chunk, built: list[Group]) -> None:
        """Find what links name: a row of the database, or one of this chunk (an endorsement in a policy list)."""
        for name in self.order:
            for link_name, link in self.rules[name].links.items():
                if link.model is None:
                    continue
                entries = _entries_of(built, name)
                keys = {key for entry in entries if (key := entry.links.get(link_name)) is not None}
                source = link.source or self.batch.source
                found = self.by_model[link.model].look_up(chunk, source, sorted(keys))
                found_ids = {key: row_id for key, row_id, _ in found}
                coming = self._coming(built, link.model) if source == self.batch.source else {}
                for entry in entries:
                    key = entry.links.get(link_name) or ""
                    entry.link(link_name, found_ids.get(key))
                    if key not in found_ids and key in coming:
                        entry.wait_for(link_name, coming[key])
                    elif link.required and key not in found_ids:
                        entry.group.error = unknown_link(link.model.partition(".")[2], key)

    def _take_branches(self, chunk: Chunk, built: list[Group]) -> None:
        """Give facts whose file names no branch the branch of the row they hang on, if the actor may write there."""
        for name in self.order:
            link_name = self.targets[name].branch_link
            link = self.rules[name].links.get(link_name)
            if link is None or link.model is None:
                continue
            entries = [
                entry
                for entry in _entries_of(built, name)
                if entry.linked_ids.get(link_name) and not entry.group.branch_named
            ]
            table = self.by_model[link.model].table.name
            sql = f'SELECT id, branch_id FROM "{table}" WHERE id IN {{values}}'  # noqa: S608 -- the name comes from the table object
            ids = sorted({entry.linked_ids[link_name] or 0 for entry in entries})
            branches = dict(map(tuple, fetch_in(chunk.connection, sql, ids)))
            for entry in entries:
                entry.group.branch_id = branches[entry.linked_ids[link_name]]
                entry.group.error = entry.group.error or self.branches.check(entry.group.branch_id)

    def _coming(self, built: list[Group], model: str) -> dict[str, Entry]:
        names = [name for name in self.order if self.rules[name].model.id == model]
        return {entry.key: entry for name in names for entry in _entries_of(built, name) if entry.key is not None}

    def _load(self, chunk: Chunk, fresh: list[Group]) -> None:
        for names in self.steps:
            entries = [entry for group in fresh for name in names for entry in group.entries.get(name, ())]
            if not entries:
                continue
            target = self.targets[names[0]]
            self._link_inside(entries)
            others = [entry for entry in entries if entry.group.main is not entry]
            if others:
                target.identify(chunk, others)
                target.find_known(chunk, others)
            target.load(chunk, entries)

    def _see_through(self, chunk: Chunk, fresh: list[Group]) -> None:
        """Count as same what was delivered in other words, by another list of the source, and changed nothing."""
        changed = [group for group in fresh if group.state == "changed"]
        touched = chunk.touched_rows() if changed else set()
        for group in changed:
            if touched.isdisjoint(row.row_no for row in group.rows):
                group.state = "same"

    def _link_inside(self, entries: list[Entry]) -> None:
        """Point links at the records of the same row, and at those of the chunk that were awaited."""
        inside = {
            record: [(name, link.record) for name, link in self.rules[record].links.items() if link.record is not None]
            for record in {entry.record for entry in entries}
        }
        for entry in entries:
            links = inside[entry.shape.record]
            if not links and not entry.awaited:
                continue
            siblings, linked_ids = entry.siblings, dict(entry.linked_ids)
            for name, record in links:
                linked_ids[name] = siblings[record][0].row_id if record in siblings else None
            for name, other in entry.awaited.items():
                linked_ids[name] = other.row_id
            entry.linked_ids = linked_ids

    def _reject(self, chunk: Chunk, rejected: list[Group], counts: Counts) -> None:
        values = []
        for group in rejected:
            errors = [error_entry(group.error or InvalidValueError("rejected", "The row was rejected."))]
            text = json.dumps(errors, ensure_ascii=False)
            for row in group.rows:
                chunk.rejected.append((row.row_no, row.sheet, row.line, errors, None))
                values.append((self.batch.id, row.row_no, row.sheet, row.line, text, None))
        counts.rejected += len(values)
        columns = ("batch_id", "row_no", "sheet", "line", "errors", "cells")
        if values:
            insert_rows(chunk.connection, ImportReject.__table__, columns, values)  # type: ignore[arg-type]  # a mapped class's table is a Table


def _let_go(group: Group) -> None:
    """Break the circle of entries and their siblings, so that memory is free without the cyclic collector."""
    for siblings in group.siblings:
        siblings.clear()
    group.main = None
    group.entries.clear()


def late_codes(profile: Profile) -> frozenset[str]:
    """Return the reasons that refuse a row for want of one that the same file may bring later."""
    brought = {record.model.id for record in profile.records}
    links = [link for record in profile.records for link in record.links.values()]
    return frozenset(
        unknown_link(link.model.partition(".")[2], "").code
        for link in links
        if link.model in brought and link.required and link.source in {None, profile.source}
    )


def error_entry(error: BanyanError) -> dict[str, Any]:
    """Return an error as it is kept with a rejected row."""
    facts = {name: str(value) for name, value in error.facts.items()}
    return {"code": error.code, "message": error.message, "cure": error.cure, "facts": facts, "column": "", "value": ""}


def _count(counts: Counts, group: Group) -> None:
    rows = len(group.rows)
    if group.state == "same":
        counts.same += rows
        return
    counts.same += group.repeats
    rest = rows - group.repeats - 1
    counts.changed += rest
    if group.state == "new":
        counts.new += 1
    else:
        counts.changed += 1


def _entries_of(built: list[Group], name: str) -> list[Entry]:
    """Return the entries of a record in groups that are to be written."""
    live = (group for group in built if group.state != "same" and group.error is None)
    return [entry for group in live for entry in group.entries.get(name, ())]


def _record_order(profile: Profile) -> list[str]:
    """Return the records so that what a link needs comes first; by model only where that makes no circle."""
    links = {record.name: {link.record for link in record.links.values() if link.record} for record in profile.records}
    by_model = {name: set(needed) for name, needed in links.items()}
    for record in profile.records:
        models = {link.model for link in record.links.values() if link.model is not None}
        by_model[record.name] |= {
            other.name for other in profile.records if other.model.id in models - {record.model.id}
        }
    try:
        return list(TopologicalSorter(by_model).static_order())
    except CycleError:
        return list(TopologicalSorter(links).static_order())


def _steps(profile: Profile, order: list[str]) -> list[list[str]]:
    """Return the records in load order, those of one model together.

    One row may name the same new customer twice, as holder and as insured: only a target that sees both can tell.
    Models that link in a circle go one record at a time.
    """
    model_of = {record.name: record.model.id for record in profile.records}
    needs: dict[str, set[str]] = {model: set() for model in model_of.values()}
    for record in profile.records:
        linked = {model_of[link.record] if link.record else link.model or "" for link in record.links.values()}
        needs[record.model.id] |= (linked & needs.keys()) - {record.model.id}
    try:
        models = list(TopologicalSorter(needs).static_order())
    except CycleError:
        return [[name] for name in order]
    return [[name for name in order if model_of[name] == model] for model in models]


def _table_order(tables: Sequence[Table]) -> list[Table]:
    metadata = tables[0].metadata
    return list(metadata.sorted_tables)
