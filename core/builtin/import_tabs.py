"""The tabs of a dry run: new, changed and same rows, what a person must decide, rejected rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from core.builtin.import_examples import shown_value
from core.imports.rejects import reason_text
from core.registry.fields import Label
from core.registry.titles import load_titles
from core.web import requests
from core.web.pages import cell, table, words

if TYPE_CHECKING:
    from starlette.requests import Request

    from core.builtin.import_examples import Examples
    from core.imports.batches import Importer


def doubtful(request: Request, doubts: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return how many decisions each plugin would ask for."""
    return [{"label": _label(request, each["label"]), "value": each["number"]} for each in doubts.values()]


def detail(
    request: Request, importer: Importer, batch_id: int, report: Mapping[str, Any], examples: Examples
) -> dict[str, Any]:
    """Return the tabs of a dry run and what the chosen one shows."""
    _, base, counts, doubts = words(request), f"/imports/{batch_id}", report["counts"], report["doubts"]
    numbers = {_("New"): "new", _("Changed"): "changed", _("Same"): "same", _("Rejected"): "rejected"}
    entries = [(label, name, int(counts[name])) for label, name in numbers.items()]
    entries[3:3] = [(_label(request, each["label"]), plugin, each["number"]) for plugin, each in doubts.items()]
    filled = [name for _label, name, number in entries if number]
    first = "rejected" if "rejected" in filled else next(iter(filled), "new")
    asked = request.query_params.get("tab", "")
    tab = asked if any(asked == name for _label, name, _number in entries) else first
    return {
        "tab": tab,
        "tabs": [
            {"label": label, "url": f"{base}?tab={name}", "active": name == tab, "number": number}
            for label, name, number in entries
        ],
        "rejects_url": f"{base}/rejects.csv" if int(counts["rejected"]) else None,
        "reasons": [_reason(group, request.state.locale) for group in report["reasons"]] if tab == "rejected" else [],
        "changes": _changes(request, importer, report["changes"]) if tab == "changed" else [],
        "table": _table(request, tab, doubts, examples),
        "note": _note(request, tab, counts, doubts, len(report["changes"]), examples),
    }


def _table(request: Request, tab: str, doubts: Mapping[str, Any], examples: Examples) -> dict[str, Any] | None:
    _ = words(request)
    if tab in {"new", "same"}:
        title, empty = (
            (_("New rows"), _("No row is new")) if tab == "new" else (_("Same rows"), _("No row is the same"))
        )
        return table(title, *examples.table(tab, _("Line")), empty)
    return doubts_table(request, doubts[tab]) if tab in doubts else None


def doubts_table(request: Request, doubts: Mapping[str, Any], most: int | None = None) -> dict[str, Any]:
    """Return the table of what a plugin would have a person decide, with the number of all of it."""
    _ = words(request)
    heads = [_("Of this file"), _("May be the same as"), _("What speaks for it")]
    rows = [
        (
            at,
            None,
            [cell(each["one"]), cell(each["other"]), cell(" · ".join(_label(request, r) for r in each["reasons"]))],
        )
        for at, each in enumerate(doubts["examples"][:most])
    ]
    shown = table(_label(request, doubts["label"]), heads, rows, _("Nothing to decide"))
    return {**shown, "note": f"{doubts['number']:,}"}


def _note(
    request: Request, tab: str, counts: Mapping[str, Any], doubts: Mapping[str, Any], changes: int, examples: Examples
) -> str | None:
    """Say how many of how many are shown, where it is not all."""
    _ = words(request)
    if tab == "changed":
        facts = {"shown": changes, "rows": f"{int(counts['changed']):,}"}
        return str(_("The first %(shown)s changed values; rows changed: %(rows)s") % facts)
    if tab in doubts:
        shown, number = len(doubts[tab]["examples"]), int(doubts[tab]["number"])
        text = _("They are imported as they are; a person decides afterwards.")
        return text if shown == number else f"{_first_of(request, shown, number)} {text}"
    shown, number = len(examples.rows.get(tab, ())), int(counts.get(tab, 0))
    return _first_of(request, shown, number) if tab in {"new", "same"} and shown < number else None


def _first_of(request: Request, shown: int, number: int) -> str:
    return str(words(request)("The first %(shown)s of %(number)s.") % {"shown": f"{shown:,}", "number": f"{number:,}"})


def _label(request: Request, texts: list[str]) -> str:
    return Label(*texts).of(request.state.locale)


def _reason(group: dict[str, Any], locale: str) -> dict[str, Any]:
    reason, cure = reason_text(group["error"], locale)
    sample = f"{group['line']}: {group['error']['value']}" if group["error"]["value"] else str(group["line"])
    return {"reason": reason, "rows": group["rows"], "sample": sample, "cure": cure, "url": None}


def _changes(request: Request, importer: Importer, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return old and new values with the names of their records, one query per model."""
    registry, session, actor = importer.suite.registry, requests.session_of(request), requests.actor_of(request)
    names: dict[tuple[str, int], tuple[str, str]] = {}
    for model_id in {row["model"] for row in rows}:
        if model_id in registry and actor.may(f"{model_id}.view"):
            model = registry.get(model_id)
            found = load_titles(session, model, [row["id"] for row in rows if row["model"] == model_id])
            names.update({(model_id, row_id): (title, model.record_url(row_id)) for row_id, title in found.items()})
    return [_change(request, importer, row, names.get((row["model"], row["id"]))) for row in rows]


def _change(request: Request, importer: Importer, row: dict[str, Any], name: tuple[str, str] | None) -> dict[str, Any]:
    _, registry, locale = words(request), importer.suite.registry, request.state.locale
    model = registry.get(row["model"]) if row["model"] in registry else None
    field = model.fields.get(row["field"]) if model is not None else None
    kind = model.declaration.label.of(locale) if model is not None else row["model"]
    return {
        "record": name[0] if name else f"{kind} {row['id']}",
        "url": name[1] if name else None,
        "kind": kind,
        "field": field.label.of(locale) if field is not None else row["field"],
        "old": shown_value(field, row["old"], locale),
        "new": shown_value(field, row["new"], locale),
        "rule": _("fills what was empty") if row["old"] in {None, ""} else _("the newer delivery counts"),
    }
