"""Screens of imports: batches, upload, columns, dry run, run, result, undo."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import select, update
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from core.builtin import import_dry_run, import_inspect, import_jobs, import_views
from core.errors import BanyanError, ConflictError, ImportFileError
from core.i18n import localised
from core.imports import drafts
from core.imports.batches import Importer
from core.imports.mapping import REST, choice_of, full_document, keeps_rest, remap
from core.imports.models import ImportBatch
from core.imports.refusals import forget_refusals
from core.imports.rejects import rejects_csv
from core.imports.undo import undo_batch
from core.jobs import queue
from core.jobs.models import PARKED, QUEUED, RUNNING
from core.jobs.models import Job as JobRow
from core.plugin.contributions import Job, MenuItem, Permission, Route
from core.plugin.hookspecs import hookimpl
from core.registry.fields import Label
from core.security import audit
from core.web import requests
from core.web.middleware import UPLOAD_BYTES
from core.web.pages import words
from core.web.requests import text
from core.web.templating import render

if TYPE_CHECKING:
    from core.app import Suite
    from core.db.session import ScopedSession
    from core.imports.detect import Inspection

PERMISSION, UNDO = "core.import.run", "core.import.undo"
PAGE = 50
MODEL = "core.import_batch"


@hookimpl
def core_permissions() -> Sequence[Permission]:
    """Declare the rights to import and to undo."""
    return [
        Permission(PERMISSION, Label("import files", "导入文件")),
        Permission(UNDO, Label("undo imports", "撤销导入")),
    ]


@hookimpl
def core_menu_items() -> Sequence[MenuItem]:
    """Declare the menu entry."""
    return [MenuItem("core.imports", Label("Imports", "导入"), "/imports", PERMISSION, "file-import", "data", 10)]


@hookimpl
def core_jobs() -> Sequence[Job]:
    """Declare the work in the background."""
    return [
        Job(import_jobs.RUN, import_jobs.run, Label("Import a file", "导入文件")),
        Job(import_jobs.DRY_RUN, import_jobs.dry_run, Label("Dry run of an import", "导入试运行")),
    ]


@hookimpl
def core_routes() -> Sequence[Route]:
    """Declare the screens."""
    one, post = "/imports/{batch_id:int}", ("POST",)
    return [
        Route("/imports", batches, PERMISSION),
        Route("/imports/new", upload_page, PERMISSION),
        Route("/imports/new", upload, PERMISSION, post),
        Route(one, batch_page, PERMISSION),
        Route(f"{one}/columns", columns_page, PERMISSION),
        Route(f"{one}/columns", change_columns, PERMISSION, post),
        Route(f"{one}/progress", progress, PERMISSION),
        Route(f"{one}/stop", stop, PERMISSION, post),
        Route(f"{one}/commit", commit, PERMISSION, post),
        Route(f"{one}/rejects.csv", download_rejects, PERMISSION),
        Route(f"{one}/undo", undo, UNDO, post),
    ]


def batches(request: Request) -> Response:
    """Show the batches of the person's branches, newest first, older ones behind ``before``."""
    before = request.query_params.get("before", "")
    query = select(ImportBatch).order_by(ImportBatch.id.desc()).limit(PAGE + 1)
    if before.isascii() and before.isdigit():
        query = query.where(ImportBatch.id < int(before))
    found = requests.session_of(request).scalars(query).all()
    more = f"/imports?before={found[PAGE - 1].id}" if len(found) > PAGE else None
    facts = {
        "batches": [import_views.list_row(request, batch, UNDO) for batch in found[:PAGE]],
        "previous_url": "/imports" if before else None,
        "next_url": more,
        "new_url": "/imports/new",
        "can_import": True,
    }
    return render(request, "imports/list.html", facts)


def upload_page(request: Request) -> Response:
    """Show the form for a file."""
    return _upload_form(request, None)


def upload(request: Request) -> Response:
    """Keep the file and go on to its columns."""
    file, session = requests.form(request).get("file"), requests.session_of(request)
    if not isinstance(file, UploadFile) or not file.filename:
        return _upload_form(request, words(request)("Choose a file."))
    name = Path(file.filename.replace("\\", "/")).name[:255]
    importer, actor = _importer(request), requests.actor_of(request)
    try:
        with tempfile.NamedTemporaryFile() as waiting:
            while block := file.file.read(1 << 20):
                waiting.write(block)
            waiting.flush()
            batch = drafts.add_draft(importer, session, actor, Path(waiting.name), name, text(request, "profile"))
    except BanyanError as error:
        return _upload_form(request, " ".join(localised(error, request.state.locale)))
    return requests.redirect(request, f"/imports/{batch.id}/columns")


