"""Policies with their terms, insured items, covers, endorsements and shares with other insurers."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from sqlalchemy import BigInteger, Boolean, Date, ForeignKey, Index, Numeric, String
from sqlalchemy.orm import Mapped, mapped_column

from core.api import Attributed, Base, BranchOwned, Field, Label, Model, Money, Sourced, field, filled_index
from plugins.crm_customers.models.options import LINES, POLICY_STATES, SHARE_KINDS


class Policy(Base, BranchOwned, Sourced, Attributed):
    """A contract; its premium is the sum of its terms and endorsements, with tax, vehicle tax never included."""

    __tablename__ = "crm_customers_policy"
    __table_args__ = (
        Index("uq_crm_customers_policy_source", "source_key", "source", unique=True),
        Index("ix_crm_customers_policy_holder_id", "holder_id"),
        Index("ix_crm_customers_policy_branch_id", "branch_id", "end_on", "state"),
        filled_index("crm_customers_policy", "insured_id"),
        filled_index("crm_customers_policy", "manager_id"),
        {"sqlite_autoincrement": True},
    )
    __model__ = Model(
        id="crm_customers.policy",
        label=Label("Policy", "保单"),
        plural=Label("Policies", "保单"),
        title="policy_no",
        icon="file-text",
        virtual=(
            Field(Label("Manager code", "业务员工号"), "identifier", ("业务员代码", "工号"), name="manager_code"),
            Field(Label("Manager name", "业务员姓名"), "text", ("业务员",), name="manager_name"),
        ),
    )

    policy_no: Mapped[str] = field(
        String(60), en="Policy number", zh="保单号", kind="identifier", aliases=("保单号码",), listed=True
    )
    proposal_no: Mapped[str | None] = field(String(60), en="Proposal number", zh="投保单号", kind="identifier")
    previous_policy_no: Mapped[str | None] = field(
        String(60), en="Previous policy", zh="上年保单号", kind="identifier", aliases=("续保单号",)
    )
    line: Mapped[str | None] = field(String(12), en="Line", zh="险类", options=LINES, listed=True)
    product: Mapped[str | None] = field(String(80), en="Product", zh="险种", aliases=("险种名称", "产品"), listed=True)
    holder_id: Mapped[int] = field(
        ForeignKey("crm_customers_customer.id"),
        en="Policyholder",
        zh="投保人",
        target="crm_customers.customer",
        imported=False,
        listed=True,
    )
    insured_id: Mapped[int | None] = field(
        ForeignKey("crm_customers_customer.id"),
        en="Insured",
        zh="被保险人",
        target="crm_customers.customer",
        imported=False,
    )
    signed_on: Mapped[date | None] = field(Date, en="Signed", zh="签单日期", aliases=("出单日期",))
    start_on: Mapped[date | None] = field(
        Date, en="Start", zh="保险起期", aliases=("起保日期", "保险起始日期"), listed=True
    )
    end_on: Mapped[date | None] = field(
        Date, en="Last day", zh="保险止期", aliases=("终保日期", "保险终止日期", "到期"), listed=True
    )
    state: Mapped[str] = field(
        String(10),
        en="State",
        zh="状态",
        options=POLICY_STATES,
        default="active",
        imported=False,
        editable=False,
        listed=True,
    )
    cancelled_on: Mapped[date | None] = field(Date, en="Cancelled from", zh="退保日期", imported=False, editable=False)
    sum_insured: Mapped[Decimal | None] = field(Money, en="Sum insured", zh="保险金额", aliases=("保额",))
    premium_net: Mapped[Decimal | None] = field(Money, en="Premium without tax", zh="不含税保费")
    vat: Mapped[Decimal | None] = field(Money, en="VAT", zh="增值税")
    vehicle_tax: Mapped[Decimal | None] = field(Money, en="Vehicle tax", zh="车船税")
    ncd: Mapped[Decimal | None] = field(Numeric(8, 4), en="NCD", zh="无赔款优待系数", aliases=("NCD", "NCD系数"))
    pricing_factor: Mapped[Decimal | None] = field(Numeric(8, 4), en="Pricing factor", zh="自主定价系数")
    commission_rate: Mapped[Decimal | None] = field(Numeric(9, 6), en="Commission rate", zh="手续费率", kind="ratio")
    commission: Mapped[Decimal | None] = field(Money, en="Commission", zh="手续费")
    manager_id: Mapped[int | None] = field(
        ForeignKey("crm_customers_account_manager.id"),
        en="Account manager",
        zh="业务员",
        target="crm_customers.account_manager",
        imported=False,
    )
    intermediary_code: Mapped[str | None] = field(String(60), en="Intermediary code", zh="中介代码", kind="identifier")
    intermediary_name: Mapped[str | None] = field(
        String(120), en="Intermediary", zh="中介", aliases=("代理人", "经纪人", "经代名", "中介机构")
    )
    origin: Mapped[str | None] = field(String(40), en="Origin", zh="客户源")
    channel: Mapped[str | None] = field(
        String(40), en="Channel", zh="渠道", aliases=("终端来源", "业务来源"), listed=True
    )
    is_renewal: Mapped[bool | None] = field(Boolean, en="Renewal", zh="是否续保", aliases=("续保",))
    is_new_vehicle: Mapped[bool | None] = field(Boolean, en="New vehicle", zh="是否新车", aliases=("新车",))
    is_transfer: Mapped[bool | None] = field(Boolean, en="Transferred vehicle", zh="是否过户车", aliases=("过户车",))
    is_new_energy: Mapped[bool | None] = field(Boolean, en="New energy", zh="是否新能源", aliases=("新能源",))
    is_telesales: Mapped[bool | None] = field(Boolean, en="Telesales", zh="是否电销", aliases=("电销",))
    coinsurance: Mapped[str | None] = field(String(40), en="Coinsurance", zh="共保标识")
    facultative: Mapped[str | None] = field(String(40), en="Facultative", zh="临分标志")
    previous_insurer: Mapped[str | None] = field(String(80), en="Previous insurer", zh="上年承保主体")
    next_insurer: Mapped[str | None] = field(String(80), en="Next insurer", zh="次年保险公司")
    currency: Mapped[str] = field(String(3), en="Currency", zh="币种", default="CNY")


class PolicyTerm(Base, BranchOwned, Sourced, Attributed):
    """One insured period of a policy."""

    __tablename__ = "crm_customers_policy_term"
    __table_args__ = (
        Index("uq_crm_customers_policy_term_source", "source_key", "source", unique=True),
        Index("ix_crm_customers_policy_term_policy_id", "policy_id"),
        Index("ix_crm_customers_policy_term_end_on", "end_on"),
        {"sqlite_autoincrement": True},
    )
    __model__ = Model(
        id="crm_customers.policy_term",
        label=Label("Term", "保险期间"),
        plural=Label("Terms", "保险期间"),
        title="source_key",
        icon="calendar",
    )

    policy_id: Mapped[int] = field(
        ForeignKey("crm_customers_policy.id", ondelete="CASCADE"),
        en="Policy",
        zh="保单",
        target="crm_customers.policy",
        imported=False,
        listed=True,
    )
    start_on: Mapped[date | None] = field(Date, en="Start", zh="保险起期", listed=True)
    end_on: Mapped[date | None] = field(Date, en="Last day", zh="保险止期", listed=True)
    premium: Mapped[Decimal] = field(
        Money, en="Premium", zh="签单保费", aliases=("保费", "含税保费", "保费合计"), default=Decimal(0), listed=True
    )


class InsuredItem(Base, BranchOwned):
    """What a term insures: a vehicle, or something described."""

    __tablename__ = "crm_customers_insured_item"
    __table_args__ = (
        Index("ix_crm_customers_insured_item_term_id", "term_id"),
        Index("ix_crm_customers_insured_item_vehicle_id", "vehicle_id"),
        {"sqlite_autoincrement": True},
    )

    term_id: Mapped[int] = mapped_column(ForeignKey("crm_customers_policy_term.id", ondelete="CASCADE"))
    vehicle_id: Mapped[int | None] = mapped_column(ForeignKey("crm_customers_vehicle.id"))
    description: Mapped[str | None] = mapped_column(String(120))
    created_batch_id: Mapped[int | None] = mapped_column(BigInteger)


class Cover(Base, BranchOwned):
    """A cover of a term, with its own sum insured and premium; the term's premium contains it."""

    __tablename__ = "crm_customers_cover"
    __table_args__ = (
        Index("uq_crm_customers_cover_kind", "term_id", "kind", unique=True),
        {"sqlite_autoincrement": True},
    )
    __model__ = Model(
        id="crm_customers.cover",
        label=Label("Cover", "险别"),
        plural=Label("Covers", "险别"),
        title="kind",
        icon="shield",
    )

    term_id: Mapped[int] = field(
        ForeignKey("crm_customers_policy_term.id", ondelete="CASCADE"),
        en="Term",
        zh="保险期间",
        target="crm_customers.policy_term",
        imported=False,
    )
    kind: Mapped[str] = field(String(80), en="Cover", zh="险别", listed=True)
    sum_insured: Mapped[Decimal | None] = field(Money, en="Sum insured", zh="保险金额", listed=True)
    premium: Mapped[Decimal | None] = field(Money, en="Premium", zh="保费", listed=True)
    created_batch_id: Mapped[int | None] = mapped_column(BigInteger)


