"""Tables of bulk actions: each run, and every record it touched with the state before."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from core.db.base import Base, utc_now
from core.db.types import Id, Json, UtcDateTime

WAITING, CHANGED, SAME, REFUSED = "waiting", "changed", "same", "refused"
UNDONE, CONFLICT = "undone", "conflict"


class BulkRun(Base):
    """One action on many records, of the person who chose them."""

    __tablename__ = "core_bulk_run"

    action: Mapped[str] = mapped_column(String(80))
    model: Mapped[str] = mapped_column(String(80))
    actor_id: Mapped[int] = mapped_column(ForeignKey("core_user.id"), index=True)
    query: Mapped[str] = mapped_column(String(2000), default="")
    ids: Mapped[list[int]] = mapped_column(Json, default=list)
    inputs: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    expected: Mapped[int] = mapped_column(default=0)
    job_id: Mapped[int | None] = mapped_column(Id)
    undo_job_id: Mapped[int | None] = mapped_column(Id)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)
    chosen_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    undone_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class BulkChange(Base):
    """What a run did to one record."""

    __tablename__ = "core_bulk_change"
    __table_args__ = (Index("ix_core_bulk_change_run", "run_id", "state", "row_id"), {"sqlite_autoincrement": True})

    run_id: Mapped[int] = mapped_column(ForeignKey("core_bulk_run.id", ondelete="CASCADE"))
    row_id: Mapped[int] = mapped_column(Id)
    state: Mapped[str] = mapped_column(String(10), default=WAITING)
    before: Mapped[Any | None] = mapped_column(Json)
