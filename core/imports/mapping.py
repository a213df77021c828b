"""Change which column feeds what: edits a profile document, as a person does on the screen of columns."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from core.imports.headers import fold_header
from core.imports.profiles import SCHEMA, Profile

REST = "*"
"""Choice of a column that is kept as a further attribute."""
Edit = Callable[[list[str]], list[str]]


def header_mark(headers: Iterable[str]) -> str:
    """Return a short mark of a set of headers, by which a mapping is remembered."""
    text = "\n".join(sorted(filter(None, map(fold_header, headers))))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def full_document(profile: Profile, document: Mapping[str, Any]) -> dict[str, Any]:
    """Return a document that can be edited; the short form of a plain table is written out."""
    if "record" in document:
        return copy.deepcopy(dict(document))
    record = profile.records[0]
    fields = {name: list(expression.sources[0]) for name, expression in record.fields.items()}
    spelled: dict[str, Any] = {"name": record.name, "model": record.model.id, "fields": fields}
    if record.attributes:
        spelled["attributes"] = record.attributes
    return {
        "schema": SCHEMA, "id": profile.id, "title": dict(profile.title), "source": profile.source, "main": record.name,
        "record": [spelled],
    }  # fmt: skip


def choice_of(profile: Profile, header: str) -> str | None:
    """Return what a header feeds: the first accepted header of the group it belongs to, or none."""
    folded = fold_header(header)
    groups = [group for group in profile.headers() if folded in map(fold_header, group)]
    own = next((group[0] for group in groups if fold_header(group[0]) == folded), None)
    return own or (groups[0][0] if groups else None)


def keeps_rest(profile: Profile) -> bool:
    """Whether columns that nothing uses are kept as further attributes."""
    return any(record.attributes == "rest" for record in profile.records)


def remap(document: Mapping[str, Any], before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, Any]:
    """Return the document with other columns.

    Args:
        document: A full document.
        before: Header -> choice so far; empty for none.
        after: Header -> choice wanted: the first accepted header of a group, ``REST``, or empty.
    """
    changed = copy.deepcopy(dict(document))
    for header, choice in after.items():
        if choice == before.get(header, ""):
            continue
        _walk(changed, _without(header))
        if choice not in ("", REST):
            _walk(changed, _first(header, choice))
    _drop_empty(changed)
    _keep_only(changed, before, after)
    return changed


def _without(header: str) -> Edit:
    folded = fold_header(header)
    return lambda names: [name for name in names if fold_header(name) != folded]


def _first(header: str, choice: str) -> Edit:
    folded = fold_header(choice)
    return lambda names: [header, *names] if names and fold_header(names[0]) == folded else names


def _keep_only(document: dict[str, Any], before: Mapping[str, str], after: Mapping[str, str]) -> None:
    """Name the further attributes one by one once a column was taken out of them."""
    dropped = [header for header, choice in after.items() if choice == "" and before.get(header) == REST]
    for record in document["record"] if dropped else ():
        if record.get("attributes") == "rest":
            record["attributes"] = [header for header, choice in after.items() if choice == REST]


def _walk(document: dict[str, Any], edit: Edit) -> None:
    """Edit every list of accepted headers, in place."""
    if "branch" in document:
        document["branch"] = _edited(document["branch"], edit)
    for record in document["record"]:
        if "when" in record:
            record["when"] = _edited(record["when"], edit)
        fields = record.get("fields")
        if isinstance(fields, dict):
            record["fields"] = {name: _edited(value, edit) for name, value in fields.items()}
        if isinstance(record.get("key"), list):
            record["key"] = [_edited(part, edit) for part in record["key"]]
        for link in record.get("link", {}).values():
            if isinstance(link, dict):
                link["key"] = [_edited(part, edit) for part in link["key"]]


def _edited(value: Any, edit: Edit) -> Any:
    if isinstance(value, str):
        names = edit([value])
        return names[0] if len(names) == 1 else names
    if isinstance(value, list):
        return edit(value)
    if isinstance(value, dict) and "column" in value:
        column: str | Sequence[str] = value["column"]
        return {**value, "column": edit([column] if isinstance(column, str) else list(column))}
    return value


def _drop_empty(document: dict[str, Any]) -> None:
    """Leave out fields without any header; an emptied key is refused when the document is read."""
    for record in document["record"]:
        fields = record.get("fields")
        if isinstance(fields, dict):
            record["fields"] = {name: value for name, value in fields.items() if not _is_empty(value)}


def _is_empty(value: Any) -> bool:
    return value == [] or (isinstance(value, dict) and value.get("column") == [])
