"""What the screen of a dry run shows: counts, what was detected, and its rows in tabs."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from core.builtin.import_examples import Examples
from core.builtin.import_tabs import detail, doubtful
from core.builtin.import_views import UNDO_DAYS, size
from core.imports.staging import summary_from
from core.web.pages import words

if TYPE_CHECKING:
    from starlette.requests import Request

    from core.imports.batches import Importer
    from core.imports.models import ImportBatch
    from core.imports.staging import StageSummary
    from core.jobs.models import Job


def dry_run(request: Request, importer: Importer, batch: ImportBatch, job: Job) -> dict[str, Any]:
    """Return the view of imports/dry_run.html."""
    _, report = words(request), job.result or {}
    counts, summary = report["counts"], summary_from(report["summary"])
    added, changed, same, rejected = (int(counts[name]) for name in ("new", "changed", "same", "rejected"))
    profile = importer.library.thaw(batch.profile)
    examples = Examples(importer, profile, summary, report["rows"], request.state.locale)
    base = f"/imports/{batch.id}"
    control, agrees = _control(request, summary)
    columns = examples.columns()
    return {
        "title": f"{_('Import')} {batch.file_name}",
        "facts": _facts(request, batch, summary),
        "edit_url": f"{base}/columns",
        "added": added,
        "changed": changed,
        "same": same,
        "doubtful": doubtful(request, report["doubts"]),
        "rejected": rejected,
        "total": added + changed + same + rejected,
        "added_note": _written(importer, report["written"], 0, request.state.locale),
        "changed_note": _written(importer, report["written"], 1, request.state.locale),
        "seconds": _duration(job),
        "control": control,
        "control_ok": agrees,
        **detail(request, importer, batch.id, report, examples),
        "columns": columns,
        "matched": sum(1 for row in columns if row["target"]),
        "commit_url": f"{base}/commit",
        "back_url": f"{base}/columns",
        "report_url": "/imports",
        "writes": added + changed,
        "undo_days": UNDO_DAYS,
    }


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
    text = words(request)("total line of the file")
    return f"{last['column']}: {found} {sign} {stated} ({text})", bool(last["agrees"])


def _facts(request: Request, batch: ImportBatch, summary: StageSummary) -> list[dict[str, Any]]:
    _ = words(request)
    sheet = next((each for each in summary.sheets if not each.skipped), None)
    facts = [
        {"label": _("File"), "value": batch.file_name, "sub": f"{size(batch.size)} · sha256 {batch.sha256[:8]}"},
        {"label": _("Encoding"), "value": (summary.encoding or summary.kind).upper()},
        {"label": _("Profile"), "value": batch.profile_title(request.state.locale)},
    ]
    if sheet is not None:
        kinds = {"blank": _("blank"), "header": _("repeated header"), "title": _("title"), "total": _("total")}
        kinds["footer"] = _("footer")
        left = ", ".join(f"{kinds.get(kind, kind)} {number}" for kind, number in sheet.dropped.items())
        sub = _("left out: %(rows)s") % {"rows": left} if left else None
        facts.append({"label": _("Header row"), "value": str(sheet.header_line), "sub": sub})
    return facts


def _duration(job: Job) -> Decimal:
    if job.started_at is None or job.finished_at is None:
        return Decimal(0)
    return Decimal(str(round((job.finished_at - job.started_at).total_seconds(), 1)))
