"""What other plugins may ask this one; they import nothing else but `data`."""

from __future__ import annotations

from sqlalchemy import Select, select

from acme_visits.data import VisitLine
from acme_visits.models import Visit
from acme_visits.services import open_visits_of

__all__ = ["VisitLine", "visits", "open_visits_of"]


def visits() -> Select[int, int, str, bool]:
    """Select id, customer_id, text and done of the visits of the reader's branches, for joins."""
    return select(Visit.id, Visit.customer_id, Visit.text, Visit.done)
