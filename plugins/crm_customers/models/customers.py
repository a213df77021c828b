"""Customers, each once for the whole installation, and what ties them to branches, sources and managers."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Date,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Select,
    String,
    bindparam,
    exists,
    func,
    select,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from core.api import (
    Actor,
    Attributed,
    Base,
    CustomValues,
    Field,
    Json,
    Label,
    ListSource,
    Model,
    Money,
    Timestamps,
    UtcDateTime,
    field,
    filled_index,
)
from plugins.crm_customers.models.options import CLASSES, CREDITS, CUSTOMER_KINDS, ID_KINDS, LINKS, SEXES


class CustomerBranch(Base):
    """That a branch has to do with a customer, in a role, from a day until a day."""

    __tablename__ = "crm_customers_customer_branch"
    __table_args__ = (
        Index("uq_crm_customers_customer_branch", "customer_id", "branch_id", "role", unique=True),
        Index("ix_crm_customers_customer_branch_branch_id", "branch_id", "customer_id"),
        {"sqlite_autoincrement": True},
    )

    customer_id: Mapped[int] = mapped_column(ForeignKey("crm_customers_customer.id", ondelete="CASCADE"))
    branch_id: Mapped[int] = mapped_column(ForeignKey("core_branch.id"))
    role: Mapped[str] = mapped_column(String(10), default="owner")
    since: Mapped[date] = mapped_column(Date)
    until: Mapped[date | None] = mapped_column(Date)
    created_batch_id: Mapped[int | None] = mapped_column(BigInteger)


TOTALS = "crm_customers.customer.totals"
"""The right to figures of the whole company; others see those of their branches (``own_figures``)."""
_COMPANY_WIDE: dict[str, Any] = {"editable": False, "imported": False, "permission": TOTALS}


def seen_customer(entity: Any, actor: Actor) -> ColumnElement[bool]:
    """Customers with a relation to one of the actor's branches."""
    relation = CustomerBranch.__table__
    return exists().where(relation.c.customer_id == entity.id, relation.c.branch_id.in_(sorted(actor.branch_ids)))


def listed_customers(actor: Actor) -> ListSource | None:
    """Go through the relations in the order of the customers, so that deep pages and small branches stay fast.

    The relations of one branch stand in order in its index. Those of several are not looked up branch by branch (hence
    the sum), which would collect and sort them all, but met along the index of the customers.
    """
    relation, branches = CustomerBranch.__table__.alias(), sorted(actor.branch_ids)
    if actor.sees_all_branches or not branches:
        return None
    one = relation.c.branch_id == branches[0]
    return ListSource(relation.c.customer_id, one if len(branches) == 1 else (relation.c.branch_id + 0).in_(branches))


def seen_through_customer(entity: Any, actor: Actor) -> ColumnElement[bool]:
    """Rows of a customer with a relation to one of the actor's branches.

    EXISTS, since SQLite would collect the customers of the branches for every IN: 0.3 s for 300,000 of them.
    """
    relation = CustomerBranch.__table__
    mine = relation.c.branch_id.in_(sorted(actor.branch_ids))
    return exists().where(relation.c.customer_id == entity.customer_id, mine)


def foreign_relations(customer_id: Any) -> Select[Any]:
    """Select the number of branches outside ``mine``, a list parameter, that have to do with a customer; not which."""
    relation = CustomerBranch.__table__
    elsewhere = relation.c.branch_id.not_in(bindparam("mine", expanding=True))
    return select(func.count()).select_from(relation).where(relation.c.customer_id == customer_id, elsewhere)


class CustomerCustom(CustomValues, Base):
    """Values of the fields that administrators added to customers."""

    __tablename__ = "crm_customers_customer_custom"

    record_id: Mapped[int] = mapped_column(ForeignKey("crm_customers_customer.id", ondelete="CASCADE"))


