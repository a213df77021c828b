"""The generated list screen of a model: rows, filter bar, chips, tabs, columns, pages, count."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, cast
from urllib.parse import urlencode

from markupsafe import Markup, escape
from starlette.requests import Request
from starlette.responses import Response

from core.bulk.running import actions_of
from core.errors import InvalidValueError
from core.i18n import localised, translate
from core.registry.definitions import definition_of, views_of
from core.registry.filters import Condition
from core.registry.formats import screen_format
from core.registry.input import is_creatable
from core.registry.models import RegisteredModel
from core.registry.query import ListColumn, ListDefinition, ListQuery, Page, count, fetch_page
from core.registry.views import NO_PREFERENCE, Preference, preference, saved_views
from core.registry.views import View as Saved
from core.web import requests
from core.web.list_state import PAGE_ROWS, ListState
from core.web.list_tabs import ALL, counted, tab_strip
from core.web.parts import ColumnLoader
from core.web.table_rows import Shown, table_rows
from core.web.templating import Templates, render

if TYPE_CHECKING:
    from core.app import Suite
    from core.plugin.contributions import ListView

View = Callable[[Request], Response]
RIGHT = frozenset({"integer", "decimal", "money", "ratio", "count", "days"})
"""Kinds whose values stand at the right."""
RICH = frozenset({"class", "tag", "status", "days"})
"""Kinds of contributed columns, and looks of fields, that a macro draws; all others are plain text."""
MORE_FILTERS = 12
PHONE_FIGURES = 3
IMPORT = "core.import.run"


@dataclass(frozen=True)
class Listing:
    """One request for a list: whose, of what, in which state, and what the person chose where the state is silent."""

    request: Request
    definition: ListDefinition
    state: ListState
    conditions: tuple[Condition, ...] = ()
    error: str = ""
    preference: Preference = NO_PREFERENCE

    @property
    def model(self) -> RegisteredModel:
        """The model that is listed."""
        return self.definition.model

    @property
    def locale(self) -> str:
        """Language of the answer."""
        return cast("str", self.request.state.locale)

    def say(self, text: str, **facts: Any) -> str:
        """Translate a text."""
        return translate(self.locale).gettext(text) % facts if facts else translate(self.locale).gettext(text)

    def piece(self, template: str, macro: str, argument: Hashable) -> Markup:
        """Return what a macro makes of an argument, kept from page to page."""
        templates: Templates = self.request.app.state.templates
        return templates.piece(self.locale, template, macro, argument)


def read_listing(request: Request, model: RegisteredModel) -> Listing:
    """Read what a list request asks for; a filter that cannot be read becomes the listing's error."""
    suite: Suite = request.app.state.suite
    actor = requests.actor_of(request)
    definition = definition_of(suite, model, actor)
    state = ListState.read(request.query_params)
    try:
        return Listing(request, definition, state, definition.filters.parse(state.q))
    except InvalidValueError as error:
        return Listing(request, definition, state, error=" ".join(localised(error, request.state.locale)))


def list_page(model: RegisteredModel) -> View:
    """Return the view of a model's list."""

    def view(request: Request) -> Response:
        listing = read_listing(request, model)
        session = requests.session_of(request)
        listing = replace(listing, preference=preference(session, model.id))
        columns = _columns(listing)
        page, load = Page([], {}), ColumnLoader(request)
        if not listing.error:
            try:
                page = fetch_page(session, listing.definition, _query(listing, columns), load=load)
            except InvalidValueError as error:
                listing = replace(listing, error=" ".join(localised(error, listing.locale)))
        body = _body(listing, load.marked(columns), page)
        context = {"title": model.declaration.plural.of(listing.locale), "body": body}
        return render(request, "list.html", context, status=422 if listing.error else 200)

    return view


def _columns(listing: Listing) -> list[ListColumn]:
    """Return the columns to show; chosen ones of a plugin that is off now are left out."""
    known = listing.definition.columns
    chosen = [name for name in listing.state.columns or listing.preference.columns if name in known]
    chosen = chosen or list(listing.definition.default_columns)
    return [known[name] for name in chosen]


