"""What the screen of an import's columns shows: what was detected, and which column feeds what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from core.builtin.import_views import profile_options, size
from core.i18n import localised
from core.imports.mapping import REST, choice_of, keeps_rest
from core.web import requests
from core.web.pages import words

if TYPE_CHECKING:
    from starlette.requests import Request

    from core.errors import BanyanError
    from core.imports.batches import Importer
    from core.imports.detect import Inspection
    from core.imports.models import ImportBatch
    from core.imports.profiles import Profile

ENCODINGS = ("utf-8", "gb18030", "utf-16", "big5")


def columns(
    request: Request, importer: Importer, batch: ImportBatch, found: Inspection, problem: BanyanError | None
) -> dict[str, Any]:
    """Return the view of imports/inspect.html."""
    _, locale = words(request), request.state.locale
    profile = importer.library.thaw(batch.profile) if batch.profile else None
    known = found.profile is not None and profile is not None
    rows = [_column(request, profile, found, at, header) for at, header in enumerate(found.headers)]
    matched = sum(1 for row in rows if row["target"])
    note = " ".join(localised(problem, locale)) if problem else next(iter(found.problems.values()), None)
    return {
        "file_name": batch.file_name,
        "size": size(batch.size),
        "sha256": batch.sha256,
        "action_url": f"/imports/{batch.id}/columns",
        "dry_run_url": f"/imports/{batch.id}",
        "back_url": "/imports/new",
        "profiles": profile_options(importer, requests.actor_of(request), locale),
        "profile": batch.profile_id or None,
        "profile_note": None if known and not problem else note,
        "encodings": _encodings(found),
        "encoding": found.encoding or "",
        "encoding_note": None,
        "sheets": [(name, name) for name in found.sheets if name],
        "sheet": found.sheet or None,
        "header_row": found.header_line,
        "skipped_note": None,
        "unit_note": None,
        "columns": rows,
        "targets": _targets(importer, profile, locale, _("Keep as a further attribute"), _("Keys and branch"))
        if profile
        else [],
        "matched": matched,
        "unresolved": 0 if known else max(1, len(rows) - matched),
        "remember": True,
        "preview": [found.headers, *found.preview],
    }


def _column(request: Request, profile: Profile | None, found: Inspection, at: int, header: str) -> dict[str, Any]:
    rest = REST if profile is not None and keeps_rest(profile) else ""
    target = (choice_of(profile, header) or rest) if profile is not None and header else ""
    sample = next((row[at] for row in found.preview if at < len(row) and row[at]), "")
    return {"position": at, "header": header, "target": target, "sample": sample[:60], "warning": None}


def _encodings(found: Inspection) -> list[tuple[str, str]]:
    if found.encoding is None:
        return [("", found.kind.upper())]
    return [(name, name.upper()) for name in dict.fromkeys((found.encoding, *ENCODINGS))]


def _targets(
    importer: Importer, profile: Profile, locale: str, rest: str, keys: str
) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return what columns can feed, by record: each group of accepted headers once, named like the field it feeds."""
    groups: list[tuple[str, list[tuple[str, str]]]] = [("", [(REST, rest)])] if keeps_rest(profile) else []
    seen: set[str] = set()
    for record in profile.records:
        model = importer.suite.registry.get(record.model.id)
        labels = {field.name: field.label.of(locale) for field in (*model.fields.values(), *model.declaration.virtual)}
        found = []
        for name, expression in record.fields.items():
            for aliases in expression.sources:
                if aliases and aliases[0] not in seen:
                    seen.add(aliases[0])
                    label = labels.get(name, name)
                    found.append((aliases[0], label if label == aliases[0] else f"{label} ({aliases[0]})"))
        if found:
            kind = model.declaration.label.of(locale)
            alone = [each.model.id for each in profile.records].count(record.model.id) == 1
            groups.append((kind if alone else f"{kind} ({record.name})", found))
    others = [(names[0], names[0]) for names in profile.headers() if names and names[0] not in seen]
    return [*groups, *([(keys, list(dict.fromkeys(others)))] if others else [])]
