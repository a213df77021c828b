"""Measure signed-in pages against bare pages of the same rows: CPU a request, in process, no network.

python -m bench.pages --customers 1000000 [--url postgresql://…]
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from jinja2 import Environment
from sqlalchemy import event, select, text
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from bench.book import build, phone
from core.app import Suite
from core.config import load_settings
from core.db.base import Base
from core.installation import initialise
from core.security.accounts import add_user
from core.security.actors import system_actor
from core.security.models import Branch
from core.security.permissions import find_role, give_grant
from core.security.sessions import start_session
from core.web.application import build_application
from core.web.routing import cookie_name
from plugins.crm_customers.importing.person import CONTACT_PLACE

SERIES, ROUNDS = 30, 10
SLOW, FEW = 50.0, 3
"""Pages of more milliseconds are timed in a few series only."""
EXACT = "search, exact phone"
FRAGMENT = [(b"hx-request", b"true")]
PAGE = Environment(autoescape=True).from_string(
    "<!doctype html><table>{% for row in rows %}<tr>{% for cell in row %}<td>{{ cell }}</td>{% endfor %}</tr>{% endfor %}</table>"
)
LISTED = "number, name, class_code, manager_id, township, next_expiry, policies_in_force, premium_12m, receivable"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=100_000)
    parser.add_argument(
        "--url", default=os.environ.get("BANYAN_BENCH_POSTGRES", ""), help="an empty PostgreSQL database as well"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for url in filter(None, ("sqlite", options.url)):
            environment = {
                "BANYAN_DATA__FOLDER": f"{folder}/{url[:6]}",
                "BANYAN_DATABASE__URL": "" if url == "sqlite" else url,
            }
            suite, _ = initialise(load_settings(environment=environment))
            build(suite, options.customers)
            with suite.database.writer.begin() as connection:
                connection.execute(text("ANALYZE"))
            measure(suite, options.customers)
            suite.close()


def measure(suite: Suite, customers: int) -> None:
    name, deep = suite.database.writer.dialect.name, customers // 80 * 8 + 1
    token = sign_in(suite)
    signed = [
        (b"host", b"127.0.0.1"),
        (b"cookie", f"{cookie_name(suite)}={token}".encode()),
        (b"accept-language", b"zh-CN"),
    ]
    bare, ours = bare_pages(suite), build_application(suite)
    floors = {path: caller(bare, path, []) for path in ("/list", "/phone", f"/file?id={deep}")}
    lists, phone_page, file_page = floors
    pages = [
        ("list, first page", "/crm_customers/customers", lists),
        ("list, nine tenths down", f"/crm_customers/customers?after={deep}", lists),
        ("count of the list (fragment)", "/crm_customers/customers/count", lists),
        (EXACT, f"/search?q={phone(deep // 8 * 8 + 1)}", phone_page),
        ("search, two characters", "/search?q=伟强", phone_page),
        ("search, initials", "/search?q=zwq", phone_page),
        ("search, plate part", "/search?q=B1234", phone_page),
        ("search, phone tail", "/search?q=4321", phone_page),
        ("customer 360", f"/crm_customers/customers/{deep}", file_page),
        ("home", "/", lists),
    ]
    calls = {path: caller(ours, path, [*signed, *(FRAGMENT if _is_fragment(path) else [])]) for _, path, _ in pages}
    used = costs({**floors, **calls})
    print(
        f"{name}, {customers:,} customers: CPU ms a request, ratios to the bare page and to our exact phone, statements"
    )
    exact = next(used[path] for title, path, _ in pages if title == EXACT)
    for title, path, floor in pages:
        ratio = f"{used[path] / used[floor]:6.1f}x {used[path] / exact:6.1f}x"
        statements = count_statements(suite, calls[path])
        print(f"{title:<32}{used[path]:8.2f}  bare {used[floor]:6.2f} {ratio}  {statements:3d} statements")


def _is_fragment(path: str) -> bool:
    """The palette and the list ask for these while the page stands."""
    return path.startswith("/search") or path.endswith("/count")


def count_statements(suite: Suite, call: Callable[[], Any]) -> int:
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if not statement.startswith("BEGIN"):
            seen.append(statement)

    event.listen(suite.database.reader, "before_cursor_execute", note)
    asyncio.run(call())
    event.remove(suite.database.reader, "before_cursor_execute", note)
    return len(seen)


def sign_in(suite: Suite) -> str:
    with suite.database.write(system_actor("bench")) as session:
        branch = session.scalars(select(Branch).order_by(Branch.id).offset(1)).first()
        user = add_user(session, "clerk", "Clerk", None, branch)
        session.flush()  # the grant needs the user's id
        give_grant(session, user, find_role(session, "clerk"), branch)
        return start_session(session, user, "127.0.0.1", "bench")


def bare_pages(suite: Suite) -> Starlette:
    customer = Base.metadata.tables["crm_customers_customer"]
    branch = Base.metadata.tables["crm_customers_customer_branch"]
    contact = Base.metadata.tables["crm_customers_contact_point"]
    policy = Base.metadata.tables["crm_customers_policy"]
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
        with suite.database.reader.connect() as connection:
            rows = [row for statement in statements for row in connection.execute(statement)]
        return HTMLResponse(PAGE.render(rows=rows))

    def file_page(request: Request) -> HTMLResponse:
        row_id = int(request.query_params["id"])
        return show(
            select(customer).where(customer.c.id == row_id), select(policy).where(policy.c.holder_id == row_id),
            select(contact).where(contact.c.customer_id == row_id),
        )  # fmt: skip

    routes = [
        Route("/list", lambda request: show(listed)),
        Route("/phone", lambda request: show(looked_up)),
        Route("/file", file_page),
    ]
    return Starlette(routes=routes)


def costs(calls: dict[str, Callable[[], Any]]) -> dict[str, float]:
    """CPU milliseconds a request: the least of many short series, in turn, so that a busy machine hits all."""
    return asyncio.run(_costs(calls))


async def _costs(calls: dict[str, Callable[[], Any]]) -> dict[str, float]:
    best = dict.fromkeys(calls, float("inf"))
    for at in range(SERIES):
        for path, call in calls.items():
            if at >= FEW and best[path] > SLOW:
                continue
            await call()
            begun = time.process_time()
            for _ in range(ROUNDS):
                await call()
            best[path] = min(best[path], (time.process_time() - begun) / ROUNDS * 1000)
    return best


def caller(application: Any, path: str, headers: list[tuple[bytes, bytes]]) -> Callable[[], Any]:
    route, _, query = path.partition("?")
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http", "path": route,
        "raw_path": quote(route).encode(), "query_string": quote(query, safe="=&%").encode(), "root_path": "", "headers": headers,
        "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80),
    }  # fmt: skip

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def call() -> None:
        status = 0

        async def send(message: dict[str, Any]) -> None:
            nonlocal status
            status = message.get("status", status)

        await application(dict(scope), receive, send)
        if status != 200:
            raise SystemExit(f"{path} answered {status}")

    return call


if __name__ == "__main__":
    main()
