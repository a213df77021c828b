"""What the screens of imports show, as their templates want it."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from core.builtin.import_tabs import doubtful, doubts_table
from core.db.base import Base, utc_now
from core.imports.models import BATCH_STATES, ImportBatch, ImportChange
from core.imports.rejects import reason_text
from core.imports.trial import add_doubts
from core.registry.formats import screen_format
from core.web import requests
from core.web.pages import actor_label, words

if TYPE_CHECKING:
    from starlette.requests import Request

    from core.app import Suite
    from core.imports.batches import Importer
    from core.jobs.models import Job
    from core.security.actors import Actor

UNDO_DAYS = 30
LISTED_DOUBTS = 20
_UNDOABLE = {"done", "cancelled", "part_undone"}
_TONES = {
    "done": "ok",
    "failed": "danger",
    "cancelled": "warn",
    "part_undone": "warn",
    "running": "busy",
    "waiting": "busy",
}


def size(number: int) -> str:
    """Return bytes for people."""
    mega = Decimal(number) / (1 << 20)
    if number < 1 << 20:
        return f"{max(1, round(number / 1024))} KB"
    return f"{mega:.1f} MB" if mega < 100 else f"{mega:.0f} MB"


def profile_options(importer: Importer, actor: Actor, locale: str) -> list[tuple[str, str]]:
    """Return the profiles by id and title that the branch of an actor can use."""
    short = locale.partition("_")[0]
    known = importer.library.offered(actor.home_branch_id).values()
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
        "who": actor_label(request, batch.actor_name),
        "added": batch.new,
        "changed": batch.changed,
        "rejected": batch.rejected,
        "total": batch.total or batch.read,
        "undo_url": f"/imports/{batch.id}/undo" if may_undo(request, batch, undo) else None,
    }


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


def result(request: Request, batch: ImportBatch, undo: str) -> dict[str, Any]:
    """Return the view of imports/result.html."""
    _, locale, base = words(request), request.state.locale, f"/imports/{batch.id}"
    doubts = _doubts(request, batch)
    kinds = {"done": "done", "failed": "failed", "cancelled": "stopped", "undone": "undone", "part_undone": "undone"}
    at = screen_format("instant", None, locale)
    facts = [
        {"label": _("Profile"), "value": batch.profile_title(locale)},
        {"label": _("By"), "value": actor_label(request, batch.actor_name)},
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
        "doubtful": doubtful(request, doubts),
        "doubts": [doubts_table(request, each, LISTED_DOUBTS) for each in doubts.values() if each["number"]],
        "rejected": batch.rejected,
        "total": batch.read,
        "facts": facts,
        "models": _models(request, batch),
        "rejects_url": f"{base}/rejects.csv" if batch.rejected else None,
        "undo_url": f"{base}/undo" if may_undo(request, batch, undo) else None,
        "undo_until": None,
        "list_url": "/imports",
        "again_url": "/imports/new",
        "request_id": None,
    }


def _doubts(request: Request, batch: ImportBatch) -> dict[str, dict[str, Any]]:
    """Ask plugins what a person has to decide about the rows of a batch."""
    suite: Suite = request.app.state.suite
    found: dict[str, dict[str, Any]] = {}
    if batch.state in {"done", "cancelled"}:
        asked = {"session": requests.session_of(request), "batch_id": batch.id, "trial": False}
        for plugin_id, doubts in suite.plugins.gather("core_import_doubts", in_branch=batch.branch_id, **asked):
            add_doubts(found, plugin_id, doubts)
    return found


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
