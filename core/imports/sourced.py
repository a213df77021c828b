"""Columns of every row that a source system delivered."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from sqlalchemy import BigInteger, ForeignKey, Index, LargeBinary, String, literal_column
from sqlalchemy.orm import Mapped, declared_attr, mapped_column

from core.db.types import Json
from core.registry.fields import field


class Sourced:
    """Where a fact came from: source, the source's own key, and the batch that last wrote it.

    ``source_digest`` is the digest of the file row that last wrote the record; an equal digest means "same".
    ``created_batch_id`` is the batch that made the row, for undo.
    """

    source: Mapped[str] = field(String(40), en="Source", zh="来源", editable=False, imported=False, sort_order=800)
    source_key: Mapped[str] = field(
        String(120), en="Source key", zh="来源编号", editable=False, imported=False, sort_order=801
    )
    source_digest: Mapped[bytes | None] = mapped_column(LargeBinary(16), sort_order=802)
    batch_id: Mapped[int | None] = mapped_column(BigInteger, sort_order=803)
    batch_row: Mapped[int | None] = mapped_column(BigInteger, sort_order=804)
    created_batch_id: Mapped[int | None] = mapped_column(BigInteger, sort_order=805)


BY_HAND = "hand"
"""Source of a row that a person entered."""


class Entered(Sourced):
    """`Sourced` for rows that people may also enter in a form: such a row has the source ``hand`` and a random key."""

    source: Mapped[str] = field(
        String(40), en="Source", zh="来源", editable=False, imported=False, sort_order=800, default=BY_HAND
    )
    source_key: Mapped[str] = field(
        String(120),
        en="Source key",
        zh="来源编号",
        editable=False,
        imported=False,
        sort_order=801,
        default=lambda: uuid4().hex,
    )


class BranchOwned:
    """The branch that wrote the fact; staff see the facts of their branches."""

    @declared_attr
    @classmethod
    def branch_id(cls) -> Mapped[int]:
        """The branch that wrote the fact."""
        return field(ForeignKey("core_branch.id"), en="Branch", zh="机构", target="core.branch", imported=False)


class Attributed:
    """Columns of the source that no field takes, kept as they came."""

    attributes: Mapped[dict[str, Any] | None] = field(
        Json, en="Further columns", zh="其他列", editable=False, imported=False, filterable=False, sort_order=850
    )


def filled_index(table: str, column: str) -> Index:
    """Return an index over the filled values of an optional foreign key, so that its parent can be deleted quickly."""
    filled = literal_column(column).is_not(None)
    return Index(f"ix_{table}_{column}", column, sqlite_where=filled, postgresql_where=filled)
