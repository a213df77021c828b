"""A chunk of an import while it is merged: its file rows, their records, and the rows waiting to be written."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Table

from core.db.bulk import insert_rows, take_ids, update_rows
from core.errors import BanyanError
from core.imports.models import ImportChange
from core.search import index as search

if TYPE_CHECKING:
    from core.crypto import Vault
    from core.imports.profiles import Profile
    from core.imports.records import Shape
    from core.imports.staging import StagedRow
    from core.registry.models import Registry


Refused = tuple[int, str, int, list[dict[str, Any]], None]
"""A refused row: number, sheet, line, errors, and its cells, which are not known here."""

_NOTHING: Mapping[str, Any] = MappingProxyType({})
"""What most entries link to and wait for; it cannot be written by mistake."""


class Group:
    """File rows that share the key of their main record.

    Args:
        rows: All rows, in file order.
        branch_id: Their branch.
        digest: Digest of all that they say.

    ``repeats`` counts the rows that only repeat an earlier one; ``branch_named`` says whether the file named the
    branch, or the import's was taken; ``entries`` are the records by name, ``main`` the one that counts; ``siblings``
    are, per row, its records by name, as each of them knows them.
    """

    __slots__ = (
        "branch_id", "branch_named", "digest", "entries", "error", "main", "repeats", "rows", "siblings", "state",
    )  # fmt: skip

    def __init__(self, rows: Sequence[StagedRow], branch_id: int, digest: bytes) -> None:
        self.rows = rows
        self.branch_id = branch_id
        self.digest = digest
        self.branch_named = rows[0].branch is not None
        self.repeats = 0
        self.state = "new"
        self.error: BanyanError | None = None
        self.entries: dict[str, list[Entry]] = {}
        self.main: Entry | None = None
        self.siblings: list[dict[str, list[Entry]]] = []


class Entry:
    """One record of one file row.

    Args:
        shape: What the values mean; records of one name mostly share it.
        key: Key that the profile gives it, or none.
        values: Its fields in canonical staged form.
        links: Keys of the rows it points to, by link.
        digest: Digest of values and links; of all that its rows say for the main record.
        row_no: Number of the file row.
        group: The rows it belongs to.
        siblings: All records of its file row, by name.

    ``row_id`` is the identity in the database once known, ``known_digest`` the digest stored with it; ``reading`` is
    what the target made of the values; ``linked_ids`` are the identities that links point to and ``awaited`` the link
    targets that the same chunk brings: both are read here, and set by :meth:`link` and :meth:`wait_for`.
    """

    __slots__ = (
        "awaited", "digest", "group", "key", "known_digest", "linked_ids", "links", "reading", "row_id", "row_no",
        "shape", "siblings", "state", "values",
    )  # fmt: skip

    def __init__(  # noqa: PLR0917 -- five of them are made for every file row, and keywords cost a third more
        self,
        shape: Shape,
        key: str | None,
        values: list[Any],
        links: Mapping[str, str | None],
        digest: bytes,
        row_no: int,
        group: Group,
        siblings: dict[str, list[Entry]],
    ) -> None:
        self.shape = shape
        self.key = key
        self.values = values
        self.links = links
        self.digest = digest
        self.row_no = row_no
        self.group = group
        self.siblings = siblings
        self.row_id: int | None = None
        self.known_digest: bytes | None = None
        self.state = ""
        self.linked_ids: Mapping[str, int | None] = _NOTHING
        self.awaited: Mapping[str, Entry] = _NOTHING
        self.reading: Any = None

    @property
    def record(self) -> str:
        """Name of the record in the profile."""
        return self.shape.record

    def get(self, name: str) -> Any:
        """Return the value of a field, or what the model's reader gave under that name; none where there is none."""
        place = self.shape.places.get(name)
        return None if place is None else self.values[place]

    def set(self, name: str, value: Any) -> None:
        """Change the value of a field, or give one that was not delivered."""
        if name not in self.shape.places:
            self.shape = replace(self.shape, derived=(*self.shape.derived, name))
            self.values.append(None)
        self.values[self.shape.places[name]] = value

    def delivered(self) -> Iterable[tuple[str, Any]]:
        """Return (field, value) of all that the file gives."""
        return zip(self.shape.fields, self.values)  # noqa: B905  what the reader gave stands behind the fields

    def link(self, name: str, row_id: int | None) -> None:
        """Let a link point to a row of the database, or to none."""
        self.linked_ids = {**self.linked_ids, name: row_id}

    def wait_for(self, name: str, other: Entry) -> None:
        """Let a link point to a record of the same chunk, which gets its identity later."""
        self.awaited = {**self.awaited, name: other}


