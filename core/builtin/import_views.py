"""What the screens of imports show, as their templates want it."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from core.db.base import Base, utc_now
from core.i18n import localised
from core.imports.mapping import REST, choice_of, keeps_rest
from core.imports.models import BATCH_STATES, ImportBatch, ImportChange
from core.imports.rejects import reason_text
from core.imports.staging import StageSummary, summary_from
from core.registry.fields import Label
from core.registry.formats import screen_format
from core.web import requests
from core.web.pages import words

if TYPE_CHECKING:
    from starlette.requests import Request

    from core.app import Suite
    from core.errors import BanyanError
    from core.imports.batches import Importer
    from core.imports.detect import Inspection
    from core.imports.profiles import Profile
    from core.jobs.models import Job

UNDO_DAYS = 30
_UNDOABLE = {"done", "cancelled", "part_undone"}
_TONES = {
    "done": "ok",
    "failed": "danger",
    "cancelled": "warn",
    "part_undone": "warn",
    "running": "busy",
    "waiting": "busy",
}
ENCODINGS = ("utf-8", "gb18030", "utf-16", "big5")


def size(number: int) -> str:
    """Return bytes for people."""
    mega = Decimal(number) / (1 << 20)
    return f"{mega:.1f} MB" if mega < 100 else f"{mega:.0f} MB"


def profile_options(importer: Importer, locale: str) -> list[tuple[str, str]]:
    """Return the profiles by id and title."""
    short = locale.partition("_")[0]
    known = importer.library.profiles.values()
    return [(profile.id, profile.title.get(short) or profile.title.get("en") or profile.id) for profile, _ in known]


def state_label(batch: ImportBatch, locale: str) -> str:
    """Return the word for a batch's state."""
    return next(choice.label.of(locale) for choice in BATCH_STATES if choice.code == batch.state)


def may_undo(request: Request, batch: ImportBatch, permission: str) -> bool:
    """Whether the person may take the batch back."""
    wrote = batch.state in _UNDOABLE or (batch.state == "failed" and batch.read > 0)
    return wrote and requests.actor_of(request).may(permission)


def list_row(request: Request, batch: ImportBatch, undo: str) -> dict[str, Any]:
    """Return a batch for imports/list.html."""
    return {
        "id": batch.id,
        "url": f"/imports/{batch.id}",
        "file_name": batch.file_name,
        "profile": batch.profile_title(request.state.locale),
        "status": state_label(batch, request.state.locale),
        "tone": _TONES.get(batch.state, "idle"),
        "at": batch.created_at,
        "who": batch.actor_name,
        "added": batch.new,
        "changed": batch.changed,
        "rejected": batch.rejected,
        "total": batch.total or batch.read,
        "undo_url": f"/imports/{batch.id}/undo" if may_undo(request, batch, undo) else None,
    }


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
        "profiles": profile_options(importer, locale),
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
        "targets": _targets(importer, profile, locale, _("Keep as a further attribute")) if profile else [],
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


def _targets(importer: Importer, profile: Profile, locale: str, rest: str) -> list[tuple[str, list[tuple[str, str]]]]:
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
            groups.append((f"{model.declaration.label.of(locale)} ({record.name})", found))
    others = [(names[0], names[0]) for names in profile.headers() if names and names[0] not in seen]
    return [*groups, *([("…", list(dict.fromkeys(others)))] if others else [])]


def running(request: Request, batch: ImportBatch, job: Job | None) -> dict[str, Any]:
    """Return the context of imports/running.html and its progress part."""
    _, dry = words(request), batch.state == "draft"
    phases = {"read": _("Reading the file"), "merge": _("Trying the rows") if dry else _("Writing the rows")}
    total = job.total if job is not None and job.total else None
    done = job.progress_done if job is not None else 0
    return {
        "title": _("Dry run") if dry else _("Import"),
        "file_name": batch.file_name,
        "step": 4 if dry else 5,
        "stage": phases.get(job.note if job is not None else "", _("Waiting")),
        "finished": done,
        "total": total,
        "seconds_left": _seconds_left(job, done, total),
        "progress_url": f"/imports/{batch.id}/progress",
        "stop_url": f"/imports/{batch.id}/stop",
        "stopping": bool(job is not None and job.cancel_requested),
        "error": job.error if job is not None and job.state == "parked" else None,
    }


def _seconds_left(job: Job | None, done: int, total: int | None) -> int | None:
    if job is None or job.started_at is None or not total or not done:
        return None
    spent = (utc_now() - job.started_at).total_seconds()
    return int(spent / done * max(total - done, 0)) + 1


