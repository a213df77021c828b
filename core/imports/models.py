"""Tables of imports: batches, rejected rows, changed values."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Boolean, ForeignKey, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from core.db.base import Base, utc_now
from core.db.types import Json, UtcDateTime
from core.registry.fields import Label, choices, field
from core.registry.models import Model

BATCH_STATES = choices(
    ("draft", "Draft", "草稿"),
    ("waiting", "Waiting", "等待"),
    ("running", "Running", "运行中"),
    ("done", "Done", "完成"),
    ("failed", "Failed", "失败"),
    ("cancelled", "Stopped", "已停止"),
    ("undone", "Undone", "已撤销"),
    ("part_undone", "Partly undone", "部分撤销"),
)


class ImportBatch(Base):
    """One file imported with one profile: the truth about how far it came and what it did.

    ``cursor`` is the number of the last file row that is merged; rows, cursor and counters move in one transaction.
    """

    __tablename__ = "core_import_batch"
    __table_args__ = (
        Index("ix_core_import_batch_sha256", "sha256"),
        {"sqlite_autoincrement": True},
    )
    __model__ = Model(
        id="core.import_batch",
        label=Label("Import", "导入"),
        plural=Label("Imports", "导入"),
        title="file_name",
        path="/imports/{id}",
        icon="file-import",
    )

    branch_id: Mapped[int] = field(
        ForeignKey("core_branch.id"), en="Branch", zh="机构", target="core.branch", editable=False, listed=True
    )
    profile_id: Mapped[str] = field(String(80), en="Profile", zh="模板", editable=False, listed=True)
    profile: Mapped[dict[str, Any]] = mapped_column(Json)
    source: Mapped[str] = field(String(40), en="Source", zh="来源", editable=False)
    file_name: Mapped[str] = field(String(255), en="File", zh="文件", editable=False, listed=True)
    sha256: Mapped[str] = field(String(64), en="SHA-256", zh="SHA-256", editable=False)
    size: Mapped[int] = field(BigInteger, en="Size in bytes", zh="字节数", editable=False)
    state: Mapped[str] = field(
        String(12), en="State", zh="状态", options=BATCH_STATES, default="waiting", editable=False, listed=True
    )
    cursor: Mapped[int] = mapped_column(Integer, default=0)
    read: Mapped[int] = field(Integer, en="Read", zh="读取", default=0, editable=False, listed=True)
    new: Mapped[int] = field(Integer, en="New", zh="新增", default=0, editable=False, listed=True)
    changed: Mapped[int] = field(Integer, en="Changed", zh="变更", default=0, editable=False, listed=True)
    same: Mapped[int] = field(Integer, en="Same", zh="相同", default=0, editable=False, listed=True)
    rejected: Mapped[int] = field(Integer, en="Rejected", zh="拒绝", default=0, editable=False, listed=True)
    total: Mapped[int] = mapped_column(Integer, default=0)
    summary: Mapped[dict[str, Any] | None] = mapped_column(Json)
    error: Mapped[dict[str, Any] | None] = mapped_column(Json)
    stop_asked: Mapped[bool] = mapped_column(Boolean, default=False)
    actor_id: Mapped[int | None] = mapped_column(BigInteger)
    actor_name: Mapped[str] = field(String(80), en="By", zh="操作人", default="", editable=False, listed=True)
    created_at: Mapped[datetime] = field(
        UtcDateTime, en="Started", zh="开始", default=utc_now, editable=False, listed=True
    )
    finished_at: Mapped[datetime | None] = field(UtcDateTime, en="Finished", zh="结束", editable=False)

    def profile_title(self, locale: str) -> str:
        """Return what people call the profile."""
        titles: dict[str, str] = (self.profile or {}).get("title") or {}
        return titles.get(locale.partition("_")[0]) or self.profile_id


class ImportReject(Base):
    """A file row that was not imported: where it stands, its cells as they came, and every reason."""

    __tablename__ = "core_import_reject"
    __table_args__ = (
        Index("uq_core_import_reject_row", "batch_id", "row_no", unique=True),
        {"sqlite_autoincrement": True},
    )

    batch_id: Mapped[int] = mapped_column(ForeignKey("core_import_batch.id", ondelete="CASCADE"))
    row_no: Mapped[int] = mapped_column(Integer)
    sheet: Mapped[str] = mapped_column(String(120), default="")
    line: Mapped[int] = mapped_column(Integer)
    errors: Mapped[list[dict[str, Any]]] = mapped_column(Json)
    cells: Mapped[list[Any] | None] = mapped_column(Json)


class ImportChange(Base):
    """A value that a batch changed: the audit of the change and what undo puts back."""

    __tablename__ = "core_import_change"
    __table_args__ = (
        Index("ix_core_import_change_batch_id", "batch_id", "id"),
        Index("ix_core_import_change_row", "model", "row_id"),
        {"sqlite_autoincrement": True},
    )

    batch_id: Mapped[int] = mapped_column(ForeignKey("core_import_batch.id", ondelete="CASCADE"))
    batch_row: Mapped[int] = mapped_column(Integer)
    model: Mapped[str] = mapped_column(String(80))
    row_id: Mapped[int] = mapped_column(BigInteger)
    field: Mapped[str] = mapped_column(String(60))
    old: Mapped[Any] = mapped_column(Json)
    new: Mapped[Any] = mapped_column(Json)
    undone: Mapped[bool] = mapped_column(Boolean, default=False)
