"""Hand-made screens of the plugin: the page of one customer, penetration by township."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from starlette.requests import Request
from starlette.responses import Response

from core.api import Actor, Route, Suite, actor_of, redirect, render, session_of, today_here, translate
from plugins.crm_customers import home_cards
from plugins.crm_customers.models import Customer
from plugins.crm_customers.profile_page import customer_page
from plugins.crm_customers.profile_tables import Reader
from plugins.crm_customers.prospects_page import prospects_page
from plugins.crm_customers.vehicles_page import penetration_page

VIEW = "crm_customers.customer.view"


def routes() -> list[Route]:
    """Return the routes; they win over the generated ones."""
    return [
        Route("/customers/{id:int}", customer, VIEW),
        Route("/penetration", penetration, "crm_customers.registry_vehicle.view"),
        Route("/prospects", prospects, VIEW),
        Route("/home/premium_due", premium_due, "crm_customers.policy_term.view"),
        Route("/home/overdue", overdue, "crm_customers.receivable.view"),
    ]


def customer(request: Request) -> Response:
    """Show a customer; one that was merged leads to the one it became (CU-09)."""
    session, customer_id = session_of(request), int(request.path_params["id"])
    asked = dict(request.query_params)
    page = customer_page(session, reader_of(request), customer_id, asked)
    survivor = page["customer"].merged_into_id
    if survivor is not None and session.scalar(select(Customer.id).where(Customer.id == survivor)):
        return redirect(request, f"/crm_customers/customers/{survivor}")
    return render(request, "crm_customers/customer.html", page)


def penetration(request: Request) -> Response:
    """Show how many registered vehicles of each township are insured with us (CU-06)."""
    page = penetration_page(session_of(request), reader_of(request), request.query_params.get("county", ""))
    return render(request, "crm_customers/penetration.html", page)


def prospects(request: Request) -> Response:
    """Show prospects by source and township, and how many were swept (CL-03, CL-05)."""
    page = prospects_page(session_of(request), reader_of(request), dict(request.query_params))
    return render(request, "crm_customers/prospects.html", page)


def premium_due(request: Request) -> Response:
    """Answer the card of premium by week, fetched after the home page."""
    return render(request, "crm_customers/home_premium_due.html", home_cards.premium_due(session_of(request)))


def overdue(request: Request) -> Response:
    """Answer the card of overdue receivables, fetched after the home page."""
    return render(request, "crm_customers/home_overdue.html", home_cards.overdue(session_of(request)))


def reader_of(request: Request) -> Reader:
    """Return who looks."""
    actor: Actor = actor_of(request)
    suite: Suite = request.app.state.suite
    locale: str = request.state.locale
    words: Any = translate(locale).gettext

    def record_url(model_id: str, row_id: int) -> str:
        return suite.registry.get(model_id).record_url(row_id)

    return Reader(words, locale, actor.may, today_here(), record_url)
