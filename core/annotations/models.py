"""Tables of tags, notes and attachments; each row names the record of a model that it belongs to.

They carry no branch of their own: the record's own row rule decides who sees them (`core.annotations.records`).
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.db.base import Base, utc_now
from core.db.types import Id, UtcDateTime

TAG_LENGTH = 40


class Tag(Base):
    """A word that people put on records, the same for the whole installation."""

    __tablename__ = "core_tag"

    name: Mapped[str] = mapped_column(String(TAG_LENGTH), unique=True)


class RecordTag(Base):
    """That a record carries a tag."""

    __tablename__ = "core_record_tag"
    __table_args__ = (
        UniqueConstraint("model", "row_id", "tag_id"),
        Index("ix_core_record_tag_tag", "tag_id", "model", "row_id"),
        {"sqlite_autoincrement": True},
    )

    model: Mapped[str] = mapped_column(String(80))
    row_id: Mapped[int] = mapped_column(Id)
    tag_id: Mapped[int] = mapped_column(ForeignKey("core_tag.id", ondelete="CASCADE"))


class Note(Base):
    """A text that a person wrote about a record."""

    __tablename__ = "core_note"
    __table_args__ = (Index("ix_core_note_record", "model", "row_id"), {"sqlite_autoincrement": True})

    model: Mapped[str] = mapped_column(String(80))
    row_id: Mapped[int] = mapped_column(Id)
    text: Mapped[str] = mapped_column(Text)
    author_id: Mapped[int] = mapped_column(ForeignKey("core_user.id"))
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)


class Attachment(Base):
    """A file that a person added to a record; its content lies in the store of files, named by its SHA-256."""

    __tablename__ = "core_attachment"
    __table_args__ = (Index("ix_core_attachment_record", "model", "row_id"), {"sqlite_autoincrement": True})

    model: Mapped[str] = mapped_column(String(80))
    row_id: Mapped[int] = mapped_column(Id)
    name: Mapped[str] = mapped_column(String(200))
    kind: Mapped[str] = mapped_column(String(100))
    size: Mapped[int] = mapped_column()
    sha256: Mapped[str] = mapped_column(String(64))
    author_id: Mapped[int] = mapped_column(ForeignKey("core_user.id"))
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)
