"""Class history, dated thresholds, marks set by people, and candidates for the review of duplicates."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, Date, ForeignKey, Index, Integer, Numeric, String
from sqlalchemy.orm import Mapped, mapped_column

from core.api import Base, Json, Label, Model, UtcDateTime, field, utc_now
from plugins.crm_customers.class_limits import NAMES
from plugins.crm_customers.models.customers import seen_through_customer
from plugins.crm_customers.models.options import CLASSES


class ClassHistory(Base):
    """That a customer was in a class from a day on, with the rule and the numbers that put it there."""

    __tablename__ = "crm_customers_class_history"
    __table_args__ = (
        Index("ix_crm_customers_class_history_customer_id", "customer_id", "since"),
        {"sqlite_autoincrement": True},
    )
    __model__ = Model(
        id="crm_customers.class_history",
        label=Label("Class history", "类别历史"),
        plural=Label("Class history", "类别历史"),
        row_rule=seen_through_customer,
        icon="history",
    )

    customer_id: Mapped[int] = field(
        ForeignKey("crm_customers_customer.id", ondelete="CASCADE"),
        en="Customer",
        zh="客户",
        target="crm_customers.customer",
        listed=True,
    )
    class_code: Mapped[str] = field(String(12), en="Class", zh="类别", options=CLASSES, listed=True)
    previous: Mapped[str | None] = field(String(12), en="Before", zh="之前", options=CLASSES, listed=True)
    since: Mapped[date] = field(Date, en="Since", zh="起", listed=True)
    reasons: Mapped[dict[str, Any] | None] = mapped_column(Json)
    recorded_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)


class ClassDue(Base):
    """That facts of a customer have changed since the class was computed; a customer may stand here several times.

    Rows are only added and taken away. To mark the row of a customer would write all its indexes, and would lose the
    mark of whoever commits while a classification runs. No foreign key: who is gone by then is not found.
    """

    __tablename__ = "crm_customers_class_due"
    __table_args__ = (
        Index("ix_crm_customers_class_due_customer_id", "customer_id"),
        {"sqlite_autoincrement": True, "info": {"unscoped": "ids for the classification, which sees all branches"}},
    )

    customer_id: Mapped[int] = mapped_column(BigInteger)


class ClassSetting(Base):
    """A threshold or reading of a class rule, from a day on, with its source."""

    __tablename__ = "crm_customers_class_setting"
    __table_args__ = (
        Index("uq_crm_customers_class_setting", "name", "valid_from", unique=True),
        {"sqlite_autoincrement": True},
    )
    __model__ = Model(
        id="crm_customers.class_setting",
        label=Label("Class setting", "分类设置"),
        plural=Label("Class settings", "分类设置"),
        title="name",
        shared=True,
        icon="adjustments",
    )

    name: Mapped[str] = field(String(60), en="Setting", zh="设置", options=NAMES, listed=True)
    value: Mapped[Decimal] = field(Numeric(18, 4), en="Value", zh="值", listed=True)
    valid_from: Mapped[date] = field(Date, en="Valid from", zh="生效日期", listed=True)
    origin: Mapped[str] = field(String(120), en="Source", zh="依据", default="", listed=True)
    version: Mapped[int] = mapped_column(Integer, default=1)


class CustomerMark(Base):
    """A mark set by a person or a source: intention, credit, importance, blacklist."""

    __tablename__ = "crm_customers_customer_mark"
    __table_args__ = (
        Index("ix_crm_customers_customer_mark_customer_id", "customer_id", "kind"),
        {"sqlite_autoincrement": True, "info": {"unscoped": "read only by ids of customers that the actor sees"}},
    )

    customer_id: Mapped[int] = mapped_column(ForeignKey("crm_customers_customer.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(20))
    value: Mapped[str] = mapped_column(String(40), default="yes")
    since: Mapped[date] = mapped_column(Date)
    until: Mapped[date | None] = mapped_column(Date)
    source: Mapped[str] = mapped_column(String(40))
    reason: Mapped[str | None] = mapped_column(String(200))
    set_by: Mapped[str | None] = mapped_column(String(80))
    approved_by: Mapped[str | None] = mapped_column(String(80))
    created_batch_id: Mapped[int | None] = mapped_column(BigInteger)


class DuplicateCandidate(Base):
    """Two customers that may be one, scored, with reasons; a person decides."""

    __tablename__ = "crm_customers_duplicate_candidate"
    __table_args__ = (
        Index("uq_crm_customers_duplicate_candidate", "first_id", "second_id", unique=True),
        Index("ix_crm_customers_duplicate_candidate_state", "state", "score"),
        {"sqlite_autoincrement": True, "info": {"unscoped": "pairs shown only when the actor sees both"}},
    )

    first_id: Mapped[int] = mapped_column(ForeignKey("crm_customers_customer.id", ondelete="CASCADE"))
    second_id: Mapped[int] = mapped_column(ForeignKey("crm_customers_customer.id", ondelete="CASCADE"))
    score: Mapped[int] = mapped_column(Integer)
    reasons: Mapped[list[str] | None] = mapped_column(Json)
    state: Mapped[str] = mapped_column(String(12), default="open")
    found_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)
    created_batch_id: Mapped[int | None] = mapped_column(BigInteger)
