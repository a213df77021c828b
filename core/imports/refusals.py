"""The rows that a dry run refuses: counted by reason, and kept with the draft so that they can be downloaded."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from sqlalchemy import delete, select

from core.db.bulk import insert_rows
from core.db.session import Database
from core.imports.models import ImportBatch, ImportReject
from core.security.actors import system_actor

PIECE = 2_000
"""Rows stored at a time."""


class Refusals:
    """Takes refused rows piece by piece.

    Args:
        database: The database.
        batch_id: The draft they belong to; 0 keeps none.
    """

    def __init__(self, database: Database, batch_id: int) -> None:
        self._database, self._batch_id = database, batch_id
        self._groups: dict[tuple[str, str], dict[str, Any]] = {}
        if batch_id:
            with database.write(system_actor("import")) as session:
                forget_refusals(session.connection(), batch_id)

    def add(self, rows: Iterable[tuple[int, str, int, list[dict[str, Any]], list[str] | None]]) -> None:
        """Take rows: number, sheet, line, errors, cells where they are known."""
        for piece in _pieces(rows):
            for _row_no, _sheet, line, errors, _cells in piece:
                group_reason(self._groups, line, errors)
            if self._batch_id:
                self._store(piece)

    def reasons(self) -> list[dict[str, Any]]:
        """Return ``error`` (the first as kept), ``rows`` and ``line`` of the first per reason; most rows first."""
        return sorted(self._groups.values(), key=lambda group: -int(group["rows"]))

    def _store(self, piece: list[Any]) -> None:
        draft = select(ImportBatch.id).where(ImportBatch.id == self._batch_id, ImportBatch.state == "draft")
        columns = ("batch_id", "row_no", "sheet", "line", "errors", "cells")
        values = [
            (self._batch_id, row_no, sheet, line, _json(errors), None if cells is None else _json(cells))
            for row_no, sheet, line, errors, cells in piece
        ]
        with self._database.write(system_actor("import")) as session:
            # Once somebody started the run, the rejected rows are the run's.
            if session.connection().execute(draft.with_for_update()).first() is not None:
                insert_rows(session.connection(), ImportReject.__table__, columns, values)  # type: ignore[arg-type]  # a mapped class's table is a Table


def forget_refusals(connection: Any, batch_id: int) -> None:
    """Remove what an earlier dry run kept."""
    connection.execute(delete(ImportReject).where(ImportReject.batch_id == batch_id))


def group_reason(groups: dict[tuple[str, str], dict[str, Any]], line: int, errors: list[dict[str, Any]]) -> None:
    """Count a refused row under the code and column of its first error."""
    for error in errors[:1]:
        group = groups.setdefault((error["code"], error["column"]), {"error": error, "rows": 0, "line": line})
        group["rows"] += 1


def _pieces(rows: Iterable[Any]) -> Iterator[list[Any]]:
    source = iter(rows)
    return iter(lambda: list(islice(source, PIECE)), [])


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
