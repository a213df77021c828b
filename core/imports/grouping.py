"""Turn staged rows into groups and entries: repeated keys are combined as the profile says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from hashlib import blake2b
from types import MappingProxyType
from typing import Any

from core.errors import InvalidValueError
from core.imports.chunk import Entry, Group
from core.imports.profiles import Profile, Record
from core.imports.records import Shape
from core.imports.staging import StagedRow

_NO_LINKS: Mapping[str, str | None] = MappingProxyType({})


class Grouper:
    """Builds the entries of groups of one profile.

    Args:
        profile: Says which record counts and what repeated keys mean.
    """

    def __init__(self, profile: Profile) -> None:
        self.main = profile.main
        self.rules = {record.name: record for record in profile.records}

    def build(self, rows: Sequence[StagedRow], branch_id: int, shapes: Mapping[int, Shape]) -> Group:
        """Return the group of rows with one main key, with its entries.

        Args:
            rows: All file rows of one key, in file order.
            branch_id: The branch of the rows.
            shapes: What the values of staged records mean.
        """
        group = Group(rows, branch_id, rows[0].digest)
        if len(rows) == 1:
            group.entries = _entries_of(rows[0], group, shapes)
            return group
        rule = self.rules[self.main]
        distinct = rows if rule.repeat == "add" else list({row.digest: row for row in rows}.values())
        if len(distinct) > 1:
            group.digest = _digest_of([row.digest for row in distinct])
            if rule.repeat == "reject":
                group.error = InvalidValueError(
                    "repeated_key", "The key {key} stands in several rows.", "Keep one of them.", key=rows[0].main_key
                )
        group.repeats = len(rows) - len(distinct)
        entries: dict[str, list[Entry]] = {}
        for row in distinct:
            for name, found in _entries_of(row, group, shapes).items():
                entries.setdefault(name, []).extend(found)
        group.entries = {name: _combine(self.rules[name], found) for name, found in entries.items()}
        return group


def _entries_of(row: StagedRow, group: Group, shapes: Mapping[int, Shape]) -> dict[str, list[Entry]]:
    """Return the records of a row by name; among their siblings, one that another covers is that other one."""
    own: dict[str, list[Entry]] = {}
    siblings: dict[str, list[Entry]] = {}
    group.siblings.append(siblings)
    row_no, records = row.row_no, row.records
    for number, digest, key, values, links in records:
        shape = shapes[number]
        if isinstance(values, int):
            siblings[shape.record] = siblings[shapes[records[values][0]].record]
            continue
        named = dict(zip(shape.links, links)) if links else _NO_LINKS  # noqa: B905  one shape wrote both
        entry = Entry(shape, key, values, named, digest, row_no, group, siblings)
        name = shape.record
        if name in own:
            own[name].append(entry)
        else:
            own[name] = siblings[name] = [entry]
    return own


def _digest_of(digests: Sequence[bytes]) -> bytes:
    return blake2b(b"".join(digests), digest_size=16).digest()


def _combine(rule: Record, entries: list[Entry]) -> list[Entry]:
    if rule.key is None or len(entries) == 1:
        return entries
    kept: dict[str | None, Entry] = {}
    for entry in entries:
        earlier = kept.get(entry.key)
        if earlier is None:
            kept[entry.key] = entry
        elif rule.repeat == "add":
            for name in rule.add:
                earlier.set(name, _add(earlier.get(name), entry.get(name)))
            earlier.digest = _digest_of((earlier.digest, entry.digest))
            _point_to(entry, earlier)
        else:
            kept[entry.key] = entry
            _point_to(earlier, entry)
    return list(kept.values())


def _point_to(entry: Entry, kept: Entry) -> None:
    """Let links of the other records of a row find the kept entry instead of the dropped one."""
    for name, others in entry.siblings.items():
        entry.siblings[name] = [kept if found is entry else found for found in others]


def _add(first: Any, second: Any) -> Any:
    if first is None or second is None:
        return second if first is None else first
    if isinstance(first, int) and isinstance(second, int):
        return first + second
    return str(Decimal(str(first)) + Decimal(str(second)))
