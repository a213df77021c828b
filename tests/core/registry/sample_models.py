"""Two sample models: boats of the whole installation and their berths, which belong to branches."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import BigInteger, Date, ForeignKey, Integer, Numeric, String
from sqlalchemy.orm import Mapped, with_loader_criteria

import core.security.models  # noqa: F401 -- saved views point to its tables
from core.db.base import Base, Timestamps
from core.db.types import Id, Money, UtcDateTime
from core.registry.fields import Label, choices, field
from core.registry.models import Model, Registry
from core.security.actors import Actor

KINDS = choices(("sail", "Sailing boat", "帆船", ("sailer",)), ("motor", "Motor boat", "汽艇"))


class Owner(Base, Timestamps):
    """Somebody who owns boats."""

    __tablename__ = "demo_owner"
    __model__ = Model(
        "demo.owner", Label("Owner", "船主"), Label("Owners", "船主"), title="name", shared=True, sort=("name",)
    )

    code: Mapped[str] = field(String(20), en="Code", zh="编号", kind="identifier", listed=True)
    name: Mapped[str] = field(String(60), en="Name", zh="名称", listed=True)


class Boat(Base, Timestamps):
    """A boat, with one field of every kind."""

    __tablename__ = "demo_boat"
    __model__ = Model("demo.boat", Label("Boat", "船"), Label("Boats", "船舶"), title="name", sort=("-due_on",))

    branch_id: Mapped[int] = field(BigInteger, en="Branch", zh="机构", editable=True)
    number: Mapped[str | None] = field(String(30), en="Number", zh="船号", kind="identifier", listed=True)
    name: Mapped[str] = field(String(40), en="Boat name", zh="船名", aliases=("名字",), listed=True)
    kind: Mapped[str | None] = field(String(10), en="Kind", zh="种类", options=KINDS, listed=True)
    premium: Mapped[Decimal | None] = field(Money, en="Premium", zh="保费", listed=True)
    loss_ratio: Mapped[Decimal | None] = field(Numeric(9, 4), en="Loss ratio", zh="赔付率", kind="ratio")
    crew: Mapped[int | None] = field(Integer, en="Crew", zh="船员数")
    due_on: Mapped[date | None] = field(Date, en="Due", zh="到期", listed=True)
    seen_at: Mapped[datetime | None] = field(UtcDateTime, en="Seen", zh="最近接触")
    insured: Mapped[bool | None] = field(en="Insured", zh="已承保")
    phone: Mapped[str | None] = field(
        String(20), en="Phone", zh="电话", kind="phones", data_class="C2", mask="phone", listed=True
    )
    secret: Mapped[str | None] = field(String(20), en="Secret", zh="密语", data_class="C3", editable=False)
    note: Mapped[str | None] = field(String(200), en="Note", zh="备注", filterable=False)
    owner_id: Mapped[int | None] = field(
        Id, ForeignKey("demo_owner.id"), en="Owner", zh="船主", target="demo.owner", listed=True
    )
    version: Mapped[int] = field(Integer, en="Version", zh="版本", editable=False, imported=False, default=1)


def sample_registry() -> Registry:
    registry = Registry()
    registry.add(Owner, "demo")
    registry.add(Boat, "demo")
    return registry


def sample_rules(actor: Actor) -> list[object]:
    if actor.sees_all_branches:
        return []
    branches = sorted(actor.branch_ids)
    return [with_loader_criteria(Boat, Boat.branch_id.in_(branches), include_aliases=True)]