def _query(listing: Listing, columns: list[ListColumn]) -> ListQuery:
    state = listing.state
    names = tuple(column.name for column in columns)
    return ListQuery(names, listing.conditions, state.sort, state.after, state.before, PAGE_ROWS)


def _body(listing: Listing, columns: list[ListColumn], page: Page) -> Markup:
    """Return the main column; everything but rows and places in the list is kept from request to request."""
    pager = _pager(listing, page)
    views = _views(listing)
    filled, back, onward = bool(page.ids), bool(pager["previous_url"]), bool(pager["next_url"])
    actor, state = requests.actor_of(listing.request), replace(listing.state, after=None, before=None, first=1)
    verbs = (f"{listing.model.id}.{verb}" for verb in ("export", "edit", "import"))
    suite: Suite = listing.request.app.state.suite
    bulk = tuple(action.id for action in actions_of(suite, listing.model, actor))
    rights = (*(actor.may(name) for name in (*verbs, IMPORT)), bulk)
    shown = tuple((column.name, column.label) for column in columns)
    what = (listing.definition, state, listing.conditions, listing.error, listing.preference)

    def context() -> dict[str, Any]:
        return {"filled": filled, "back": back, "onward": onward, "view": _context(listing, columns, views)}

    templates: Templates = listing.request.app.state.templates
    key = (*what, shown, views, rights, filled, back, onward)
    skeleton = templates.skeleton(listing.locale, "list_body.html", key, context)
    signed = listing.request.state.signed_in
    values = {"csrf_token": signed.csrf_token if signed else "", **pager}
    return skeleton.fill(
        {"rows": _rows(listing, columns, page), **{name: escape(value) for name, value in values.items()}}
    )


Views = tuple[tuple["ListView", ...], tuple[Saved, ...]]
"""The tabs of plugins and of people."""


def _views(listing: Listing) -> Views:
    suite: Suite = listing.request.app.state.suite
    declared = views_of(suite, listing.definition, requests.actor_of(listing.request))
    return declared, tuple(saved_views(requests.session_of(listing.request), listing.model.id))


def _context(listing: Listing, columns: list[ListColumn], views: Views) -> dict[str, Any]:
    state, base = listing.state, listing.model.url
    return {
        "title": listing.model.declaration.plural.of(listing.locale),
        "subtitle": None,
        "base_url": base,
        "actions": _actions(listing),
        **tab_strip(listing, *views),
        "query": state.q,
        "query_error": listing.error or None,
        "placeholder": _placeholder(listing),
        "hidden": [pair for pair in state.pairs() if pair[0] != "q"],
        **_filters(listing),
        "density": state.density or listing.preference.density,
        "density_urls": {name: state.url(base, density=name) for name in ("compact", "comfortable")},
        "choices": _choices(listing, columns),
        "columns_url": f"{base}/columns?{urlencode(state.pairs())}",
        "shown": len(columns),
        "total": len(listing.definition.columns),
        "columns": [_head(listing, column) for column in columns],
        "bulk": _bulk(listing),
        "bulk_url": f"{base}/bulk?{urlencode(state.pairs())}",
        "count_url": f"{base}/count?{urlencode(state.pairs())}",
        **_empty(listing),
    }


def _rows(listing: Listing, columns: list[ListColumn], page: Page) -> Markup:
    label = listing.say("Select row %(num)s") if _bulk(listing) else ""
    address = listing.model.record_url
    phone = _phone(columns)
    shown = [
        _shown(listing, column, page.values.get(column.name, []), phone.get(column.name, "")) for column in columns
    ]
    return table_rows(page.ids, [address(row_id) for row_id in page.ids], shown, label)


