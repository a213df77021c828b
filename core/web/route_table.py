"""Finding a route by the first parts of the path, instead of trying the patterns of all of them."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.routing import BaseRoute, Mount, Route, Router
from starlette.types import Receive, Scope, Send

DEPTH = 2
"""Parts of the path that choose the routes to try: owner and noun."""
Head = tuple[str, ...]


class RouteTable(Router):
    """Router that tries, in their order, only the routes that the first parts of the path allow.

    Args:
        routes: All routes; the first one that matches answers, as in Starlette's own router.
    """

    def __init__(self, routes: Sequence[BaseRoute]) -> None:
        # An address with a slash too many is not ours; redirecting would trust the Host header.
        super().__init__(routes, redirect_slashes=False)
        known = [(_head(route), route) for route in self.routes]
        heads = {head for head, _ in known if not any("{" in part for part in head)}
        self._parts = {
            head: Router([route for own, route in known if _allows(own, route, head)], redirect_slashes=False)
            for head in heads
        }

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; a path that begins like no route is tried with all of them."""
        part = self._parts.get(_cut(scope["path"])) if scope["type"] == "http" else None
        if part is None:
            await super().app(scope, receive, send)
            return
        scope.setdefault("router", self)
        await part.app(scope, receive, send)


def _cut(path: str) -> Head:
    return tuple(path.split("/")[1 : DEPTH + 1])


def _head(route: BaseRoute) -> Head:
    return _cut(getattr(route, "path", ""))


def _allows(own: Head, route: BaseRoute, head: Head) -> bool:
    """Whether a route may match a path that begins like this."""
    if own == head or not isinstance(route, Route | Mount):
        return True
    longer = isinstance(route, Mount) or (bool(own) and own[-1].endswith(":path}"))
    fits = len(own) == len(head) or (longer and len(own) < len(head))
    return fits and all("{" in mine or mine == theirs for mine, theirs in zip(own, head, strict=False))
