"""The visits of a branch to its customers, and how a customer likes to be visited."""

from __future__ import annotations

from datetime import date

from core.api import Base, BranchOwned, Entered, Label, Model, choices, field
from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

PURPOSES = choices(("renewal", "Renewal", "续保"), ("claim", "Claim", "理赔"), ("courtesy", "Courtesy", "回访"))
TIMES = choices(("morning", "Morning", "上午"), ("afternoon", "Afternoon", "下午"), ("evening", "Evening", "晚上"))


class Visit(Base, BranchOwned, Entered):
    """A planned or paid visit to a customer; its branch column narrows it to the branches of the reader."""

    __tablename__ = "acme_visits_visit"
    __table_args__ = (
        Index("uq_acme_visits_visit_source", "source_key", "source", unique=True),
        Index("ix_acme_visits_visit_customer_id", "customer_id", "done"),
        Index("ix_acme_visits_visit_branch_id", "branch_id"),
        {"sqlite_autoincrement": True},
    )
    __model__ = Model(
        id="acme_visits.visit",
        label=Label("Visit", "走访"),
        plural=Label("Visits", "走访"),
        title="text",
        menu=True,
        icon="message",
    )

    customer_id: Mapped[int] = field(
        ForeignKey("crm_customers_customer.id", ondelete="CASCADE"),
        en="Customer",
        zh="客户",
        target="crm_customers.customer",
        imported=False,
        listed=True,
    )
    purpose: Mapped[str] = field(String(10), en="Purpose", zh="目的", options=PURPOSES, default="renewal", listed=True)
    text: Mapped[str] = field(
        String(200), en="What was agreed", zh="走访内容", data_class="C2", aliases=("备注",), listed=True
    )
    due_on: Mapped[date | None] = field(en="Day", zh="日期", listed=True)
    done: Mapped[bool] = field(en="Paid", zh="已走访", default=False, listed=True)


class CustomerWish(Base):
    """How a customer likes to be visited: fields that this plugin adds to the customers of another one."""

    __tablename__ = "acme_visits_customer_wish"
    __model__ = Model(
        id="acme_visits.customer_wish",
        label=Label("Wishes for visits", "走访偏好"),
        plural=Label("Wishes for visits", "走访偏好"),
        extends="crm_customers.customer",
    )

    id: Mapped[int] = mapped_column(ForeignKey("crm_customers_customer.id", ondelete="CASCADE"), primary_key=True)
    best_time: Mapped[str | None] = field(String(10), en="Best time", zh="方便时间", options=TIMES)
    call_before: Mapped[bool] = field(en="Call before", zh="须先致电", default=False)
