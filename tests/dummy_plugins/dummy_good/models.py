"""One table with one model."""

from sqlalchemy import String
from sqlalchemy.orm import Mapped

from core.db.base import Base
from core.registry.fields import Label, field
from core.registry.models import Model


class Thing(Base):
    """A thing."""

    __tablename__ = "dummy_good_thing"
    __model__ = Model(id="dummy_good.thing", label=Label("Thing", "东西"), plural=Label("Things", "东西"), shared=True)

    name: Mapped[str] = field(String(40), en="Name", zh="名称")