def dry_run(request: Request, importer: Importer, batch: ImportBatch, job: Job) -> dict[str, Any]:
    """Return the view of imports/dry_run.html."""
    _, report = words(request), job.result or {}
    counts, summary = report["counts"], summary_from(report["summary"])
    added, changed, same, rejected = (int(counts[name]) for name in ("new", "changed", "same", "rejected"))
    profile = importer.library.thaw(batch.profile)
    base = f"/imports/{batch.id}"
    control, agrees = _control(request, summary)
    rows = _mapped(importer, profile, summary, request.state.locale)
    return {
        "title": f"{_('Import')} {batch.file_name}",
        "facts": _facts(request, batch, summary),
        "edit_url": f"{base}/columns",
        "added": added,
        "changed": changed,
        "same": same,
        "doubtful": None,
        "rejected": rejected,
        "total": added + changed + same + rejected,
        "added_note": _written(importer, report["written"], 0, request.state.locale),
        "changed_note": _written(importer, report["written"], 1, request.state.locale),
        "seconds": _duration(job),
        "control": control,
        "control_ok": agrees,
        **_detail(request, importer, batch, report),
        "columns": rows,
        "matched": sum(1 for row in rows if row["target"]),
        "commit_url": f"{base}/commit",
        "back_url": f"{base}/columns",
        "report_url": "/imports",
        "writes": added + changed,
        "undo_days": UNDO_DAYS,
    }


def _detail(request: Request, importer: Importer, batch: ImportBatch, report: Mapping[str, Any]) -> dict[str, Any]:
    """Return the tabs of a dry run with what they show: values that would change, reasons of refused rows."""
    _, base = words(request), f"/imports/{batch.id}"
    numbers = {name: int(report["counts"][name]) for name in ("changed", "rejected")}
    labels = {"changed": _("Changed"), "rejected": _("Rejected")}
    asked, first = request.query_params.get("tab", ""), "rejected" if numbers["rejected"] else "changed"
    tab = asked if asked in labels else first
    shown = [row for row in report["changes"] if row["field"] != "source_digest"]
    facts = {"shown": len(shown), "rows": f"{numbers['changed']:,}"}
    return {
        "tab": tab,
        "tabs": [
            {"label": label, "url": f"{base}?tab={name}", "active": name == tab, "number": numbers[name]}
            for name, label in labels.items()
        ],
        "reasons": [_reason(group, request.state.locale) for group in report["reasons"]],
        "rejects_url": None,
        "changes": [_change(request, importer, row) for row in shown],
        "changes_note": _("The first %(shown)s changed values; rows changed: %(rows)s") % facts,
    }


def _reason(group: dict[str, Any], locale: str) -> dict[str, Any]:
    reason, cure = reason_text(group["error"], locale)
    sample = f"{group['line']}: {group['error']['value']}" if group["error"]["value"] else str(group["line"])
    return {"reason": reason, "rows": group["rows"], "sample": sample, "cure": cure, "url": None}


def _change(request: Request, importer: Importer, row: dict[str, Any]) -> dict[str, Any]:
    registry, locale = importer.suite.registry, request.state.locale
    model = registry.get(row["model"]) if row["model"] in registry else None
    field = model.fields.get(row["field"]) if model is not None else None
    name = f"{model.declaration.label.of(locale)} {row['id']}" if model is not None else f"{row['model']} {row['id']}"
    return {
        "record": name,
        "field": field.label.of(locale) if field is not None else row["field"],
        "old": _shown(field.kind if field else "", row["old"]),
        "new": _shown(field.kind if field else "", row["new"]),
        "rule": "",
    }


def _shown(kind: str, value: Any) -> str:
    if value is None:
        return ""
    return f"{Decimal(value) / 100:,.2f}" if kind == "money" else str(value)[:80]


def _written(importer: Importer, written: dict[str, list[int]], at: int, locale: str) -> str | None:
    labels = {model.table.name: model.declaration.label.of(locale) for model in importer.suite.registry}
    parts = [f"{labels[table]} {counts[at]:,}" for table, counts in written.items() if counts[at] and table in labels]
    return " · ".join(parts[:4]) or None


def _control(request: Request, summary: StageSummary) -> tuple[str | None, bool]:
    """Return the comparison with the last total row of the file, if it has one."""
    totals = [total for sheet in summary.sheets for total in sheet.totals if total["kind"] == "total"]
    if not totals:
        return None, True
    last = totals[-1]
    sign = "=" if last["agrees"] else "≠"
    found, stated = (f"{Decimal(last[name]) / 100:,.2f}" for name in ("found", "stated"))
    return f"{last['column']}: {found} {sign} {stated} ({words(request)('total line of the file')})", bool(
        last["agrees"]
    )