@dataclass(frozen=True)
class BatchFacts:
    """What targets need to know of the running batch; ``day`` is the civil day it began."""

    id: int
    source: str
    branch_id: int
    day: date
    now: str
    clear_empty: bool
    area_codes: Mapping[int, str]


class Chunk:
    """One transaction of an import.

    Args:
        connection: Inside a write transaction.
        batch: The batch.
        profile: Its profile.
        registry: The models.
        vault: Seals personal values.
        memory: Survives from chunk to chunk of one batch; targets keep bounded caches in it.

    ``rejected`` are the refused rows; ``written`` counts new and changed rows by table.
    """

    def __init__(
        self,
        connection: Connection,
        batch: BatchFacts,
        profile: Profile,
        registry: Registry,
        vault: Vault,
        memory: dict[str, Any],
    ) -> None:
        self.connection = connection
        self.batch = batch
        self.profile = profile
        self.registry = registry
        self.vault = vault
        self.memory = memory
        self._inserts: dict[Table, tuple[tuple[str, ...], list[Sequence[Any]]]] = {}
        self._updates: dict[tuple[Table, tuple[str, ...]], list[Sequence[Any]]] = {}
        self._changes: list[Sequence[Any]] = []
        self._noted: list[dict[str, Any]] = []
        self.rejected: list[Refused] = []
        self.written: dict[str, list[int]] = {}
        self._documents: list[tuple[int, str]] = []
        self._stale_documents: list[int] = []

    def insert(self, table: Table, columns: tuple[str, ...], rows: Iterable[Sequence[Any]]) -> None:
        """Add rows to write; one table always gets the same columns in one chunk, in the order parents first."""
        waiting = self._inserts.setdefault(table, (columns, []))
        waiting[1].extend(rows)

    def update(self, table: Table, columns: tuple[str, ...], row: Sequence[Any]) -> None:
        """Change one row: the values of ``columns``, then the id."""
        self._updates.setdefault((table, columns), []).append(row)

    def index_document(self, number: int, tokens: str, *, is_new: bool) -> None:
        """Put a record into the search index; a known one replaces what stood there."""
        if not is_new:
            self._stale_documents.append(number)
        self._documents.append((number, tokens))

    @property
    def noted(self) -> list[dict[str, Any]]:
        """Changed values noted and not yet written, for the report of a dry run."""
        return self._noted

    def note_change(self, row_no: int, model: str, row_id: int, name: str, old: Any, new: Any) -> None:
        """Record a changed value for the audit and for undo; values are JSON-able."""
        if name != "source_digest":
            self._noted.append({"row": row_no, "model": model, "id": row_id, "field": name, "old": old, "new": new})
        self._changes.append(
            (
                self.batch.id,
                row_no,
                model,
                row_id,
                name,
                json.dumps(old, ensure_ascii=False),
                json.dumps(new, ensure_ascii=False),
                False,
            )
        )

    def touched_rows(self) -> set[int]:
        """Return the file rows that changed a value or made a row, of what waits to be written."""
        found = {change[1] for change in self._changes if change[4] != "source_digest"}
        for columns, rows in self._inserts.values():
            if "batch_row" in columns:
                at = columns.index("batch_row")
                found.update(row[at] for row in rows)
        return found

    def take_ids(self, table: Table, count: int) -> Sequence[int]:
        """Reserve identities of a table."""
        return take_ids(self.connection, table, count) if count else ()

    def flush(self, order: Sequence[Table]) -> None:
        """Write everything that waits, tables in ``order`` first, then the others as they came."""
        for table in (*order, *(table for table in self._inserts if table not in order)):
            columns, rows = self._inserts.get(table, ((), []))
            if rows:
                insert_rows(self.connection, table, columns, rows)
                self.written.setdefault(table.name, [0, 0])[0] += len(rows)
        self._inserts.clear()
        for (table, columns), changed in self._updates.items():
            update_rows(self.connection, table, columns, changed)
            self.written.setdefault(table.name, [0, 0])[1] += len(changed)
        self._updates.clear()
        search.remove(self.connection, self._stale_documents)
        search.add(self.connection, self._documents)
        self._documents.clear()
        self._stale_documents.clear()
        if self._changes:
            columns = ("batch_id", "batch_row", "model", "row_id", "field", "old", "new", "undone")
            insert_rows(self.connection, ImportChange.__table__, columns, self._changes)  # type: ignore[arg-type]  # a mapped class's table is a Table
            self._changes.clear()