class Customer(Base, Timestamps, Attributed):
    """A person or organisation: insured with us, once insured, or known."""

    __tablename__ = "crm_customers_customer"
    __table_args__ = (
        Index("ix_crm_customers_customer_name_key", "name_key", "id"),
        Index("ix_crm_customers_customer_pinyin", "pinyin", "id"),
        Index("ix_crm_customers_customer_class_code", "class_code", "id"),
        Index("ix_crm_customers_customer_manager_id", "manager_id", "id"),
        Index("ix_crm_customers_customer_next_expiry", "next_expiry", "id"),
        Index(
            "ix_crm_customers_customer_unclassified",
            "id",
            sqlite_where=text("class_since IS NULL"),
            postgresql_where=text("class_since IS NULL"),
        ),
        Index(
            "ix_crm_customers_customer_candidate",
            "id",
            sqlite_where=text("blacklist_candidate = 1"),
            postgresql_where=text("blacklist_candidate"),
        ),
        filled_index("crm_customers_customer", "merged_into_id"),
        # premium in force earns every day: with room in the page PostgreSQL writes it without touching an index
        {"sqlite_autoincrement": True, "postgresql_with": {"fillfactor": 70}},
    )
    __model__ = Model(
        id="crm_customers.customer",
        label=Label("Customer", "客户"),
        plural=Label("Customers", "客户"),
        title="name",
        row_rule=seen_customer,
        list_from=listed_customers,
        sort=("-id",),
        path="/crm_customers/customers/{id}",
        icon="users",
        custom_values=CustomerCustom,
        virtual=(
            Field(
                Label("ID kind", "证件类型"), "choice", ("投保人证件类型", "被保险人证件类型"), ID_KINDS, name="id_kind"
            ),
            Field(
                Label("ID number", "证件号码"),
                "resident_id",
                ("证件号", "身份证号", "投保人证件号码", "被保险人证件号码", "统一社会信用代码"),
                data_class="C2",
                mask="resident_id",
                name="id_number",
            ),
            Field(
                Label("Mobile", "手机"),
                "phones",
                ("联系电话", "手机号", "手机号码", "电话", "移动电话"),
                data_class="C2",
                mask="phone",
                name="phone",
            ),
            Field(Label("Land line", "固定电话"), "phones", ("座机",), data_class="C2", mask="phone", name="landline"),
            Field(Label("E-mail", "电子邮箱"), "text", ("邮箱", "email"), data_class="C2", name="email"),
            Field(
                Label("Address", "地址"), "address", ("住址", "联系地址", "通讯地址"), data_class="C2", name="address"
            ),
            Field(Label("Manager code", "客户经理工号"), "identifier", ("业务员代码", "工号"), name="manager_code"),
            Field(Label("Manager name", "客户经理"), "text", ("业务员", "业务员姓名"), name="manager_name"),
            Field(Label("Intends to insure", "投保意向"), "boolean", ("意向",), name="intention"),
            Field(Label("Blacklisted", "黑名单标志"), "boolean", ("是否黑名单",), name="blacklisted"),
        ),
    )

    number: Mapped[str] = field(
        String(12), en="Number", zh="客户号", unique=True, editable=False, imported=False, listed=True
    )
    kind: Mapped[str] = field(
        String(12), en="Kind", zh="客户类型", options=CUSTOMER_KINDS, default="person", aliases=("客户类别", "客户性质")
    )
    name: Mapped[str] = field(
        String(200),
        en="Name",
        zh="客户名称",
        listed=True,
        aliases=("姓名", "名称", "单位名称", "企业名称", "车主"),
        default="",
        sort_by="pinyin",
    )
    name_key: Mapped[str] = mapped_column(String(200), default="")
    pinyin: Mapped[str] = mapped_column(String(200), default="")
    class_code: Mapped[str] = field(
        String(12),
        en="Class",
        zh="类别",
        options=CLASSES,
        default="unattached",
        editable=False,
        imported=False,
        listed=True,
        show="class",
    )
    class_since: Mapped[date | None] = field(Date, en="In class since", zh="类别起始", editable=False, imported=False)
    good: Mapped[bool] = field(en="Good customer", zh="优质标记", default=False, editable=False, imported=False)
    important: Mapped[bool] = field(
        en="Important customer", zh="重要标记", default=False, editable=False, imported=False
    )
    blacklist_candidate: Mapped[bool] = field(
        en="Blacklist candidate", zh="黑名单候选", default=False, editable=False, imported=False
    )
    link_code: Mapped[str] = field(
        String(8), en="Process link", zh="流程环节", options=LINKS, default="acquire", editable=False, imported=False
    )
    manager_id: Mapped[int | None] = field(
        ForeignKey("crm_customers_account_manager.id"),
        en="Account manager",
        zh="客户经理",
        target="crm_customers.account_manager",
        aliases=("manager",),
        listed=True,
        imported=False,
    )
    township: Mapped[str | None] = field(
        String(60), en="Township", zh="街道 / 镇", editable=False, imported=False, listed=True
    )
    division_code: Mapped[str | None] = field(
        String(9), en="Division code", zh="区划代码", editable=False, imported=False
    )
    next_expiry: Mapped[date | None] = field(
        Date,
        en="Next expiry",
        zh="最近到期",
        listed=True,
        **_COMPANY_WIDE,
    )
    policies_in_force: Mapped[int] = field(
        Integer,
        en="Policies in force",
        zh="有效保单",
        default=0,
        listed=True,
        **_COMPANY_WIDE,
    )
    premium_12m: Mapped[Decimal] = field(
        Money,
        en="Premium 12 months",
        zh="12 个月保费",
        aliases=("保费",),
        default=Decimal(0),
        listed=True,
        **_COMPANY_WIDE,
    )
    earned: Mapped[Decimal] = field(Money, en="Earned premium", zh="满期保费", default=Decimal(0), **_COMPANY_WIDE)
    incurred: Mapped[Decimal] = field(
        Money,
        en="Claims incurred",
        zh="累计赔款",
        default=Decimal(0),
        **_COMPANY_WIDE,
    )
    claim_count: Mapped[int] = field(Integer, en="Claims", zh="赔案", default=0, **_COMPANY_WIDE)
    receivable: Mapped[Decimal] = field(
        Money,
        en="Receivable",
        zh="应收",
        default=Decimal(0),
        listed=True,
        **_COMPANY_WIDE,
    )
    first_insured_on: Mapped[date | None] = field(
        Date, en="First insured", zh="首单日期", editable=False, imported=False
    )
    lost_to: Mapped[str | None] = field(String(80), en="Lost to", zh="流向", aliases=("次年保险公司",))
    swept_on: Mapped[date | None] = field(Date, en="Last swept", zh="排摸日期", aliases=("摸排日期", "走访日期"))
    sex: Mapped[str | None] = field(String(8), en="Sex", zh="性别", options=SEXES)
    birth_on: Mapped[date | None] = field(Date, en="Born", zh="出生日期", aliases=("生日",))
    occupation: Mapped[str | None] = field(String(80), en="Occupation", zh="职业")
    income: Mapped[Decimal | None] = field(Money, en="Yearly income", zh="年收入", aliases=("收入",), data_class="C2")
    industry_code: Mapped[str | None] = field(String(40), en="Industry", zh="行业", aliases=("行业代码", "所属行业"))
    ownership_code: Mapped[str | None] = field(
        String(40), en="Ownership", zh="所有制", aliases=("登记注册类型", "企业性质", "所有制性质")
    )
    origin: Mapped[str | None] = field(String(40), en="Origin", zh="客户来源", aliases=("客户源", "来源类型"))
    channel: Mapped[str | None] = field(String(40), en="Channel", zh="渠道", aliases=("终端来源", "业务渠道"))
    credit: Mapped[str] = field(
        String(4), en="Credit", zh="信用", options=CREDITS, default="good", aliases=("信用等级",)
    )
    intention_on: Mapped[date | None] = field(Date, en="Intention since", zh="意向日期", imported=False)
    merged_into_id: Mapped[int | None] = mapped_column(ForeignKey("crm_customers_customer.id"))
    created_batch_id: Mapped[int | None] = mapped_column(BigInteger)
    version: Mapped[int] = mapped_column(Integer, default=1)


