"""Brings the search index into being with the tables: a virtual table on SQLite that no metadata describes."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, event

from core.db.base import Base
from core.search.index import create


@event.listens_for(Base.metadata, "after_create")
def _create_index(_target: Any, connection: Connection, **_options: Any) -> None:
    create(connection)
