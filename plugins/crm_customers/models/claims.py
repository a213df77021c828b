"""Claims and receivables of policies."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import Boolean, Date, ForeignKey, Index, Integer, Numeric, String
from sqlalchemy.orm import Mapped

from core.api import Attributed, Base, BranchOwned, Label, Model, Money, Sourced, UtcDateTime, field, filled_index


class Claim(Base, BranchOwned, Sourced, Attributed):
    """A loss under a policy, tied to term and vehicle where those are known."""

    __tablename__ = "crm_customers_claim"
    __table_args__ = (
        Index("uq_crm_customers_claim_source", "source_key", "source", unique=True),
        Index("ix_crm_customers_claim_policy_id", "policy_id"),
        filled_index("crm_customers_claim", "term_id"),
        filled_index("crm_customers_claim", "vehicle_id"),
        {"sqlite_autoincrement": True},
    )
    __model__ = Model(
        id="crm_customers.claim",
        label=Label("Claim", "赔案"),
        plural=Label("Claims", "赔案"),
        title="claim_no",
        icon="alert-triangle",
    )

    claim_no: Mapped[str | None] = field(
        String(80), en="Claim number", zh="赔案号", kind="identifier", aliases=("立案号",), listed=True
    )
    report_no: Mapped[str | None] = field(String(80), en="Report number", zh="报案号", kind="identifier")
    policy_id: Mapped[int] = field(
        ForeignKey("crm_customers_policy.id", ondelete="CASCADE"),
        en="Policy",
        zh="保单",
        target="crm_customers.policy",
        imported=False,
        listed=True,
    )
    term_id: Mapped[int | None] = field(
        ForeignKey("crm_customers_policy_term.id"),
        en="Term",
        zh="保险期间",
        target="crm_customers.policy_term",
        imported=False,
    )
    vehicle_id: Mapped[int | None] = field(
        ForeignKey("crm_customers_vehicle.id"), en="Vehicle", zh="车辆", target="crm_customers.vehicle", imported=False
    )
    loss_on: Mapped[date | None] = field(Date, en="Loss date", zh="出险日期", listed=True)
    loss_at: Mapped[datetime | None] = field(UtcDateTime, en="Loss time", zh="出险时间")
    reported_at: Mapped[datetime | None] = field(UtcDateTime, en="Reported", zh="报案时间")
    registered_at: Mapped[datetime | None] = field(UtcDateTime, en="Registered", zh="立案时间")
    surveyed_at: Mapped[datetime | None] = field(UtcDateTime, en="Surveyed", zh="查勘时间")
    closed_at: Mapped[datetime | None] = field(UtcDateTime, en="Closed", zh="结案时间", aliases=("已决时间",))
    paid_at: Mapped[datetime | None] = field(UtcDateTime, en="Paid at", zh="支付时间")
    cause: Mapped[str | None] = field(String(120), en="Cause", zh="出险原因", listed=True)
    place: Mapped[str | None] = field(String(200), en="Place", zh="出险地点", data_class="C2")
    case_type: Mapped[str | None] = field(String(60), en="Case type", zh="案件类型")
    injury: Mapped[bool | None] = field(Boolean, en="Injury", zh="是否人伤")
    liability: Mapped[Decimal | None] = field(Numeric(8, 4), en="Liability", zh="责任比例", aliases=("责任系数",))
    estimated: Mapped[Decimal | None] = field(Money, en="Estimated", zh="立案金额", aliases=("估损", "估损金额"))
    paid: Mapped[Decimal] = field(
        Money, en="Paid", zh="已决金额", aliases=("赔款", "已决赔款"), default=Decimal(0), listed=True
    )
    outstanding: Mapped[Decimal] = field(
        Money, en="Outstanding", zh="未决金额", aliases=("未决赔款",), default=Decimal(0), listed=True
    )
    expenses: Mapped[Decimal | None] = field(Money, en="Expenses", zh="已决费用")
    recovery: Mapped[Decimal | None] = field(Money, en="Recovery", zh="追偿", aliases=("追偿金额",))
    repair_shop: Mapped[str | None] = field(String(120), en="Repair shop", zh="标的汽修厂")
    third_repair_shop: Mapped[str | None] = field(String(120), en="Third party's repair shop", zh="三者汽修厂")
    guarantee: Mapped[str | None] = field(String(60), en="Guarantee", zh="险别")
    state: Mapped[str | None] = field(String(40), en="State", zh="案件状态", listed=True)


class Receivable(Base, BranchOwned, Sourced, Attributed):
    """A plan row of a premium: what is due when, and what has come."""

    __tablename__ = "crm_customers_receivable"
    __table_args__ = (
        Index("uq_crm_customers_receivable_source", "source_key", "source", unique=True),
        Index("ix_crm_customers_receivable_policy_id", "policy_id"),
        {"sqlite_autoincrement": True},
    )
    __model__ = Model(
        id="crm_customers.receivable",
        label=Label("Receivable", "应收"),
        plural=Label("Receivables", "应收"),
        title="source_key",
        icon="receipt",
    )

    policy_id: Mapped[int] = field(
        ForeignKey("crm_customers_policy.id", ondelete="CASCADE"),
        en="Policy",
        zh="保单",
        target="crm_customers.policy",
        imported=False,
        listed=True,
    )
    endorsement_no: Mapped[str | None] = field(String(80), en="Endorsement number", zh="批单号", kind="identifier")
    installment: Mapped[int | None] = field(Integer, en="Instalment", zh="缴费期次", aliases=("期次",), listed=True)
    due_on: Mapped[date | None] = field(Date, en="Due", zh="应缴日期", listed=True)
    amount_due: Mapped[Decimal] = field(Money, en="Amount due", zh="应收保费", default=Decimal(0), listed=True)
    amount_paid: Mapped[Decimal] = field(
        Money, en="Amount paid", zh="已收保费", aliases=("实收保费",), default=Decimal(0), listed=True
    )
    paid_on: Mapped[date | None] = field(Date, en="Paid on", zh="实收日期")
    handler: Mapped[str | None] = field(String(80), en="Handler", zh="经办人")