class CustomerSource(Base):
    """That a source knows the customer under a key, and the values it last delivered."""

    __tablename__ = "crm_customers_customer_source"
    __table_args__ = (
        Index("uq_crm_customers_customer_source", "source", "source_key", unique=True),
        Index("ix_crm_customers_customer_source_customer_id", "customer_id"),
        {"sqlite_autoincrement": True, "info": {"unscoped": "read only by ids of customers that the actor sees"}},
    )

    customer_id: Mapped[int] = mapped_column(ForeignKey("crm_customers_customer.id", ondelete="CASCADE"))
    source: Mapped[str] = mapped_column(String(40))
    source_key: Mapped[str] = mapped_column(String(120))
    source_digest: Mapped[bytes | None] = mapped_column(LargeBinary(16))
    delivered: Mapped[dict[str, Any] | None] = mapped_column(Json)
    delivered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    batch_id: Mapped[int | None] = mapped_column(BigInteger)
    batch_row: Mapped[int | None] = mapped_column(BigInteger)
    created_batch_id: Mapped[int | None] = mapped_column(BigInteger)


class AccountManager(Base, Timestamps):
    """A person of a branch who looks after customers; the staff code is the key, names repeat."""

    __tablename__ = "crm_customers_account_manager"
    __model__ = Model(
        id="crm_customers.account_manager",
        label=Label("Account manager", "客户经理"),
        plural=Label("Account managers", "客户经理"),
        title="name",
        shared=True,
        icon="user-star",
        staff_code="code",
    )

    code: Mapped[str] = field(String(40), en="Staff code", zh="工号", unique=True, listed=True)
    name: Mapped[str] = field(String(80), en="Name", zh="姓名", default="", listed=True)
    branch_id: Mapped[int | None] = field(
        ForeignKey("core_branch.id"), en="Branch", zh="机构", target="core.branch", listed=True
    )
    active: Mapped[bool] = field(en="Active", zh="在职", default=True)
    created_batch_id: Mapped[int | None] = mapped_column(BigInteger)


__all__ = [
    "TOTALS",
    "AccountManager",
    "Customer",
    "CustomerBranch",
    "CustomerSource",
    "foreign_relations",
    "seen_customer",
    "seen_through_customer",
]