def _phone(columns: list[ListColumn]) -> dict[str, str]:
    """Return what a phone shows beside the name: the class, and three figures, days and numbers first."""
    badge = next((column.name for column in columns[1:] if _look(column) == "class"), "")
    others = [column for column in columns[1:] if column.name != badge]
    others.sort(key=lambda column: column.kind not in RIGHT | {"date"} or column.target is not None)
    return {**{column.name: "figure" for column in others[:PHONE_FIGURES]}, badge: "badge"}


def _look(column: ListColumn) -> str:
    return column.field.show if column.field and column.field.show else column.kind


def _shown(listing: Listing, column: ListColumn, values: list[Any], phone: str) -> Shown:
    label, css, look = column.label.of(listing.locale), _css(column), _look(column)
    if look in RICH:
        draw = partial(listing.piece, "ui/cells.html", "plain_cell")
        return Shown(label, css, values, phone, lambda value: draw((look, value)))
    kind = "text" if column.target or (column.field and column.field.mask) else column.kind
    return Shown(label, css, list(map(screen_format(kind, column.field, listing.locale), values)), phone)


def _css(column: ListColumn) -> str:
    return "number" if column.kind in RIGHT and not column.target else ""


def _head(listing: Listing, column: ListColumn) -> dict[str, Any]:
    state, sort = listing.state, listing.state.sort or listing.model.declaration.sort
    head: dict[str, Any] = {
        "name": column.name,
        "label": column.label.of(listing.locale),
        "css": _css(column),
    }
    if column.sortable:
        head["sort_url"] = state.url(listing.model.url, sort=state.toggled(column.name))
    if sort and sort[0].removeprefix("-") == column.name:
        head["sorted"] = "desc" if sort[0].startswith("-") else "asc"
    return head


def _actions(listing: Listing) -> list[dict[str, Any]]:
    actor, model = requests.actor_of(listing.request), listing.model
    state = urlencode(listing.state.pairs())
    found: list[dict[str, Any]] = []
    if actor.may(f"{model.id}.import") and actor.may(IMPORT) and any(each.imported for each in model.fields.values()):
        found.append({"label": listing.say("Import"), "url": "/imports/new", "icon": "file-import"})
    if actor.may(f"{model.id}.export"):
        found.append(
            {"label": listing.say("Export"), "url": f"{model.url}/export?format=xlsx&{state}", "icon": "file-export"}
        )
    if actor.may(f"{model.id}.edit") and is_creatable(model):
        label = listing.say("New")
        found.append({"label": label, "url": f"{model.url}/new", "icon": "plus", "key": "c", "primary": True})
    return found


def _bulk(listing: Listing) -> list[dict[str, Any]]:
    suite: Suite = listing.request.app.state.suite
    actor = requests.actor_of(listing.request)
    found = [
        {"label": action.label.of(listing.locale), "icon": action.icon, "name": action.id}
        for action in actions_of(suite, listing.model, actor)
    ]
    if actor.may(f"{listing.model.id}.export"):
        found.append({"label": listing.say("Export"), "icon": "file-export", "name": "export"})
    return found


def _placeholder(listing: Listing) -> str:
    labels = [term.label.of(listing.locale) for term in list(listing.definition.filters.terms.values())[:2]]
    return " ".join(f"{label}:…" for label in labels)


def _filters(listing: Listing) -> dict[str, Any]:
    state, base, filters = listing.state, listing.model.url, listing.definition.filters
    chips = []
    for condition in listing.conditions:
        rest = filters.to_text(each for each in listing.conditions if each is not condition)
        chips.append({**_chip(listing, condition), "remove_url": state.url(base, q=rest)})
    named = {condition.field for condition in listing.conditions}
    more = [
        {"label": term.label.of(listing.locale), "url": state.url(base, q=f"{state.q} -{term.name}:empty".strip())}
        for term in filters.terms.values()
        if term.name not in named and term.field is not None
    ]
    return {"chips": chips, "clear_url": state.url(base, q=""), "more": more[:MORE_FILTERS]}


