"""Small builders of what the page templates show: cells, tables, form fields."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from starlette.requests import Request

from core.errors import BanyanError, InvalidInputError
from core.i18n import localised, translate
from core.security.actors import SYSTEM
from core.web.error_pages import field_messages

Cell = dict[str, Any]


def words(request: Request) -> Any:
    """Return the function that translates a text into the reader's language."""
    return translate(request.state.locale).gettext


def cell(value: Any, kind: str = "text", **more: Any) -> Cell:
    """Return one value for ui/cells.html."""
    return {"kind": kind, "value": value, **more}


def actor_label(request: Request, name: str) -> str:
    """Return who did something: a person's name, or what the system itself is called."""
    return words(request)("System") if name == SYSTEM else name


def state_cell(request: Request, *, active: bool) -> Cell:
    """Return a cell that says whether something is switched on."""
    _ = words(request)
    return cell(_("active"), "status", tone="ok") if active else cell(_("switched off"), "status", tone="idle")


def columns(*labels: str | tuple[str, str]) -> list[dict[str, Any]]:
    """Return table columns from labels, or (label, kind) pairs; ``prose`` is text that takes the width of a phone."""
    pairs = [(label, "text") if isinstance(label, str) else label for label in labels]
    return [
        {
            "name": f"column{place}",
            "label": label,
            "kind": "text" if kind == "prose" else kind,
            "phone": "title" if place == 0 else "wide" if kind == "prose" else "figure",
        }
        for place, (label, kind) in enumerate(pairs)
    ]


def table(
    title: str,
    heads: Sequence[str | tuple[str, str]],
    rows: Iterable[tuple[int, str | None, Sequence[Cell]]],
    empty: str,
) -> dict[str, Any]:
    """Return a table panel; rows are (id, address or nothing, cells)."""
    shown = [{"id": number, "url": url, "cells": list(cells)} for number, url, cells in rows]
    return {"title": title, "note": str(len(shown)), "columns": columns(*heads), "rows": shown, "empty": empty}


def page(title: str, panels: Sequence[Mapping[str, Any]], **more: Any) -> dict[str, Any]:
    """Return the view of tables.html."""
    return {"title": title, "crumbs": [], "actions": [], "notice": None, "panels": list(panels), **more}


def form_page(
    title: str, url: str, submit: str, fields: Sequence[Mapping[str, Any]], cancel_url: str, **more: Any
) -> dict[str, Any]:
    """Return the view of form.html with one group of fields."""
    return {
        "title": title,
        "crumbs": [],
        "action_url": url,
        "cancel_url": cancel_url,
        "submit": submit,
        "version": None,
        "errors": [],
        "groups": [{"title": None, "fields": list(fields)}],
        "conflict": None,
        **more,
    }


def field(name: str, label: str, value: Any = "", kind: str = "text", **more: Any) -> dict[str, Any]:
    """Return one field for ui/forms.html."""
    return {"name": name, "label": label, "kind": kind, "value": value, **more}


def with_errors(view: dict[str, Any], error: BanyanError, locale: str) -> dict[str, Any]:
    """Return a form view that shows an error: at its fields, or above the form."""
    problems = field_messages(error, locale) if isinstance(error, InvalidInputError) else {}
    shown = set()
    for group in view["groups"]:
        for each in group["fields"]:
            if each["name"] in problems:
                each["error"] = problems[each["name"]]
                shown.add(each["name"])
    loose = [text for name, text in problems.items() if name not in shown]
    view["errors"] = loose if problems else [" ".join(filter(None, localised(error, locale)))]
    return view