class Endorsement(Base, BranchOwned, Sourced, Attributed):
    """A change of a policy with a signed change of premium."""

    __tablename__ = "crm_customers_endorsement"
    __table_args__ = (
        Index("uq_crm_customers_endorsement_source", "source_key", "source", unique=True),
        Index("ix_crm_customers_endorsement_policy_id", "policy_id"),
        {"sqlite_autoincrement": True},
    )
    __model__ = Model(
        id="crm_customers.endorsement",
        label=Label("Endorsement", "批单"),
        plural=Label("Endorsements", "批单"),
        title="endorsement_no",
        icon="file-pencil",
    )

    endorsement_no: Mapped[str] = field(
        String(80), en="Endorsement number", zh="批单号", kind="identifier", listed=True
    )
    policy_id: Mapped[int] = field(
        ForeignKey("crm_customers_policy.id", ondelete="CASCADE"),
        en="Policy",
        zh="保单",
        target="crm_customers.policy",
        imported=False,
        listed=True,
    )
    kind: Mapped[str | None] = field(String(40), en="Kind", zh="批改类型", listed=True)
    effective_on: Mapped[date | None] = field(
        Date, en="Effective", zh="生效日期", aliases=("批改日期", "批改生效日期"), listed=True
    )
    premium_change: Mapped[Decimal] = field(
        Money, en="Premium change", zh="批改保费", aliases=("保费变化",), default=Decimal(0), listed=True
    )
    sum_insured_change: Mapped[Decimal | None] = field(Money, en="Sum insured change", zh="保额变化")
    reason: Mapped[str | None] = field(String(200), en="Reason", zh="批改原因")


