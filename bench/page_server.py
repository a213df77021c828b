"""The two servers that the page measurements compare: ours, and bare pages of the same rows; same uvicorn, one process.

python -m bench.page_server ours|bare PORT, with the installation in the environment
"""

from __future__ import annotations

import sys
import time
from typing import Any

import uvicorn
from jinja2 import Environment
from sqlalchemy import Engine, create_engine, select
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from bench.book import phone
from core.app import Suite, build_suite
from core.config import load_settings
from core.db.base import Base
from core.web.application import build_application
from plugins.crm_customers.importing.person import CONTACT_PLACE

CPU = "/cpu"
"""Answers the CPU seconds that the process has used, without counting itself among the pages."""
PAGE = Environment(autoescape=True).from_string(
    "<!doctype html><table>{% for row in rows %}<tr>{% for cell in row %}<td>{{ cell }}</td>{% endfor %}</tr>{% endfor %}</table>"
)
LISTED = "number, name, class_code, manager_id, township, next_expiry, policies_in_force, premium_12m, receivable"


def main() -> None:
    """Serve until stopped."""
    kind, port = sys.argv[1], int(sys.argv[2])
    suite = build_suite(load_settings())
    application = build_application(suite) if kind == "ours" else bare_pages(suite)
    uvicorn.run(with_cpu(application), port=port, log_level="error", access_log=False, timeout_keep_alive=600)


def with_cpu(application: Any) -> Any:
    """Return the application with one more address, see `CPU`."""

    async def served(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and scope["path"] == CPU:
            await HTMLResponse(str(time.process_time()))(scope, receive, send)
        else:
            await application(scope, receive, send)

    return served


def bare_pages(suite: Suite) -> Starlette:
    """Return pages of the same rows without sign-in, branches, permissions or a frame."""
    tables = Base.metadata.tables
    customer, branch = tables["crm_customers_customer"], tables["crm_customers_customer_branch"]
    contact, policy = tables["crm_customers_contact_point"], tables["crm_customers_policy"]
    engine = bare_engine(suite)
    columns = [customer.c[name.strip()] for name in LISTED.split(",")]
    listed = (
        select(*columns)
        .join(branch, branch.c.customer_id == customer.c.id)
        .where(branch.c.branch_id == 2)
        .order_by(branch.c.customer_id.desc())
        .limit(50)
    )
    looked_up = (
        select(*columns)
        .join(contact, contact.c.customer_id == customer.c.id)
        .where(contact.c.value_index == suite.vault.index(phone(7), CONTACT_PLACE))
    )

    def show(*statements: Any) -> HTMLResponse:
        with engine.connect() as connection:
            rows = [row for statement in statements for row in connection.execute(statement)]
        return HTMLResponse(PAGE.render(rows=rows))

    def file_page(request: Request) -> HTMLResponse:
        row_id = int(request.query_params["id"])
        return show(
            select(customer).where(customer.c.id == row_id),
            select(policy).where(policy.c.holder_id == row_id),
            select(contact).where(contact.c.customer_id == row_id),
        )

    routes = [
        Route("/list", lambda request: show(listed)),
        Route("/phone", lambda request: show(looked_up)),
        Route("/file", file_page),
    ]
    return Starlette(routes=routes)


def bare_engine(suite: Suite) -> Engine:
    """Return an engine as one makes it without further thought; SQLite needs the library of the suite."""
    if suite.database.is_sqlite:
        return suite.database.reader
    return create_engine(suite.database.url)


if __name__ == "__main__":
    main()
