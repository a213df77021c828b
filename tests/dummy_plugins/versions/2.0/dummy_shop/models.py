"""Orders of a branch, and their lines, which have no branch of their own; tags are new."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ForeignKey, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from core.api import Base, Json, Label, Model, Money, UtcDateTime, field


class Order(Base):
    """An order."""

    __tablename__ = "dummy_shop_order"
    __model__ = Model(
        id="dummy_shop.order", label=Label("Order", "订单"), plural=Label("Orders", "订单"), title="name", menu=True
    )

    name: Mapped[str] = field(String(40), en="Name", zh="名称", listed=True)
    amount: Mapped[Decimal | None] = field(Money, en="Amount", zh="金额")
    at: Mapped[datetime | None] = field(UtcDateTime, en="At", zh="时间")
    facts: Mapped[Any | None] = mapped_column(Json)
    seal: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    branch_id: Mapped[int] = field(ForeignKey("core_branch.id"), en="Branch", zh="机构", target="core.branch")
    colour: Mapped[str] = field(String(20), en="Colour", zh="颜色", default="green")


class Line(Base):
    """A line of an order; it may stand under another one."""

    __tablename__ = "dummy_shop_line"

    order_id: Mapped[int] = mapped_column(ForeignKey("dummy_shop_order.id"))
    above_id: Mapped[int | None] = mapped_column(ForeignKey("dummy_shop_line.id"))
    text: Mapped[str] = mapped_column(String(80))


class Tag(Base):
    """A tag of an order."""

    __tablename__ = "dummy_shop_tag"

    order_id: Mapped[int] = mapped_column(ForeignKey("dummy_shop_order.id"))
    name: Mapped[str] = mapped_column(String(20))