class ReinsuranceShare(Base, BranchOwned):
    """A share of a policy carried by another insurer (CU-08); shares of one kind never pass 100 %."""

    __tablename__ = "crm_customers_reinsurance_share"
    __table_args__ = (
        Index("ix_crm_customers_reinsurance_share_policy_id", "policy_id"),
        {"sqlite_autoincrement": True},
    )
    __model__ = Model(
        id="crm_customers.reinsurance_share",
        label=Label("Reinsurance or coinsurance share", "再保 / 共保份额"),
        plural=Label("Reinsurance and coinsurance shares", "再保 / 共保份额"),
        title="counterparty",
        icon="chart-pie",
    )

    policy_id: Mapped[int] = field(
        ForeignKey("crm_customers_policy.id", ondelete="CASCADE"),
        en="Policy",
        zh="保单",
        target="crm_customers.policy",
        listed=True,
    )
    kind: Mapped[str] = field(String(20), en="Kind", zh="类型", options=SHARE_KINDS, listed=True)
    counterparty: Mapped[str] = field(String(120), en="Counterparty", zh="对方", listed=True)
    share: Mapped[Decimal] = field(Numeric(9, 6), en="Share", zh="份额", kind="ratio", listed=True)
    lead: Mapped[bool] = field(Boolean, en="Lead", zh="主承", default=False)
    agreement_no: Mapped[str | None] = field(String(60), en="Agreement", zh="协议号")
