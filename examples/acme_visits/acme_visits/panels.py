"""What this plugin adds to the page of a customer and to the list of customers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from core.api import Asked, InvalidValueError, ScopedSession
from sqlalchemy import Select, select

from acme_visits.models import Visit
from acme_visits.services import count_open, open_visits_of

YES, NO = frozenset({"yes", "是"}), frozenset({"no", "否"})


def load_visits(session: ScopedSession, context: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the open visits about the customer of the page; nothing is shown where there are none."""
    visits = open_visits_of(session, int(context["record_id"]))
    return {"visits": visits} if visits else None


def load_numbers(session: ScopedSession, ids: Sequence[int]) -> Mapping[int, int]:
    """Return the number of open visits for each customer of a page of the list."""
    return count_open(session, ids)


def with_open_visits(asked: Asked) -> Select[Any]:
    """Select the customers that have an open visit (``yes``), or only such as were dealt with (``no``).

    Raises:
        InvalidValueError: Something else than yes or no was asked.
    """
    word = asked.text.strip().lower()
    if word not in YES | NO:
        raise InvalidValueError("filter_value", "Write yes or no.", value=word)
    unsettled = select(Visit.customer_id).where(Visit.done.is_(False))
    return unsettled if word in YES else select(Visit.customer_id).where(Visit.customer_id.not_in(unsettled))
