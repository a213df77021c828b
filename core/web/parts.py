"""Parts of pages that plugins make: what one raises or how long it takes stays its own affair, the page goes on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from starlette.requests import Request

from core.log import logger
from core.plugin.breaker import LeftOutError
from core.plugin.contributions import SIGNED_IN, HomeCard, SearchSource
from core.registry.fields import Label
from core.registry.query import ListColumn
from core.web import requests

if TYPE_CHECKING:
    from core.app import Suite
    from core.db.session import ScopedSession
    from core.security.actors import Actor

FAILED = object()
"""Result of a part that raised."""
LEFT_OUT = object()
"""Result of a part that is not called for now, since it failed again and again."""
BROKEN = (FAILED, LEFT_OUT)
PART_HEADER = "Banyan-Part"
"""Sent by htmx with the address of a page when it fetches one panel of it that is too slow to wait for."""


def isolated(request: Request, plugin_id: str, part: str, work: Callable[[], Any]) -> Any:
    """Do a plugin's part of a page.

    Args:
        request: The request.
        plugin_id: Whose part.
        part: Hook and id of the contribution, as the circuit breaker counts it.
        work: Makes the part.

    Returns:
        What ``work`` returns; `FAILED` when it raises, which is logged; `LEFT_OUT` when it was not called.
    """
    suite: Suite = request.app.state.suite
    try:
        return suite.plugins.breaker.run(plugin_id, part, work)
    except LeftOutError:
        return LEFT_OUT
    except Exception:
        logger(__name__).exception("page_part_failed", plugin=plugin_id, part=part)
        # A failed statement ends the whole transaction on PostgreSQL.
        if request.method in requests.SAFE_METHODS:
            requests.session_of(request).rollback()
        return FAILED


def is_offered(suite: Suite, plugin_id: str, contribution: HomeCard | SearchSource, actor: Actor) -> bool:
    """Whether the start page or the search box uses what a plugin contributes to it for an actor."""
    allowed = contribution.permission == SIGNED_IN or actor.may(contribution.permission)
    return allowed and suite.activation.shows(plugin_id, actor)


def is_behind(request: Request, plugin_id: str, part: str) -> bool:
    """Whether a panel is to be fetched after its page; the request that fetches it makes it."""
    suite: Suite = request.app.state.suite
    return (
        suite.plugins.breaker.is_behind(plugin_id, part)
        and request.method in requests.SAFE_METHODS
        and PART_HEADER not in request.headers
    )


class ColumnLoader:
    """Loads the cells of columns that plugins add to a list; those of a broken one stay empty.

    Args:
        request: The request for the list.
    """

    def __init__(self, request: Request) -> None:
        self._request = request
        self.broken: set[str] = set()

    def __call__(self, column: ListColumn, session: ScopedSession, ids: Sequence[int]) -> Mapping[int, Any]:
        """Return the value of each id."""
        given = column.contributed
        if given is None:
            return {}
        suite: Suite = self._request.app.state.suite
        owner = next(name for name, each in suite.plugins.collect("core_columns") if each is given)
        loaded = isolated(
            self._request, owner, f"core_columns {column.name}", lambda: dict(given.load_many(session, ids))
        )
        if loaded in BROKEN:
            self.broken.add(column.name)
            return {}
        found: Mapping[int, Any] = loaded
        return found

    def marked(self, columns: Sequence[ListColumn]) -> list[ListColumn]:
        """Return columns with a head that says which of them have no values since their plugin failed."""
        return [_without_values(each) if each.name in self.broken else each for each in columns]


def _without_values(column: ListColumn) -> ListColumn:
    label = column.label
    return replace(column, label=Label(f"{label.en} (not available)", f"{label.zh}(暂不可用)"))
