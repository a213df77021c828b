"""A table with a foreign name."""

from core.db.base import Base


class Stray(Base):
    """Named after nobody."""

    __tablename__ = "stray_thing"
