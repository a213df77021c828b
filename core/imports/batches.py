"""Run a batch: keep the file, stage it, merge it chunk by chunk, finish; from wherever an earlier run was cut off."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import select, update

from core.db.base import utc_now
from core.errors import BanyanError, ImportFileError, NotFoundError
from core.imports.batch_files import BatchFiles
from core.imports.branches import BranchNames, branch_of
from core.imports.chunk import BatchFacts
from core.imports.library import ImportLibrary
from core.imports.merge import Counts, Merger, error_entry, late_codes
from core.imports.models import ImportBatch
from core.imports.options import StageOptions
from core.imports.progress import Progress, Teller
from core.imports.rejects import fill_cells
from core.imports.running import BatchRun
from core.imports.stage import stage_file
from core.imports.staging import StagedFile
from core.security.actors import Actor, system_actor
from core.security.models import Branch, User
from core.security.permissions import actor_of

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from core.app import Suite
    from core.imports.profiles import Profile

UNFINISHED = ("waiting", "running")
"""States of a batch that a run goes on with."""


@dataclass
class Report:
    """What a run did, or would do; ``batch`` is none for a dry run.

    The rest is known of a dry run only: ``changes`` (old and new values), ``reasons`` (rejects by reason), ``written``
    (new and changed records by table), ``rows`` (examples of new and same rows), ``doubts`` (per plugin what a person
    would have to decide).
    """

    batch: int | None
    state: str
    counts: Counts
    summary: dict[str, Any]
    changes: list[dict[str, Any]] = field(default_factory=list)
    reasons: list[dict[str, Any]] = field(default_factory=list)
    written: dict[str, list[int]] = field(default_factory=dict)
    rows: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    doubts: dict[str, dict[str, Any]] = field(default_factory=dict)

    def as_json(self, rejects_file: str | None) -> dict[str, Any]:
        """Return the stable form of the command line."""
        counts = self.counts
        return {
            "batch": self.batch,
            "read": counts.read,
            "new": counts.new,
            "changed": counts.changed,
            "same": counts.same,
            "rejected": counts.rejected,
            "rejects_file": rejects_file,
        }


class Importer:
    """Imports files into a suite.

    Args:
        suite: The suite.
        library: Targets and profiles; built when not given.
    """

    def __init__(self, suite: Suite, library: ImportLibrary | None = None) -> None:
        self.suite = suite
        self.library = library or ImportLibrary(suite)
        self.files = BatchFiles(suite.settings.data.folder)

    def start(self, actor: Actor, file: Path, name: str, profile_name: str, branch: str | None) -> int:
        """Register a batch, or find the unfinished one of the same file, profile and branch.

        Args:
            actor: Who imports.
            file: The file.
            name: The name under which people know the file.
            profile_name: Profile id, path of a profile, or model id.
            branch: Code or name of the branch of rows that name none; default is the actor's.

        Raises:
            ImportFileError: Unreadable file, or a profile that is unknown or not active in the branch.
            NotFoundError: Unknown branch, or none given and the actor has none.
        """
        profile, document = self.library.find(profile_name)
        digest, kept = self.files.keep(file)
        with self.suite.database.write(actor) as session:
            branch_id = branch_of(session, actor, branch)
            self.library.require_active(profile, branch_id)
            same = (
                ImportBatch.sha256 == digest,
                ImportBatch.profile_id == profile.id,
                ImportBatch.branch_id == branch_id,
            )
            cut_off = session.scalars(select(ImportBatch).where(*same, ImportBatch.state.in_(UNFINISHED))).first()
            if cut_off is not None:
                return cut_off.id
            batch = ImportBatch(
                branch_id=branch_id, profile_id=profile.id, profile=document, source=profile.source, file_name=name,
                sha256=digest, size=kept.stat().st_size, actor_id=actor.user_id, actor_name=actor.name,
            )  # fmt: skip
            session.add(batch)
            session.flush()  # the id is the result
            return batch.id

    def run(
        self, batch_id: int, on_progress: Progress | None = None, should_stop: Callable[[], bool] | None = None
    ) -> Report:
        """Run a batch to its end, from where it stands; one that has ended is only reported.

        Args:
            batch_id: The batch.
            on_progress: Told how far it is.
            should_stop: Asked after each chunk; what it raises leaves the batch unfinished, to be resumed.

        Raises:
            ImportFileError: The file as a whole cannot be imported; the batch is failed. Nothing was written unless the
                reader broke off the second time it went through the file; that can be undone.
            ConflictError: Another process runs the same batch.
        """
        batch = self.batch(batch_id)
        if batch.state not in UNFINISHED:
            counts = Counts(batch.new, batch.changed, batch.same, batch.rejected)
            return Report(batch_id, batch.state, counts, batch.summary or {})
        report = Teller(on_progress)
        run = self._new_run(batch, report, should_stop or (lambda: False))
        profile, waiting = self.library.thaw(batch.profile), self.files.waiting(f"rejects-{batch_id}")
        try:
            self.library.require_active(profile, batch.branch_id)
            with self._staged(batch, report, run) as staged:
                run.accept(staged)
                run.merge(staged)
                run.merge_late(staged, late_codes(profile))
        except ImportFileError as error:
            self._finish(batch_id, "failed", error)
            raise
        if not run.stopped:
            self._after(batch_id, batch)
        state = "cancelled" if run.stopped else "done"
        fill_cells(self.suite.database, batch, profile, self.files.kept(batch.sha256), waiting)
        self._finish(batch_id, state, None)
        self.files.staging(batch_id).unlink(missing_ok=True)
        return Report(batch_id, state, run.counts, self.batch(batch_id).summary or {})

    def _new_run(self, batch: ImportBatch, report: Teller, should_stop: Callable[[], bool]) -> BatchRun:
        profile, actor = self.library.thaw(batch.profile), self._importing_actor(batch)

        def make_merger(connection: Connection) -> Merger:
            return self.merger(batch, profile, connection, actor)

        return BatchRun(self.suite.database, batch, make_merger, report, should_stop)

    def stop(self, batch_id: int) -> None:
        """End an unfinished batch where it stands; what it wrote stays and can be undone."""
        if self.batch(batch_id).state in UNFINISHED:
            self._finish(batch_id, "cancelled", None)
            self.files.staging(batch_id).unlink(missing_ok=True)

    def batch(self, batch_id: int) -> ImportBatch:
        """Return a batch as it stands now, apart from any session.

        Raises:
            NotFoundError: There is none.
        """
        with self.suite.database.read(system_actor("import")) as session:
            batch = session.get(ImportBatch, batch_id)
            if batch is None:
                raise NotFoundError(
                    "unknown_batch",
                    "There is no import {batch}.",
                    "`banyan export core.import_batch` lists them.",
                    batch=batch_id,
                )
            session.expunge(batch)
            return batch

    def _importing_actor(self, batch: ImportBatch) -> Actor:
        """Return who imports, with today's rights: rows that name a branch beyond them are rejected."""
        system = system_actor("import")
        if batch.actor_id is None:
            return system
        with self.suite.database.read(system) as session:
            return actor_of(session, session.get_one(User, batch.actor_id))

    @contextmanager
    def _staged(self, batch: ImportBatch, report: Teller, run: BatchRun) -> Iterator[StagedFile]:
        path = self.files.staging(batch.id)
        if not path.exists():
            waiting, kept = self.files.waiting(str(batch.id)), self.files.kept(batch.sha256)
            stage_file(
                kept, self.library.thaw(batch.profile), waiting, StageOptions(name=batch.file_name), report.read,
                lambda total: run.merge_ready(waiting, total),
            )  # fmt: skip
            waiting.replace(path)
        with StagedFile.open(path) as staged:
            yield staged

    def merger(self, batch: ImportBatch, profile: Profile, connection: Connection, actor: Actor) -> Merger:
        """Return the merger of a batch, which writes only to branches of the actor."""
        rows = connection.execute(
            select(Branch.id, Branch.code, Branch.name, Branch.area_code).where(Branch.active)
        ).all()
        allowed = None if actor.sees_all_branches else actor.branch_ids
        names = BranchNames([(row[0], row[1], row[2]) for row in rows], batch.branch_id, allowed)
        begun = batch.created_at
        facts = BatchFacts(
            batch.id, profile.source, batch.branch_id, begun.date(), begun.strftime("%Y-%m-%d %H:%M:%S"),
            profile.file.empty == "clear", {row[0]: row[3] for row in rows},
        )  # fmt: skip
        return Merger(facts, profile, self.suite.registry, self.suite.vault, self.library.targets, names)

    def _after(self, batch_id: int, batch: ImportBatch) -> None:
        touched = frozenset(record.model.id for record in self.library.thaw(batch.profile).records)
        for _, step in sorted(self.suite.plugins.collect("core_after_import"), key=lambda pair: pair[1].order):
            with self.suite.database.write(system_actor("import")) as session:
                step.run(session, touched, batch_id)

    def _finish(self, batch_id: int, state: str, error: BanyanError | None) -> None:
        with self.suite.database.write(system_actor("import")) as session:
            session.connection().execute(
                update(ImportBatch)
                .where(ImportBatch.id == batch_id)
                .values(state=state, finished_at=utc_now(), error=error_entry(error) if error else None)
            )


def finished_import(importer: Importer, file: Path, profile_name: str) -> bool:
    """Whether this very file was imported with this profile and not taken back.

    Args:
        importer: The importer.
        file: The file; it is kept.
        profile_name: Profile id, path of a profile, or model id.

    Raises:
        ImportFileError: Unreadable file or unknown profile.
    """
    profile, _ = importer.library.find(profile_name)
    digest, _ = importer.files.keep(file)
    done = select(ImportBatch.id).where(
        ImportBatch.sha256 == digest, ImportBatch.profile_id == profile.id, ImportBatch.state == "done"
    )
    with importer.suite.database.read(system_actor("import")) as session:
        return session.scalar(done.limit(1)) is not None