def _upload_form(request: Request, problem: str | None) -> Response:
    recent = requests.session_of(request).scalars(select(ImportBatch).order_by(ImportBatch.id.desc()).limit(5))
    facts = {
        "action_url": "/imports/new",
        "profiles": import_views.profile_options(_importer(request), requests.actor_of(request), request.state.locale),
        "profile": text(request, "profile") if request.method == "POST" else None,
        "error": problem,
        "max_size": import_views.size(UPLOAD_BYTES),
        "formats": "CSV, XLSX, XLS",
        "recent": [{"label": batch.file_name, "url": f"/imports/{batch.id}"} for batch in recent],
    }
    return render(request, "imports/upload.html", facts, status=422 if problem else 200)


def columns_page(request: Request) -> Response:
    """Show what was detected and which column feeds what."""
    batch = drafts.find_batch(requests.session_of(request), request.path_params["batch_id"], "draft")
    return _columns(request, batch, None)


def _columns(request: Request, batch: ImportBatch, problem: BanyanError | None) -> Response:
    importer = _importer(request)
    view = import_inspect.columns(request, importer, batch, drafts.inspect_batch(importer, batch), problem)
    return render(request, "imports/inspect.html", {"view": view}, status=422 if problem else 200)


def change_columns(request: Request) -> Response:
    """Take over what the person changed; then look again, or start the dry run."""
    session, importer = requests.session_of(request), _importer(request)
    batch = drafts.find_batch(session, request.path_params["batch_id"], "draft")
    try:
        _apply(request, importer, batch)
        found = drafts.inspect_batch(importer, batch) if batch.profile else None
        if found is not None and text(request, "remember"):
            drafts.remember(session, batch.branch_id, found.headers, batch.profile)
    except ImportFileError as error:
        session.rollback()
        batch = drafts.find_batch(session, request.path_params["batch_id"], "draft")
        return _columns(request, batch, error)
    if text(request, "go") != "dry_run" or found is None or found.profile is None:
        return requests.redirect(request, f"/imports/{batch.id}/columns")
    _enqueue(request, session, batch, import_jobs.DRY_RUN, f"import-dry:{batch.id}:{_dry_runs(session, batch.id) + 1}")
    return requests.redirect(request, f"/imports/{batch.id}")


def _apply(request: Request, importer: Importer, batch: ImportBatch) -> None:
    wanted = text(request, "profile")
    if wanted and wanted != batch.profile_id:
        drafts.set_document(importer, batch, importer.library.find(wanted)[1])
        return
    if not batch.profile:
        return
    profile = importer.library.thaw(batch.profile)
    found = drafts.inspect_batch(importer, batch)
    headers = found.headers
    rest = REST if keeps_rest(profile) else ""
    before = {header: choice_of(profile, header) or rest for header in headers if header}
    sent = {header: f"target-{at}" for at, header in enumerate(headers) if header}
    form = requests.form(request)
    after = {header: text(request, name) if name in form else before[header] for header, name in sent.items()}
    document = remap(full_document(profile, batch.profile), before, after)
    _set_file_rules(request, document, found)
    drafts.set_document(importer, batch, document)


def _set_file_rules(request: Request, document: dict[str, Any], found: Inspection) -> None:
    """Keep what the person chose otherwise than it was detected."""
    rules = dict(document.get("file", {}))
    encoding, sheet, line = text(request, "encoding"), text(request, "sheet"), text(request, "header_row")
    if encoding and encoding != found.encoding:
        rules["encoding"] = encoding
    if sheet and sheet != found.sheet:
        rules["sheets"] = [sheet]
    if line.isascii() and line.isdigit() and int(line) > 0 and int(line) != found.header_line:
        rules["header_line"] = int(line)
    if rules:
        document["file"] = rules


def batch_page(request: Request) -> Response:
    """Show where a batch is: columns to choose, running, dry run, result."""
    session = requests.session_of(request)
    batch = drafts.find_batch(session, request.path_params["batch_id"])
    job = _latest_job(session, batch)
    if batch.state == "draft" and (job is None or job.payload.get("profile") != _mark(batch)):
        return requests.redirect(request, f"/imports/{batch.id}/columns")
    if _is_under_way(batch, job):
        return render(request, "imports/running.html", import_views.running(request, batch, job))
    if batch.state == "draft" and job is not None and job.result:
        return render(
            request, "imports/dry_run.html", {"view": import_dry_run.dry_run(request, _importer(request), batch, job)}
        )
    if batch.state == "draft":
        return requests.redirect(request, f"/imports/{batch.id}/columns")
    return render(request, "imports/result.html", {"view": import_views.result(request, batch, UNDO)})


def progress(request: Request) -> Response:
    """Answer the running page's question; once the work has ended the browser goes to its outcome."""
    session = requests.session_of(request)
    batch = drafts.find_batch(session, request.path_params["batch_id"])
    job = _latest_job(session, batch)
    if not _is_under_way(batch, job):
        return Response(status_code=204, headers={"HX-Redirect": f"/imports/{batch.id}"})
    return render(request, "imports/_progress.html", import_views.running(request, batch, job))


