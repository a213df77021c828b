"""The declarative base: one metadata, named constraints, identities that are never reused."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import MetaData, Table
from sqlalchemy.orm import DeclarativeBase, Mapped, declared_attr, mapped_column

from core.db.types import Id, UtcDateTime

NAMING_CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


def utc_now() -> datetime:
    """Return the present instant in UTC."""
    return datetime.now(UTC)


class Base(DeclarativeBase):
    """Base of every table of the core and the plugins; the table name starts with its owner."""

    metadata = MetaData(naming_convention=NAMING_CONVENTION)

    id: Mapped[int] = mapped_column(Id, primary_key=True, sort_order=-10)

    @declared_attr.directive
    @classmethod
    def __table_args__(cls) -> Any:
        return {"sqlite_autoincrement": True}


class Timestamps:
    """When a row was made and last changed, UTC."""

    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now, sort_order=900)
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now, onupdate=utc_now, sort_order=901)


def owner_of(table: Table) -> str:
    """Return the owner of a table: ``core`` or the plugin id, stamped by the loader."""
    return str(table.info.get("owner", "core"))
