"""One run of a batch: merge staged rows from where the batch stands, even while the rest of its file is being read."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import delete, select, update

from core.db.bulk import insert_rows
from core.errors import ConflictError
from core.imports.collector import collector_asleep
from core.imports.merge import Counts, Merger
from core.imports.models import ImportBatch, ImportReject
from core.imports.progress import Teller
from core.imports.staging import StagedFile
from core.security.actors import system_actor

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection

    from core.db.session import Database
    from core.imports.staging import StagedRow

CHUNK_GROUPS = 5_000
"""Groups merged in one transaction, half a second of work; with fewer, pages of indexes are written more often."""
PIECE_GROUPS = 1_000
"""Groups merged at a time within it: the records of more do not fit the processor's cache."""


class BatchRun:
    """Merges the rows of one batch and keeps its cursor and counters.

    Args:
        database: The database.
        batch: The batch as it stands.
        make_merger: Makes the merger of the batch inside the first transaction.
        report: Told how far the run is.
        should_stop: Asked after each chunk.
    """

    def __init__(
        self,
        database: Database,
        batch: ImportBatch,
        make_merger: Callable[[Connection], Merger],
        report: Teller,
        should_stop: Callable[[], bool],
    ) -> None:
        self.database = database
        self.batch_id = batch.id
        self.accepted = batch.summary is not None
        self.counts = Counts(batch.new, batch.changed, batch.same, batch.rejected)
        self.cursor = batch.cursor
        self._make_merger = make_merger
        self._merger: Merger | None = None
        self._report = report
        self._should_stop = should_stop
        self.stopped = False

    def merge_ready(self, path: Path, total: int) -> None:
        """Merge what a staging file holds so far; once stopped, only let the file be read to its end.

        Args:
            path: The staging file, which is still being written.
            total: Number of all data rows.
        """
        if not self._report.total:
            self._begin(total)
        with StagedFile(path) as staged:
            self.merge(staged)

    def accept(self, staged: StagedFile) -> None:
        """Store what staging found, once: its summary and the rows it rejected."""
        summary = staged.summary()
        self._begin(summary.read)
        if self.accepted:
            return
        self.counts.rejected += summary.rejected
        with self.database.write(system_actor("import")) as session:
            connection = session.connection()
            changed = connection.execute(
                update(ImportBatch)
                .where(*self._still_mine(), ImportBatch.summary.is_(None))
                .values(rejected=self.counts.rejected, read=self.counts.read, summary=dataclasses.asdict(summary))
            )
            if changed.rowcount != 1:
                raise two_runners(self.batch_id)
            rows = (
                (self.batch_id, row.row_no, row.sheet, row.line, _json(row.errors), _json(row.raw))
                for row in staged.rejected()
            )
            columns = ("batch_id", "row_no", "sheet", "line", "errors", "cells")
            insert_rows(connection, ImportReject.__table__, columns, rows)  # type: ignore[arg-type]  # a mapped class's table is a Table
        self.accepted = True

    def merge(self, staged: StagedFile) -> None:
        """Merge all rows behind the cursor, until somebody stops the run.

        Raises:
            ConflictError: Another process runs the same batch.
        """
        if self.stopped:
            return
        with collector_asleep():
            for groups in chunks(staged, self.cursor):
                self._merge_chunk(staged, groups, groups[-1][0].ready_at)
                if self._ask():
                    return

    def merge_late(self, staged: StagedFile, codes: frozenset[str]) -> None:
        """Merge again the rows that were refused since the row they point to came later in the file.

        Args:
            staged: The finished staging file.
            codes: Reasons with which such rows are refused.

        Raises:
            ConflictError: Another process runs the same batch.
        """
        late = self._refused(codes) if codes and not self.stopped else []
        done: set[int] = set()
        with collector_asleep():
            for start in range(0, len(late), CHUNK_GROUPS):
                groups = staged.groups_of([row for row in late[start : start + CHUNK_GROUPS] if row not in done])
                again = [row.row_no for group in groups for row in group]
                done.update(row.row_no for group in groups for row in group if len(group) > 1)
                self._merge_chunk(staged, groups, self.cursor, again)
                if self._ask():
                    return

    def _ask(self) -> bool:
        self._report.merge(self.counts.read)
        self.stopped = self._should_stop()
        return self.stopped

    def _refused(self, codes: frozenset[str]) -> list[int]:
        with self.database.read(system_actor("import")) as session:
            mine = select(ImportReject.row_no, ImportReject.errors).where(ImportReject.batch_id == self.batch_id)
            rows = session.connection().execute(mine.order_by(ImportReject.row_no))
            return [row_no for row_no, errors in rows if errors[0]["code"] in codes]

    def _merge_chunk(
        self, staged: StagedFile, groups: list[list[StagedRow]], last: int, again: Sequence[int] = ()
    ) -> None:
        """Merge groups in one transaction; rows merged ``again`` stop being refused, unless they are once more."""
        counts = dataclasses.replace(self.counts)
        with self.database.write(system_actor("import")) as session:
            connection = session.connection()
            if again:
                self._take_back(connection, again)
                counts.rejected -= len(again)
            self._merger = self._merger or self._make_merger(connection)
            for start in range(0, len(groups), PIECE_GROUPS):
                found, _ = self._merger.merge(connection, groups[start : start + PIECE_GROUPS], staged.shapes)
                add_counts(counts, found)
            self._advance(connection, last, counts)
        self.counts, self.cursor = counts, last

    def _take_back(self, connection: Connection, row_numbers: Sequence[int]) -> None:
        refused = ImportReject.batch_id == self.batch_id, ImportReject.row_no.in_(row_numbers)
        if connection.execute(delete(ImportReject).where(*refused)).rowcount != len(row_numbers):
            raise two_runners(self.batch_id)

    def _begin(self, total: int) -> None:
        self._report.total = total
        with self.database.write(system_actor("import")) as session:
            session.connection().execute(
                update(ImportBatch)
                .where(ImportBatch.id == self.batch_id, ImportBatch.state == "waiting")
                .values(state="running", total=total)
            )

    def _still_mine(self) -> tuple[ColumnElement[bool], ...]:
        mine = ImportBatch.id == self.batch_id
        return mine, ImportBatch.cursor == self.cursor, ImportBatch.state == "running"

    def _advance(self, connection: Connection, last: int, counts: Counts) -> None:
        """Move cursor and counters with the chunk; a second runner finds the cursor moved and gives up."""
        moved = connection.execute(
            update(ImportBatch)
            .where(*self._still_mine())
            .values(
                cursor=last,
                read=counts.read,
                new=counts.new,
                changed=counts.changed,
                same=counts.same,
                rejected=counts.rejected,
            )
        )
        if moved.rowcount != 1:
            raise two_runners(self.batch_id)


def chunks(staged: StagedFile, cursor: int) -> Iterator[list[list[StagedRow]]]:
    """Yield the groups behind a row in chunks of one transaction each; between two of them the file is its writer's."""
    while chunk := list(staged.groups(cursor, CHUNK_GROUPS)):
        yield chunk
        cursor = chunk[-1][0].ready_at


def add_counts(counts: Counts, found: Counts) -> None:
    """Add what became of the rows of one chunk."""
    counts.new += found.new
    counts.changed += found.changed
    counts.same += found.same
    counts.rejected += found.rejected


def two_runners(batch_id: int) -> ConflictError:
    """Return the error of a run that finds another one at work."""
    return ConflictError(
        "import_running", "Another process runs import {batch}.", "Wait until it has ended.", batch=batch_id
    )


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