def _facts(request: Request, batch: ImportBatch, summary: StageSummary) -> list[dict[str, Any]]:
    _ = words(request)
    sheet = next((each for each in summary.sheets if not each.skipped), None)
    dropped = ", ".join(f"{kind} {number}" for kind, number in (sheet.dropped.items() if sheet else ()))
    facts = [
        {"label": _("File"), "value": batch.file_name, "sub": f"{size(batch.size)} · sha256 {batch.sha256[:8]}"},
        {"label": _("Encoding"), "value": (summary.encoding or summary.kind).upper()},
        {"label": _("Profile"), "value": batch.profile_title(request.state.locale)},
    ]
    if sheet is not None:
        facts.append({"label": _("Header row"), "value": str(sheet.header_line), "sub": dropped or None})
    return facts


def _mapped(importer: Importer, profile: Profile, summary: StageSummary, locale: str) -> list[dict[str, Any]]:
    sheet = next((each for each in summary.sheets if not each.skipped), None)
    labels = {}
    for record in profile.records:
        model = importer.suite.registry.get(record.model.id)
        for field in (*model.fields.values(), *model.declaration.virtual):
            labels[f"{record.name}.{field.name}"] = field.label.of(locale)
    rows = []
    for header in sheet.headers if sheet else ():
        fed = sheet.mapped.get(header, []) if sheet else []
        known = list(dict.fromkeys(labels[name] for name in fed if name in labels)) or fed
        if header in profile.branch.column:
            known = [Label("Branch", "机构").of(locale)]
        rows.append({"header": header, "target": " / ".join(known[:2]) or None, "sample": "", "warning": None})
    return rows


def _duration(job: Job) -> Decimal:
    if job.started_at is None or job.finished_at is None:
        return Decimal(0)
    return Decimal(str(round((job.finished_at - job.started_at).total_seconds(), 1)))


def result(request: Request, batch: ImportBatch, undo: str) -> dict[str, Any]:
    """Return the view of imports/result.html."""
    _, locale, base = words(request), request.state.locale, f"/imports/{batch.id}"
    kinds = {"done": "done", "failed": "failed", "cancelled": "stopped", "undone": "undone", "part_undone": "undone"}
    at = screen_format("instant", None, locale)
    facts = [
        {"label": _("Profile"), "value": batch.profile_title(locale)},
        {"label": _("By"), "value": batch.actor_name},
        {"label": _("Started"), "value": at(batch.created_at)},
        {"label": _("Status"), "value": state_label(batch, locale)},
    ]
    return {
        "title": _("Result of the import"),
        "file_name": batch.file_name,
        "outcome": kinds.get(batch.state, "stopped"),
        "message": _message(request, batch),
        "added": batch.new,
        "changed": batch.changed,
        "same": batch.same,
        "doubtful": None,
        "rejected": batch.rejected,
        "total": batch.read,
        "facts": facts,
        "models": _models(request, batch),
        "rejects_url": f"{base}/rejects.csv" if batch.rejected else None,
        "duplicates_url": None,
        "undo_url": f"{base}/undo" if may_undo(request, batch, undo) else None,
        "undo_until": None,
        "list_url": "/imports",
        "again_url": "/imports/new",
        "request_id": None,
    }


def _message(request: Request, batch: ImportBatch) -> str:
    _ = words(request)
    error = batch.error or {}
    stopped = _("The import was stopped; what was written by then stays and can be undone.")
    if batch.state == "failed":
        reason = reason_text(error, request.state.locale)
        return " ".join(filter(None, (*reason, stopped if batch.read else "")))
    if batch.state == "part_undone":
        kept = "; ".join(f"{row['model']} {row['id']}" for row in error.get("kept", [])[:20])
        text = _("The import was taken back except for rows that were changed or used since:")
        return f"{text} {error.get('kept_count', 0)} ({kept})"
    texts = {
        "done": _("The import is complete."),
        "cancelled": stopped,
        "undone": _("The import was taken back."),
    }
    return str(texts.get(batch.state, _("The import has not ended.")))


def _models(request: Request, batch: ImportBatch) -> list[dict[str, Any]]:
    """Count the records the batch made and changed, by model."""
    suite: Suite = request.app.state.suite
    connection, locale = requests.session_of(request).connection(), request.state.locale
    change = ImportChange.__table__
    changed: dict[str, int] = dict(
        connection.execute(
            select(change.c.model, func.count(change.c.row_id.distinct()))
            .where(change.c.batch_id == batch.id, change.c.undone.is_(False))
            .group_by(change.c.model)
        ).all()
    )
    found = []
    for model in suite.registry:
        table = Base.metadata.tables[model.table.name]
        if "created_batch_id" not in table.c:
            continue
        query = select(func.count()).select_from(table).where(table.c.created_batch_id == batch.id)
        added = connection.execute(query).scalar() or 0
        if added or changed.get(model.id):
            label = model.declaration.plural.of(locale)
            found.append({"label": label, "added": added, "changed": changed.get(model.id, 0), "url": model.url})
    return found
