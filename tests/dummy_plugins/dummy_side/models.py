"""A side table of the things of dummy_good."""

from datetime import date

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from core.api import Base, Label, Model, choices, field


class ThingPlace(Base):
    """Where a thing lies."""

    __tablename__ = "dummy_side_thing_place"
    __model__ = Model(
        id="dummy_side.thing_place",
        label=Label("Place", "位置"),
        plural=Label("Places", "位置"),
        extends="dummy_good.thing",
    )

    id: Mapped[int] = mapped_column(ForeignKey("dummy_good_thing.id", ondelete="CASCADE"), primary_key=True)
    shelf: Mapped[str | None] = field(String(20), en="Shelf", zh="货架", listed=True)
    colour: Mapped[str | None] = field(
        String(8), en="Colour", zh="颜色", options=choices(("r", "Red", "红"), ("b", "Blue", "蓝"))
    )
    weight: Mapped[int | None] = field(en="Weight", zh="重量")
    checked_on: Mapped[date | None] = field(en="Checked", zh="检查日期")
    fragile: Mapped[bool] = field(en="Fragile", zh="易碎", default=False)
