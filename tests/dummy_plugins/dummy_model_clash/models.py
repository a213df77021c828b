"""A table of its own, and one that belongs to another plugin."""

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from core.db.base import Base


class Own(Base):
    """A sound table, which must vanish with the rest."""

    __tablename__ = "dummy_model_clash_own"

    name: Mapped[str] = mapped_column(String(40))


class Thing(Base):
    """Taken."""

    __tablename__ = "core_branch"

    name: Mapped[str] = mapped_column(String(40))
