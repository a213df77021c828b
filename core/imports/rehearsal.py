"""The dry run: what an import would do, with the database left as it is."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert

from core.db.base import utc_now
from core.imports.batches import Importer, Report
from core.imports.branches import branch_of
from core.imports.merge import Counts
from core.imports.models import ImportBatch
from core.imports.options import StageOptions
from core.imports.progress import Progress, Teller
from core.imports.rejects import group_reasons
from core.imports.running import add_counts, chunks
from core.imports.stage import stage_file
from core.imports.staging import StagedFile

if TYPE_CHECKING:
    from core.imports.profiles import Profile
    from core.security.actors import Actor

SAMPLES = 100
"""Changes shown by a dry run."""


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
    file is judged by what the database and its own chunk hold.

    Args:
        importer: Knows targets and profiles.
        actor: Who would import.
        batch: The batch, which need not be stored.
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
            trial = _Trial(importer, batch, profile, actor)
            for groups in chunks(staged, 0):
                trial.add(staged, groups)
                report.merge(trial.counts.read)
                check()
            trial.counts.rejected += summary.rejected
            refused = [(row.line, row.errors) for row in staged.rejected()]
    finally:
        staging.unlink(missing_ok=True)
    reasons = group_reasons([*refused, *trial.rejected])
    return Report(None, "dry", trial.counts, dataclasses.asdict(summary), trial.changes, reasons, trial.written)


def _stored(batch: ImportBatch) -> dict[str, Any]:
    columns = ("id", "branch_id", "profile_id", "profile", "source", "file_name", "sha256", "created_at")
    return {"size": 0, **{name: getattr(batch, name) for name in columns}}


class _Trial:
    """Merges chunks and rolls them back, keeping what was seen."""

    def __init__(self, importer: Importer, batch: ImportBatch, profile: Profile, actor: Actor) -> None:
        self._database, self._batch = importer.suite.database, batch
        with self._database.reader.connect() as connection:
            self._merger = importer.merger(batch, profile, connection, actor)
        self.counts = Counts()
        self.changes: list[dict[str, Any]] = []
        self.rejected: list[tuple[int, list[dict[str, Any]]]] = []
        self.written: dict[str, list[int]] = {}

    def add(self, staged: StagedFile, groups: list[Any]) -> None:
        """Merge one chunk and roll it back; what targets remember of rows that now are not there is forgotten."""
        with self._database.writer.connect() as connection, connection.begin() as transaction:
            self._merger.memory.clear()
            if not self._batch.id:
                # What the merge writes points to its batch; this one goes with the rollback too.
                connection.execute(insert(ImportBatch).values(**_stored(self._batch)))
            found, chunk = self._merger.merge(connection, groups, staged.shapes)
            transaction.rollback()
        add_counts(self.counts, found)
        self.changes.extend(chunk.noted[: SAMPLES - len(self.changes)])
        self.rejected.extend(chunk.rejected)
        for table, (new, changed) in chunk.written.items():
            before = self.written.setdefault(table, [0, 0])
            before[0] += new
            before[1] += changed
