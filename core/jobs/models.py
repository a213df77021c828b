"""Tables of background work: jobs, schedules, the outbox of events and its deliveries."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.db.base import Base, utc_now
from core.db.types import Id, Json, UtcDateTime
from core.registry.fields import Label, choices, field
from core.registry.models import Model

QUEUED = "queued"
RUNNING = "running"
DONE = "done"
FAILED = "failed"
PARKED = "parked"
CANCELLED = "cancelled"

FOR_PLUGIN = "plugin"
"""Parked since the plugin is off or missing; goes on by itself once it is back."""
FOR_ATTEMPTS = "attempts"
"""Parked after too many attempts; a person decides."""

STATES = choices(
    (QUEUED, "Queued", "排队中"),
    (RUNNING, "Running", "进行中"),
    (DONE, "Done", "已完成"),
    (FAILED, "Failed", "失败"),
    (PARKED, "Parked", "已搁置"),
    (CANCELLED, "Cancelled", "已取消"),
)


class Job(Base):
    """One piece of background work and how far it is."""

    __tablename__ = "core_job"
    __table_args__ = (
        Index("ix_core_job_state_run_after", "state", "run_after"),
        {"sqlite_autoincrement": True},
    )
    __model__ = Model(
        id="core.job",
        label=Label("Background job", "后台作业"),
        plural=Label("Background jobs", "后台作业"),
        title="kind",
        shared=True,
        icon="list-details",
    )

    kind: Mapped[str] = field(String(80), en="Kind", zh="作业类型", listed=True, editable=False)
    plugin: Mapped[str] = field(String(40), en="Plugin", zh="插件", listed=True, editable=False)
    key: Mapped[str | None] = mapped_column(String(200), unique=True)
    actor_id: Mapped[int | None] = mapped_column(Id)
    actor_name: Mapped[str] = field(String(80), en="Started by", zh="发起人", listed=True, editable=False)
    branch_id: Mapped[int | None] = mapped_column(Id)
    state: Mapped[str] = field(
        String(10), en="State", zh="状态", options=STATES, listed=True, editable=False, default=QUEUED
    )
    attempt: Mapped[int] = field(en="Attempts", zh="尝试次数", editable=False, default=0)
    run_after: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)
    rung_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    lease_token: Mapped[str] = mapped_column(String(32), default="")
    cancel_requested: Mapped[bool] = mapped_column(default=False)
    parked_for: Mapped[str] = mapped_column(String(10), default="")
    progress_done: Mapped[int] = field(en="Done", zh="已处理", listed=True, editable=False, default=0)
    total: Mapped[int] = field(en="Total", zh="总数", listed=True, editable=False, default=0)
    note: Mapped[str] = field(Text, en="Note", zh="说明", editable=False, default="")
    payload: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    result: Mapped[Any | None] = mapped_column(Json, deferred=True)
    error: Mapped[str] = field(Text, en="Error", zh="错误", editable=False, default="")
    created_at: Mapped[datetime] = field(
        UtcDateTime, en="Created", zh="创建时间", listed=True, editable=False, default=utc_now
    )
    started_at: Mapped[datetime | None] = field(UtcDateTime, en="Started", zh="开始时间", editable=False)
    finished_at: Mapped[datetime | None] = field(UtcDateTime, en="Finished", zh="结束时间", editable=False)


class Schedule(Base):
    """A job that runs by the clock; what was shipped and what an administrator set stand apart."""

    __tablename__ = "core_schedule"

    job: Mapped[str] = mapped_column(String(80), unique=True)
    plugin: Mapped[str] = mapped_column(String(40))
    cron: Mapped[str] = mapped_column(String(80))
    on: Mapped[bool] = mapped_column("is_on", default=True)
    cron_override: Mapped[str | None] = mapped_column(String(80))
    on_override: Mapped[bool | None] = mapped_column("is_on_override")
    next_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    @property
    def effective_cron(self) -> str:
        """The cron expression in force."""
        return self.cron_override or self.cron

    @property
    def is_effective(self) -> bool:
        """Whether the schedule is in force."""
        return self.on if self.on_override is None else self.on_override


class Outbox(Base):
    """An event, written in the transaction of the change that caused it."""

    __tablename__ = "core_outbox"
    __table_args__ = (Index("ix_core_outbox_delivered_at_id", "delivered_at", "id"), {"sqlite_autoincrement": True})

    event: Mapped[str] = mapped_column(String(80))
    branch_id: Mapped[int | None] = mapped_column(Id)
    payload: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)
    delivered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class OutboxDelivery(Base):
    """That a consumer took an event, or gave up on it; written in the transaction of its effect."""

    __tablename__ = "core_outbox_delivery"
    __table_args__ = (UniqueConstraint("consumer", "event_id"), {"sqlite_autoincrement": True})

    consumer: Mapped[str] = mapped_column(String(40))
    event_id: Mapped[int] = mapped_column(Id, ForeignKey("core_outbox.id", ondelete="CASCADE"))
    attempt: Mapped[int] = mapped_column(default=1)
    done: Mapped[bool] = mapped_column(default=False)
    error: Mapped[str] = mapped_column(Text, default="")
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)


SILENCE = timedelta(seconds=30)
"""A process that did not beat for so long counts as gone."""


class Heartbeat(Base):
    """When a process was last alive, and at which epoch of plugins it started: older ones run older code."""

    __tablename__ = "core_heartbeat"

    process: Mapped[str] = mapped_column(String(120), unique=True)
    kind: Mapped[str] = mapped_column(String(10))
    epoch: Mapped[int] = mapped_column(BigInteger, default=0)
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)
