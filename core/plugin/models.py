"""Tables of the plugin framework: what is installed, the journal of actions, what branches decided, epochs."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.db.base import Base, utc_now
from core.db.types import Id, Json, UtcDateTime

ON = "on"
OFF = "off"
PREVIEW = "preview"
"""Shown, read-only, to those who administer plugins; off for all others, and for jobs, events and imports."""

INSTALLED = "installed"
UPGRADING = "upgrading"
"""An action is under way, or was cut off and is to be resumed."""
FAILED = "failed"
DORMANT = "dormant"
"""Uninstalled; the tables stay."""
ARCHIVED = "archived"
"""Uninstalled; the rows are in an archive file."""
DROPPED = "dropped"
"""Uninstalled; the rows are gone. The row stays so that the configuration does not install it again."""
AWAY = frozenset({DORMANT, ARCHIVED, DROPPED})
"""States in which a plugin is not loaded."""
RESTART = "plugins"
"""Epoch that grows when processes must load another set of plugins, or other versions."""


class InstalledPlugin(Base):
    """What the installation knows of a plugin; it wins over the configuration."""

    __tablename__ = "core_plugin"

    plugin: Mapped[str] = mapped_column(String(40), unique=True)
    version: Mapped[str] = mapped_column(String(40), default="")
    revision: Mapped[str] = mapped_column(String(32), default="")
    state: Mapped[str] = mapped_column(String(12))
    since: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)
    by: Mapped[str] = mapped_column(String(80), default="")
    surfaces: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    archive: Mapped[str] = mapped_column(String(200), default="")
    problem: Mapped[str] = mapped_column(Text, default="")
    trace: Mapped[str] = mapped_column(Text, default="")


class PluginStep(Base):
    """One step of an action on a plugin: written before the action begins, so that a killed one can be resumed."""

    __tablename__ = "core_plugin_step"
    __table_args__ = (UniqueConstraint("plan", "sequence"), {"sqlite_autoincrement": True})

    plan: Mapped[str] = mapped_column(String(32))
    sequence: Mapped[int] = mapped_column()
    plugin: Mapped[str] = mapped_column(String(40), index=True)
    action: Mapped[str] = mapped_column(String(12))
    step: Mapped[str] = mapped_column(String(20))
    target: Mapped[str] = mapped_column(String(200), default="")
    options: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    state: Mapped[str] = mapped_column(String(10), default="waiting")
    started: Mapped[datetime | None] = mapped_column(UtcDateTime)
    finished: Mapped[datetime | None] = mapped_column(UtcDateTime)
    error: Mapped[str] = mapped_column(Text, default="")


class BranchPlugin(Base):
    """A branch's decision on a plugin; branches below follow it unless they decide themselves."""

    __tablename__ = "core_branch_plugin"
    __table_args__ = (UniqueConstraint("branch_id", "plugin"), {"sqlite_autoincrement": True})

    branch_id: Mapped[int] = mapped_column(Id, ForeignKey("core_branch.id", ondelete="CASCADE"))
    plugin: Mapped[str] = mapped_column(String(40))
    state: Mapped[str] = mapped_column(String(8))
    since: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)
    by: Mapped[str] = mapped_column(String(80), default="")


class PluginFault(Base):
    """A part of a plugin that does not work in one process: failing, left out, or too slow for its page."""

    __tablename__ = "core_plugin_fault"
    __table_args__ = (UniqueConstraint("process", "plugin", "part"), {"sqlite_autoincrement": True})

    process: Mapped[str] = mapped_column(String(120))
    plugin: Mapped[str] = mapped_column(String(40), index=True)
    part: Mapped[str] = mapped_column(String(120))
    state: Mapped[str] = mapped_column(String(8))
    failures: Mapped[int] = mapped_column(default=0)
    error: Mapped[str] = mapped_column(String(200), default="")
    until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)


class Epoch(Base):
    """A counter that grows whenever cached settings change; each process compares it cheaply."""

    __tablename__ = "core_epoch"

    name: Mapped[str] = mapped_column(String(40), unique=True)
    value: Mapped[int] = mapped_column(BigInteger, default=0)
