"""How a customer is identified and reached; personal values are sealed, with a blind index and a mask."""

from __future__ import annotations

from datetime import date
from typing import ClassVar

from sqlalchemy import BigInteger, Boolean, Date, ForeignKey, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from core.api import Base, Label, Model, field
from plugins.crm_customers.models.customers import seen_through_customer
from plugins.crm_customers.models.options import CONTACT_KINDS, ID_KINDS


class _Dated:
    """Since when, until when, and from where a value is known."""

    since: Mapped[date | None] = field(Date, en="Since", zh="起", sort_order=700)
    until: Mapped[date | None] = field(Date, en="Until", zh="止", sort_order=701)
    source: Mapped[str] = field(String(40), en="Source", zh="来源", editable=False, sort_order=702)
    batch_id: Mapped[int | None] = mapped_column(BigInteger, sort_order=703)
    batch_row: Mapped[int | None] = mapped_column(BigInteger, sort_order=704)
    created_batch_id: Mapped[int | None] = mapped_column(BigInteger, sort_order=705)


class CustomerIdentity(Base, _Dated):
    """An identity document; only a valid number is a key. ``masked`` is what screens show of the sealed number."""

    __tablename__ = "crm_customers_customer_identity"
    __table_args__ = (
        Index("ix_crm_customers_customer_identity_number_index", "number_index"),
        Index("ix_crm_customers_customer_identity_customer_id", "customer_id"),
        {"sqlite_autoincrement": True},
    )
    __model__ = Model(
        id="crm_customers.customer_identity",
        label=Label("Identity document", "证件"),
        plural=Label("Identity documents", "证件"),
        title="masked",
        row_rule=seen_through_customer,
        icon="id",
    )
    place: ClassVar[str] = "crm_customers_customer_identity.number"

    customer_id: Mapped[int] = field(
        ForeignKey("crm_customers_customer.id", ondelete="CASCADE"),
        en="Customer",
        zh="客户",
        target="crm_customers.customer",
        editable=False,
        listed=True,
    )
    kind: Mapped[str] = field(String(12), en="Kind", zh="证件类型", options=ID_KINDS, editable=False, listed=True)
    number_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    number_index: Mapped[bytes] = mapped_column(LargeBinary(16))
    masked: Mapped[str] = field(
        String(40),
        en="Number",
        zh="证件号码",
        data_class="C2",
        mask="identity",
        editable=False,
        filterable=False,
        listed=True,
    )
    valid: Mapped[bool] = field(Boolean, en="Valid", zh="校验通过", default=True, editable=False, listed=True)
    problem: Mapped[str | None] = field(String(80), en="Problem", zh="问题", editable=False)


class ContactPoint(Base, _Dated):
    """A telephone number or e-mail address; an old one is ended, never lost."""

    __tablename__ = "crm_customers_contact_point"
    __table_args__ = (
        Index("ix_crm_customers_contact_point_value_index", "value_index"),
        Index("ix_crm_customers_contact_point_tail", "tail"),
        Index("ix_crm_customers_contact_point_customer_id", "customer_id"),
        {"sqlite_autoincrement": True},
    )
    __model__ = Model(
        id="crm_customers.contact_point",
        label=Label("Contact point", "联系方式"),
        plural=Label("Contact points", "联系方式"),
        title="masked",
        row_rule=seen_through_customer,
        icon="phone",
    )
    place: ClassVar[str] = "crm_customers_contact_point.value"

    customer_id: Mapped[int] = field(
        ForeignKey("crm_customers_customer.id", ondelete="CASCADE"),
        en="Customer",
        zh="客户",
        target="crm_customers.customer",
        editable=False,
        listed=True,
    )
    kind: Mapped[str] = field(String(12), en="Kind", zh="类型", options=CONTACT_KINDS, editable=False, listed=True)
    value_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    value_index: Mapped[bytes] = mapped_column(LargeBinary(16))
    masked: Mapped[str] = field(
        String(60),
        en="Number",
        zh="号码",
        data_class="C2",
        mask="contact",
        editable=False,
        filterable=False,
        listed=True,
    )
    tail: Mapped[str | None] = mapped_column(String(4))
    extension: Mapped[str | None] = mapped_column(String(10))


class Address(Base, _Dated):
    """A postal address by 省/市/区/街道 (CU-18); what cannot be parsed waits for review."""

    __tablename__ = "crm_customers_address"
    __table_args__ = (
        Index("ix_crm_customers_address_customer_id", "customer_id"),
        Index("ix_crm_customers_address_division_code", "division_code"),
        {"sqlite_autoincrement": True},
    )
    __model__ = Model(
        id="crm_customers.address",
        label=Label("Address", "地址"),
        plural=Label("Addresses", "地址"),
        title="text",
        row_rule=seen_through_customer,
        icon="map-pin",
    )

    customer_id: Mapped[int] = field(
        ForeignKey("crm_customers_customer.id", ondelete="CASCADE"),
        en="Customer",
        zh="客户",
        target="crm_customers.customer",
        listed=True,
    )
    text: Mapped[str] = field(String(300), en="Address", zh="地址", data_class="C2", mask="address", listed=True)
    province: Mapped[str | None] = field(String(30), en="Province", zh="省")
    city: Mapped[str | None] = field(String(30), en="City", zh="市")
    county: Mapped[str | None] = field(String(30), en="County", zh="区 / 县", listed=True)
    street: Mapped[str | None] = field(String(60), en="Township", zh="街道 / 镇", listed=True)
    detail: Mapped[str | None] = field(String(200), en="Detail", zh="详细地址", data_class="C2")
    division_code: Mapped[str | None] = field(String(9), en="Division code", zh="区划代码")
    complete: Mapped[bool] = field(Boolean, en="Complete", zh="解析完整", default=False, listed=True)
