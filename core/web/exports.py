"""Exports of lists over the web: the list's own query as a file, audited before the first byte leaves."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import FileResponse, Response, StreamingResponse

from core.db.session import ScopedSession
from core.errors import InvalidValueError
from core.registry.export import FORMATS, XLSX_ROWS, Layout, csv_pieces, json_pieces, write_xlsx
from core.registry.filter_values import today_here
from core.registry.filters import Condition
from core.registry.models import RegisteredModel
from core.registry.query import ListDefinition, ListQuery, count, stream
from core.registry.views import preference
from core.security.actors import Actor
from core.security.audit import record as audit
from core.web import requests
from core.web.lists import View, read_listing

if TYPE_CHECKING:
    from core.app import Suite

MOST_IDS = 10_000


def export_list(model: RegisteredModel) -> View:
    """Return the view that exports what a list shows."""

    def view(request: Request) -> Response:
        return _export(request, model, request.query_params.get("format", "csv"))

    return view


def bulk_export(model: RegisteredModel) -> View:
    """Return the view of the bulk bar: exports the ticked rows, or all that match."""

    def view(request: Request) -> Response:
        if requests.text(request, "all_matching"):
            return _export(request, model, "xlsx")
        return _export(request, model, "xlsx", ticked(request))

    return view


def ticked(request: Request) -> tuple[int, ...]:
    """Return the ids of the rows that were ticked in a list.

    Raises:
        InvalidValueError: There are none.
    """
    texts = [str(value) for value in requests.form(request).getlist("ids")][:MOST_IDS]
    ids = tuple(int(text) for text in texts if text.isascii() and text.isdigit() and len(text) < 19)
    if not ids:
        raise InvalidValueError("nothing_selected", "Nothing is selected.", "Tick the rows first.")
    return ids


def _export(request: Request, model: RegisteredModel, kind: str, ids: tuple[int, ...] = ()) -> Response:
    if kind not in FORMATS:
        raise InvalidValueError(
            "unknown_format", "There is no format {value}.", "Choose {known}.", value=kind, known=", ".join(FORMATS)
        )
    actor = requests.actor_of(request)
    actor.require(f"{model.id}.export")
    listing = read_listing(request, model)
    conditions = listing.definition.filters.parse(listing.state.q)
    wanted = listing.state.columns or preference(requests.session_of(request), model.id).columns
    columns = tuple(name for name in wanted if name in listing.definition.columns)
    query = ListQuery(columns or listing.definition.default_columns, conditions, listing.state.sort, ids=ids)
    query = replace(query, unmasked=may_unmask(actor, listing.definition))
    listing.definition.keys(query.sort)
    suite: Suite = request.app.state.suite
    layout = Layout.of(listing.definition, query, request.state.locale)
    with ExitStack() as stack:
        session = stack.enter_context(suite.database.read(actor))
        number = _announce(request, session, listing.definition, query, kind)
        if kind == "xlsx":
            return _sheet(session, listing.definition, query, layout, number)
        pages = stream(session, listing.definition, query)
        # The file leaves after the view has returned; the session stays open until its last row.
        closing = stack.pop_all()
    pieces = csv_pieces(pages, layout) if kind == "csv" else json_pieces(pages, layout, lines=kind == "jsonl")
    return StreamingResponse(_closing(pieces, closing), headers=_headers(model, kind))


def may_unmask(actor: Actor, definition: ListDefinition) -> bool:
    """Whether an export of the model may carry masked fields in full."""
    return actor.may(f"{definition.model.id}.unmask")


def _announce(request: Request, session: ScopedSession, definition: ListDefinition, query: ListQuery, kind: str) -> int:
    """Write the audit line, in its own transaction, before anything is sent; return the number of rows."""
    number, _more = count(session, definition, query.conditions, ids=query.ids, cap=None)
    suite: Suite = request.app.state.suite
    facts = export_facts(definition, query, kind, number)
    if request.method not in requests.SAFE_METHODS:
        audit(requests.session_of(request), f"{definition.model.noun}.exported", definition.model.id, None, facts)
        return number
    with suite.database.write(requests.actor_of(request)) as writing:
        writing.info["request_id"] = request.state.request_id
        audit(writing, f"{definition.model.noun}.exported", definition.model.id, None, facts)
    return number


def export_facts(definition: ListDefinition, query: ListQuery, kind: str, number: int) -> dict[str, object]:
    """Return what the audit trail keeps of an export; values of personal fields in the filter stay out."""
    kept = [each for each in query.conditions if not _is_personal(definition, each)]
    return {
        "query": definition.filters.to_text(kept),
        "left_out": len(query.conditions) - len(kept),
        "columns": list(query.columns),
        "format": kind,
        "count": number,
        "unmasked": query.unmasked,
        "selected": len(query.ids),
    }


def _is_personal(definition: ListDefinition, condition: Condition) -> bool:
    term = definition.filters.terms.get(condition.field)
    return term is None or term.field is None or term.field.data_class != "C1"


def _sheet(
    session: ScopedSession, definition: ListDefinition, query: ListQuery, layout: Layout, number: int
) -> Response:
    if number > XLSX_ROWS:
        raise InvalidValueError("too_many_rows", "A sheet holds {most} rows.", "Choose CSV, or filter.", most=XLSX_ROWS)
    with tempfile.NamedTemporaryFile(suffix=".xlsx", delete=False) as made:
        file = Path(made.name)
    try:
        write_xlsx(stream(session, definition, query), layout, file)
    except BaseException:
        file.unlink(missing_ok=True)
        raise
    return _OnceFile(file, headers=_headers(definition.model, "xlsx"))


class _OnceFile(FileResponse):
    """A file that is deleted once it was sent, or could not be."""

    async def __call__(self, scope: object, receive: object, send: object) -> None:
        try:
            await super().__call__(scope, receive, send)  # type: ignore[arg-type]  # ASGI types of Starlette
        finally:
            Path(self.path).unlink(missing_ok=True)


def _headers(model: RegisteredModel, kind: str) -> dict[str, str]:
    """Return headers of a download that no browser renders (OWASP ASVS 5.0 3.2.1)."""
    name = f"{model.declaration.plural.zh}-{today_here()}.{kind}"
    plain = f"{model.noun}-{today_here()}.{kind}"
    return {
        "Content-Type": FORMATS[kind],
        "Content-Disposition": f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name)}",
        "Content-Security-Policy": "default-src 'none'; sandbox",
    }


def _closing(pieces: Iterator[bytes], stack: ExitStack) -> Iterator[bytes]:
    with stack:
        yield from pieces