def _chip(listing: Listing, condition: Condition) -> dict[str, str]:
    sign = listing.say("not") + " " if condition.negated else ""
    if condition.operator == "text":
        return {"label": sign + listing.say("Text"), "value": str(condition.values[0])}
    term = listing.definition.filters.terms[condition.field]
    text = listing.definition.filters.value_text(condition)
    if condition.operator == "empty":
        text = listing.say("empty")
    elif term.kind == "boolean":
        text = ", ".join(listing.say("yes") if value else listing.say("no") for value in condition.values)
    elif term.field is not None and term.field.options:
        options = [term.field.option(value) for value in condition.values]
        text = ", ".join(option.label.of(listing.locale) for option in options if option)
    return {"label": sign + term.label.of(listing.locale), "value": text}


class Choice(NamedTuple):
    """One line of the column chooser."""

    name: str
    label: str
    shown: bool
    fixed: bool
    plugin: str | None


def _choices(listing: Listing, columns: list[ListColumn]) -> Markup:
    shown = {column.name for column in columns}
    others = [column for column in listing.definition.columns.values() if column.name not in shown]
    choices = tuple(
        Choice(
            column.name,
            column.label.of(listing.locale),
            column.name in shown,
            column is columns[0],
            column.name.rpartition("_")[0] if column.contributed else None,
        )
        for column in [*columns, *others]
    )
    return listing.piece("ui/table.html", "choice_items", choices)


def _pager(listing: Listing, page: Page) -> dict[str, Any]:
    state, base, shown = listing.state, listing.model.url, len(page.ids)
    first = state.first if page.more_before else 1
    back = state.url(base, before=page.ids[0], first=max(1, first - PAGE_ROWS)) if page.more_before and shown else None
    onward = state.url(base, after=page.ids[-1], first=first + shown) if page.more_after and shown else None
    return {"previous_url": back, "next_url": onward, "first": f"{first:,}", "last": f"{first + max(shown, 1) - 1:,}"}


def _empty(listing: Listing) -> dict[str, Any]:
    if listing.error:
        return {
            "empty_title": listing.say("The filter cannot be read"),
            "empty_text": listing.error,
            "empty_actions": [{"label": listing.say("Clear"), "url": listing.state.url(listing.model.url, q="")}],
        }
    if listing.conditions:
        text = listing.say("No record meets all conditions. Drop one of them.")
        chips = _filters(listing)["chips"]
        drop = [{"label": f"{chip['label']} {chip['value']} ×", "url": chip["remove_url"]} for chip in chips]
        return {"empty_title": listing.say("Nothing found"), "empty_text": text, "empty_actions": drop[:4]}
    text = listing.say("Import a file or make the first record.")
    actions = [action for action in _actions(listing) if action.get("primary")]
    return {"empty_title": listing.say("Nothing here yet"), "empty_text": text, "empty_actions": actions}


def list_count(model: RegisteredModel) -> View:
    """Return the view that counts a list's rows after the list is shown."""

    def view(request: Request) -> Response:
        listing = read_listing(request, model)
        number, capped = (0, False)
        if not listing.error:
            number, capped = count(requests.session_of(request), listing.definition, listing.conditions)
        context = {"matching": number, "capped": capped, "bulk": bool(_bulk(listing))}
        return render(request, "_list_count.html", context)

    return view


def list_tabs(model: RegisteredModel) -> View:
    """Return the view that counts the tabs of all rows and of plugins after the list is shown."""

    def view(request: Request) -> Response:
        listing = read_listing(request, model)
        declared, saved = _views(listing)
        strip = tab_strip(listing, declared, saved)
        conditions = {ALL: (), **{each.id: listing.definition.filters.parse(each.query) for each in declared}}
        session = requests.session_of(request)
        numbers = {name: count(session, listing.definition, asked) for name, asked in conditions.items()}
        shown = {name: f"{number:,}{'+' if more else ''}" for name, (number, more) in numbers.items()}
        return render(request, "_list_tabs.html", {"view": {**strip, "tabs": counted(strip["tabs"], shown)}})

    return view
