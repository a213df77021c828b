"""Tables of the plugin framework: which branch uses which plugin, and the epoch that tells all processes of changes."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.db.base import Base, utc_now
from core.db.types import Id, UtcDateTime

ON = "on"
OFF = "off"


class BranchPlugin(Base):
    """A branch's decision on a plugin; branches below follow it unless they decide themselves."""

    __tablename__ = "core_branch_plugin"
    __table_args__ = (UniqueConstraint("branch_id", "plugin"), {"sqlite_autoincrement": True})

    branch_id: Mapped[int] = mapped_column(Id, ForeignKey("core_branch.id", ondelete="CASCADE"))
    plugin: Mapped[str] = mapped_column(String(40))
    state: Mapped[str] = mapped_column(String(8))
    since: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)
    by: Mapped[str] = mapped_column(String(80), default="")


class Epoch(Base):
    """A counter that grows whenever cached settings change; each process compares it cheaply."""

    __tablename__ = "core_epoch"

    name: Mapped[str] = mapped_column(String(40), unique=True)
    value: Mapped[int] = mapped_column(BigInteger, default=0)
