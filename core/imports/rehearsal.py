"""The dry run: what an import would do, with the database left as it is."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from core.db.base import utc_now
from core.imports.batches import Importer, Report
from core.imports.branches import branch_of
from core.imports.models import ImportBatch
from core.imports.options import StageOptions
from core.imports.progress import Progress, Teller
from core.imports.refusals import Refusals
from core.imports.rejects import fill_cells
from core.imports.running import chunks
from core.imports.stage import stage_file
from core.imports.staging import StagedFile
from core.imports.trial import Trial

if TYPE_CHECKING:
    from core.security.actors import Actor


def rehearse(
    importer: Importer,
    actor: Actor,
    file: Path,
    name: str,
    profile_name: str,
    branch: str | None,
    on_progress: Progress | None = None,
) -> Report:
    """Say what importing a file would do.

    Args:
        importer: Knows targets and profiles.
        actor: Who would import.
        file: The file.
        name: The name under which people know it.
        profile_name: Profile id, path of a profile, or model id.
        branch: Code or name of the branch of rows that name none; default is the actor's.
        on_progress: Told how far it is.

    Raises:
        ImportFileError: The file as a whole cannot be imported, or the profile is unknown.
        NotFoundError: Unknown branch.
    """
    profile, document = importer.library.find(profile_name)
    digest, _ = importer.files.keep(file)
    with importer.suite.database.read(actor) as session:
        branch_id = branch_of(session, actor, branch)
    batch = ImportBatch(
        id=0, branch_id=branch_id, profile_id=profile.id, profile=document, source=profile.source, file_name=name,
        sha256=digest, cursor=0, actor_id=actor.user_id, created_at=utc_now(),
    )  # fmt: skip
    return rehearse_batch(importer, actor, batch, on_progress)


def rehearse_batch(
    importer: Importer,
    actor: Actor,
    batch: ImportBatch,
    on_progress: Progress | None = None,
    check: Callable[[], object] = lambda: None,
) -> Report:
    """Say what running a batch would do.

    Every chunk is merged and rolled back, so counts are those of the run; a row that links to another row of the same
    file is judged by what the database and its own chunk hold. The refused rows of a stored batch are kept with it.

    Args:
        importer: Knows targets and profiles.
        actor: Who would import.
        batch: The batch, a draft, or one that is not stored.
        on_progress: Told how far it is.
        check: Called between chunks; raises to stop.

    Raises:
        ImportFileError: The file as a whole cannot be imported.
    """
    profile, report = importer.library.thaw(batch.profile), Teller(on_progress)
    kept, staging = importer.files.kept(batch.sha256), importer.files.waiting(f"dry-{batch.sha256}")
    try:
        summary = stage_file(kept, profile, staging, StageOptions(batch.file_name), report.read)
        report.total = summary.read
        with StagedFile.open(staging) as staged:
            trial, refusals = Trial(importer, batch, profile, actor), Refusals(importer.suite.database, batch.id)
            refusals.add((row.row_no, row.sheet, row.line, row.errors, row.raw) for row in staged.rejected())
            for groups in chunks(staged, 0):
                refusals.add(trial.add(staged, groups))
                report.merge(trial.counts.read)
                check()
            trial.counts.rejected += summary.rejected
        if batch.id:
            fill_cells(importer.suite.database, batch, profile, kept, staging)
    finally:
        staging.unlink(missing_ok=True)
    return Report(
        None, "dry", trial.counts, dataclasses.asdict(summary), trial.changes, refusals.reasons(), trial.written,
        trial.rows, trial.doubts,
    )  # fmt: skip
