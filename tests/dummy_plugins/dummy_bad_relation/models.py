"""A relationship that cannot be resolved."""

from sqlalchemy.orm import Mapped, relationship

from core.db.base import Base


class Lost(Base):
    """Points nowhere."""

    __tablename__ = "dummy_bad_relation_lost"

    other: Mapped["Nowhere"] = relationship()  # noqa: F821 -- the point of this plugin
