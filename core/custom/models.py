"""Tables of custom fields: the declarations, and the base of the table that keeps the values of one model."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import BigInteger, Boolean, Date, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, declared_attr, mapped_column

from core.db.base import Base, Timestamps
from core.db.types import Id, Json

LONGEST_VALUE = 500
"""Characters of a text."""


class CustomField(Timestamps, Base):
    """A field that an administrator added to a model; a removed one keeps its values until they are purged."""

    __tablename__ = "core_custom_field"
    __table_args__ = (UniqueConstraint("model", "code"), {"sqlite_autoincrement": True})

    model: Mapped[str] = mapped_column(String(80))
    code: Mapped[str] = mapped_column(String(30))
    label_en: Mapped[str] = mapped_column(String(80))
    label_zh: Mapped[str] = mapped_column(String(80))
    kind: Mapped[str] = mapped_column(String(12))
    required: Mapped[bool] = mapped_column(Boolean, default=False)
    personal: Mapped[bool] = mapped_column(Boolean, default=False)
    options: Mapped[list[list[str]]] = mapped_column(Json, default=list)
    branch_id: Mapped[int | None] = mapped_column(ForeignKey("core_branch.id"))
    removed: Mapped[bool] = mapped_column(Boolean, default=False)
    changed_by: Mapped[str] = mapped_column(String(80), default="")


class CustomValues:
    """Columns of a table with the values of a model's custom fields, one row per record and field.

    A subclass names its table and the record: ``record_id``, a foreign key that cascades. A value stands in the column
    of its kind; one index each serves filters and orders by it. Without a value there is no row.
    """

    field_id: Mapped[int] = mapped_column(Id)
    text: Mapped[str | None] = mapped_column(String(LONGEST_VALUE))
    number: Mapped[int | None] = mapped_column(BigInteger)
    day: Mapped[date | None] = mapped_column(Date)

    @declared_attr.directive
    @classmethod
    def __table_args__(cls) -> Any:
        table = cls.__tablename__  # type: ignore[attr-defined]  # every mapped class has one
        return (
            Index(f"uq_{table}", "record_id", "field_id", unique=True),
            *(Index(f"ix_{table}_{name}", "field_id", name, "record_id") for name in ("text", "number", "day")),
            {"sqlite_autoincrement": True, "info": {"unscoped": "read only by ids of records that the actor sees"}},
        )
