"""Screens beside the generated ones: how many visits are open."""

from __future__ import annotations

from core.api import render, session_of, today_here
from starlette.requests import Request
from starlette.responses import Response

from acme_visits.services import count_due


def overview(request: Request) -> Response:
    """Show how many visits are open and how many of them are late."""
    open_visits, late = count_due(session_of(request), today_here())
    return render(request, "acme_visits/overview.html", {"open": open_visits, "late": late})
