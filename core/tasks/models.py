"""Tables of tasks, leave and notifications."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import Date, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.db.base import Base, utc_now
from core.db.types import Id, UtcDateTime

REPEATS = ("daily", "workdays", "weekly", "monthly", "yearly")


class Task(Base):
    """Something to be done, by a person, or by whoever holds a role at a branch."""

    __tablename__ = "core_task"
    __table_args__ = (
        Index("ix_core_task_assignee", "assignee_id", "done_at", "due_on"),
        Index("ix_core_task_branch", "branch_id", "role_code", "done_at"),
        Index("ix_core_task_record", "model", "row_id"),
        Index("ix_core_task_remind", "reminded_at", "remind_at"),
        {"sqlite_autoincrement": True},
    )

    title: Mapped[str] = mapped_column(String(200))
    detail: Mapped[str] = mapped_column(Text, default="")
    due_on: Mapped[date | None] = mapped_column(Date)
    remind_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    reminded_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    repeat: Mapped[str] = mapped_column(String(8), default="")
    assignee_id: Mapped[int | None] = mapped_column(ForeignKey("core_user.id"))
    role_code: Mapped[str] = mapped_column(String(60), default="")
    branch_id: Mapped[int] = mapped_column(ForeignKey("core_branch.id"))
    model: Mapped[str] = mapped_column(String(80), default="")
    row_id: Mapped[int | None] = mapped_column(Id)
    bulk_run_id: Mapped[int | None] = mapped_column(Id, index=True)
    author_id: Mapped[int] = mapped_column(ForeignKey("core_user.id"), index=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)
    done_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    done_by_id: Mapped[int | None] = mapped_column(ForeignKey("core_user.id"))


class Leave(Base):
    """That a person is away, and who takes their tasks meanwhile; both days are included."""

    __tablename__ = "core_leave"

    user_id: Mapped[int] = mapped_column(ForeignKey("core_user.id"), index=True)
    delegate_id: Mapped[int] = mapped_column(ForeignKey("core_user.id"), index=True)
    from_on: Mapped[date] = mapped_column(Date)
    until_on: Mapped[date] = mapped_column(Date)


class Notification(Base):
    """A line behind a person's bell; the key keeps one cause from ringing twice."""

    __tablename__ = "core_notification"
    __table_args__ = (
        UniqueConstraint("user_id", "key"),
        Index("ix_core_notification_unread", "user_id", "read_at", "id"),
        {"sqlite_autoincrement": True},
    )

    user_id: Mapped[int] = mapped_column(ForeignKey("core_user.id"))
    key: Mapped[str] = mapped_column(String(120))
    text: Mapped[str] = mapped_column(String(200))
    url: Mapped[str] = mapped_column(String(200))
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)
    read_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