def stop(request: Request) -> Response:
    """Stop a run or a dry run at its next safe point."""
    session = requests.session_of(request)
    batch = drafts.find_batch(session, request.path_params["batch_id"])
    job = _latest_job(session, batch)
    if job is not None and job.state in {QUEUED, RUNNING, PARKED}:
        was_waiting = job.state != RUNNING
        queue.cancel(session, job.id)
        if was_waiting and batch.state in {"waiting", "running"}:
            batch.state = "cancelled"
    return requests.redirect(request, f"/imports/{batch.id}")


def commit(request: Request) -> Response:
    """Start the run."""
    session = requests.session_of(request)
    batch = drafts.find_batch(session, request.path_params["batch_id"])
    started = session.connection().execute(
        update(ImportBatch).where(ImportBatch.id == batch.id, ImportBatch.state == "draft").values(state="waiting")
    )
    if started.rowcount == 1:
        forget_refusals(session.connection(), batch.id)
        audit.record(session, "import.start", MODEL, batch.id, {"file": batch.file_name, "sha256": batch.sha256})
        _enqueue(request, session, batch, import_jobs.RUN, f"import:{batch.id}")
    return requests.redirect(request, f"/imports/{batch.id}")


def download_rejects(request: Request) -> Response:
    """Send the rejected rows with reasons; audited, since they hold personal data."""
    suite: Suite = request.app.state.suite
    batch_id, actor = request.path_params["batch_id"], requests.actor_of(request)
    batch = drafts.find_batch(requests.session_of(request), batch_id)
    profile = _importer(request).library.thaw(batch.profile)
    report = _report(requests.session_of(request), batch)
    with suite.database.write(actor) as session:
        audit.record(session, "import.rejects", MODEL, batch.id, {"rows": report["counts"]["rejected"]})

    def pieces() -> Any:
        with suite.database.read(actor) as session:
            yield from rejects_csv(session, batch_id, report["summary"], profile, request.state.locale)

    name = f"rejects-{batch.id}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(pieces(), media_type="text/csv", headers=headers)


def _report(session: ScopedSession, batch: ImportBatch) -> dict[str, Any]:
    """Return what the run told, or for a draft its last dry run.

    Raises:
        ConflictError: The draft was not tried yet.
    """
    if batch.state != "draft":
        return {"counts": {"rejected": batch.rejected}, "summary": batch.summary}
    job = _latest_job(session, batch)
    if job is None or not job.result:
        raise ConflictError("no_dry_run", "The dry run of this file has not ended.", "Wait for it, or start it again.")
    found: dict[str, Any] = job.result
    return found


def undo(request: Request) -> Response:
    """Take a batch back and say what had to stay."""
    suite: Suite = request.app.state.suite
    session, actor = requests.session_of(request), requests.actor_of(request)
    batch_id = drafts.find_batch(session, request.path_params["batch_id"]).id
    session.rollback()  # undo has a unit of work of its own; on SQLite two would wait for each other
    try:
        report = undo_batch(suite, _importer(request).library.targets, actor, batch_id)
    except ConflictError as error:
        return requests.toast(
            requests.redirect(request, f"/imports/{batch_id}"), " ".join(localised(error, request.state.locale))
        )
    with suite.database.write(actor) as after:
        facts = {"restored": report.restored, "removed": report.removed, "kept": report.kept_count}
        audit.record(after, "import.undo", MODEL, batch_id, facts)
        drafts.find_batch(after, batch_id).error = {"kept": report.kept, "kept_count": report.kept_count}
    return requests.redirect(request, f"/imports/{batch_id}")


def _importer(request: Request) -> Importer:
    """Return the importer of this process; a new profile file counts after a restart."""
    state = request.app.state
    if not hasattr(state, "importer"):
        state.importer = Importer(state.suite)
    importer: Importer = state.importer
    return importer


def _enqueue(request: Request, session: ScopedSession, batch: ImportBatch, kind: str, key: str) -> None:
    actor = requests.actor_of(request)
    payload = {"batch": batch.id, "profile": _mark(batch)}
    queue.enqueue(session, kind, payload, key=key, actor=actor, branch_id=batch.branch_id)


def _mark(batch: ImportBatch) -> str:
    """Return a mark of the profile, which tells a dry run of other columns apart."""
    return blake2b(json.dumps(batch.profile, sort_keys=True).encode(), digest_size=8).hexdigest()


def _dry_runs(session: ScopedSession, batch_id: int) -> int:
    return len(session.scalars(select(JobRow.id).where(JobRow.key.like(f"import-dry:{batch_id}:%"))).all())


def _latest_job(session: ScopedSession, batch: ImportBatch) -> JobRow | None:
    wanted = (
        JobRow.key.like(f"import-dry:{batch.id}:%") if batch.state == "draft" else JobRow.key == f"import:{batch.id}"
    )
    return session.scalars(select(JobRow).where(wanted).order_by(JobRow.id.desc()).limit(1)).first()


def _is_under_way(batch: ImportBatch, job: JobRow | None) -> bool:
    return job is not None and job.state in {QUEUED, RUNNING, PARKED} and batch.state in {"draft", "waiting", "running"}
