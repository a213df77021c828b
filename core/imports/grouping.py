"""Turn staged rows into groups and entries: repeated keys are combined as the profile says."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from hashlib import blake2b
from typing import Any

from core.errors import InvalidValueError
from core.imports.chunk import Entry, Group
from core.imports.profiles import Profile, Record
from core.imports.staging import StagedRow


class Grouper:
    """Builds the entries of groups of one profile.

    Args:
        profile: Says which record counts and what repeated keys mean.
    """

    def __init__(self, profile: Profile) -> None:
        self.main = profile.main
        self.rules = {record.name: record for record in profile.records}

    def build(self, rows: Sequence[StagedRow], branch_id: int) -> tuple[Group, dict[str, list[Entry]]]:
        """Return the group of rows with one main key, and its entries by record name.

        Args:
            rows: All file rows of one key, in file order.
            branch_id: The branch of the rows.
        """
        if len(rows) == 1:
            row = rows[0]
            group = Group([row.row_no], row.digest, branch_id)
            return group, _entries_of(row, group)
        rule = self.rules[self.main]
        distinct = rows if rule.repeat == "add" else list({row.digest: row for row in rows}.values())
        digest = blake2b(b"".join(row.digest for row in distinct), digest_size=16).digest()
        group = Group([row.row_no for row in rows], digest if len(distinct) > 1 else rows[0].digest, branch_id)
        group.repeats = len(rows) - len(distinct)
        if rule.repeat == "reject" and len(distinct) > 1:
            group.error = InvalidValueError(
                "repeated_key", "The key {key} stands in several rows.", "Keep one of them.", key=rows[0].main_key
            )
        entries: dict[str, list[Entry]] = {}
        for row in distinct:
            for name, found in _entries_of(row, group).items():
                entries.setdefault(name, []).extend(found)
        return group, {name: _combine(self.rules[name], found) for name, found in entries.items()}


def _entries_of(row: StagedRow, group: Group) -> dict[str, list[Entry]]:
    siblings: dict[str, list[Entry]] = {}
    for name, record in row.records.items():
        many = record if record and isinstance(record[0], list) else (record,)
        siblings[name] = [Entry(name, key, values, links, row.row_no, group, siblings) for key, values, links in many]
    return siblings


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
                earlier.values[name] = _add(earlier.values.get(name), entry.values.get(name))
            _point_to(entry, earlier)
        else:
            kept[entry.key] = entry
            _point_to(earlier, entry)
    return list(kept.values())


def _point_to(entry: Entry, kept: Entry) -> None:
    """Let links of the other records of a row find the kept entry instead of the dropped one."""
    entry.siblings[entry.record] = [kept if found is entry else found for found in entry.siblings[entry.record]]


def _add(first: Any, second: Any) -> Any:
    if first is None or second is None:
        return second if first is None else first
    if isinstance(first, int) and isinstance(second, int):
        return first + second
    return str(Decimal(str(first)) + Decimal(str(second)))
