"""What the page of the audit trail is narrowed to: action, person, record, days."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from sqlalchemy import Select

from core.registry.filter_values import start_of_day
from core.security.models import AuditEntry
from core.web.audit_labels import VERBS

if TYPE_CHECKING:
    from starlette.datastructures import QueryParams

NAMES = ("action", "who", "model", "row", "since", "until")


@dataclass(frozen=True)
class AuditFilter:
    """The conditions as they stand in the address; what cannot be read narrows nothing.

    ``action`` is a declared action or the verb of any record's, ``since`` and ``until`` are days, both included.
    """

    action: str = ""
    who: str = ""
    model: str = ""
    row: str = ""
    since: str = ""
    until: str = ""

    @classmethod
    def of(cls, params: QueryParams) -> AuditFilter:
        """Read the conditions of an address."""
        return cls(**{name: params.get(name, "").strip() for name in NAMES})

    def narrow(self, query: Select[Any]) -> Select[Any]:
        """Add the conditions to a select of entries."""
        if self.action in VERBS:
            query = query.where(AuditEntry.action.endswith(f".{self.action}", autoescape=True))
        elif self.action:
            query = query.where(AuditEntry.action == self.action)
        if self.who:
            query = query.where(AuditEntry.actor_name.contains(self.who, autoescape=True))
        if self.model:
            query = query.where(AuditEntry.model == self.model)
        if self.row.isascii() and self.row.isdigit():
            query = query.where(AuditEntry.row_id == int(self.row))
        since, until = _day(self.since), _day(self.until)
        if since is not None:
            query = query.where(AuditEntry.at >= start_of_day(since))
        if until is not None:
            query = query.where(AuditEntry.at < start_of_day(until + timedelta(days=1)))
        return query

    def address(self, **more: object) -> str:
        """Return the address of the page with these conditions and others."""
        kept: Mapping[str, object] = {name: getattr(self, name) for name in NAMES if getattr(self, name)}
        pairs = {**kept, **more}
        return f"/audit?{urlencode(pairs)}" if pairs else "/audit"


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        return None
