"""The steps of actions; each may be done again after it was cut off, and then changes nothing more."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from sqlalchemy import select, update

from core.db.base import utc_now
from core.db.migrate import current, upgrade_to
from core.errors import ConflictError
from core.jobs.models import FOR_PLUGIN, PARKED, QUEUED, RUNNING, SILENCE, Heartbeat, Job
from core.jobs.presence import process_name
from core.lifecycle.archive import check_archive
from core.lifecycle.backfill import run_backfill
from core.lifecycle.contents import archive_rows, put_back, remove_all, remove_of_branch
from core.lifecycle.seeds import seed_plugin
from core.lifecycle.surfaces import surfaces_of
from core.lifecycle.work import Work, source_needed
from core.plugin.activation import EPOCH
from core.plugin.epochs import FRESH_SECONDS, bump_epoch
from core.plugin.models import RESTART, UPGRADING, Epoch, InstalledPlugin
from core.security.actors import system_actor

if TYPE_CHECKING:
    from core.db.session import ScopedSession

ACTOR = system_actor("action on a plugin")
SETTLE_SECONDS = 60.0
"""How long running jobs of the plugin are given to reach a safe point."""
LOOK_SECONDS = 0.2


def begin(work: Work) -> bool:
    """Mark the plugin as under work, so that its pages and jobs pause, and wait until all processes know."""
    with work.suite.database.write(ACTOR) as session:
        _row(session, work).state = UPGRADING
        bump_epoch(session, EPOCH)
        others = select(Heartbeat.id).where(Heartbeat.at > utc_now() - SILENCE, Heartbeat.process != process_name())
        watched = session.scalar(others.limit(1)) is not None
    if watched:
        time.sleep(FRESH_SECONDS)
    return True


def backup(work: Work) -> bool:
    """Back up the embedded database."""
    # here, since every process loads this module and its manifest needs a library that few use
    from core.backup.writing import write_backup

    name = f"before-{work.step.action}-{work.plugin}-{work.step.plan}.zip"
    file = work.suite.settings.data.folder / "backups" / name
    if not file.exists():
        write_backup(work.suite, file, files=False)
    return True


def settle(work: Work) -> bool:
    """Wait until no job of the plugin runs, and park those that wait.

    Raises:
        ConflictError: A job does not come to a safe point.
    """
    own = Job.plugin.in_(work.step.options["paused"])
    until = time.monotonic() + SETTLE_SECONDS
    while True:
        with work.suite.database.write(ACTOR) as session:
            parked = {"state": PARKED, "parked_for": FOR_PLUGIN, "error": f"The plugin {work.plugin} is under work."}
            session.execute(update(Job).where(own, Job.state == QUEUED).values(parked))
            running = session.scalar(select(Job.id).where(own, Job.state == RUNNING, Job.lease_until > utc_now()))
        if running is None:
            return True
        if time.monotonic() > until:
            raise ConflictError(
                "job_running", "The job {job} of {plugin} does not stop.", "Wait for its end and try again.",
                job=running, plugin=work.plugin,
            )  # fmt: skip
        time.sleep(LOOK_SECONDS)


def revision(work: Work) -> bool:
    """Run one revision, unless the tables are already at it or further."""
    source = source_needed(work.suite, work.plugin)
    version = current(work.suite.database).get(work.plugin, "")
    if work.step.target in source.remaining(version):
        upgrade_to(work.suite.database, source, work.step.target)
    return True


def seed(work: Work) -> bool:
    """Store the rows, roles and schedules that the plugin ships; what people changed stays."""
    seed_plugin(work.suite, work.plugin)
    return True


def finish(work: Work) -> bool:
    """Write down that the plugin is installed in the version of its code; processes start anew."""
    manifest = work.suite.plugins.states[work.plugin].manifest
    reached = current(work.suite.database).get(work.plugin, "")
    with work.suite.database.write(ACTOR) as session:
        row = _row(session, work)
        row.version = str(manifest.version) if manifest else row.version
        row.surfaces, row.archive = surfaces_of(work.suite, work.plugin), ""
        _settled(session, row, work, "installed", reached)
    return True


def leave(work: Work) -> bool:
    """Write down that the plugin is uninstalled; processes start anew. The target is the state."""
    with work.suite.database.write(ACTOR) as session:
        row = _row(session, work)
        row.archive = str(work.step.options.get("file", "")) if work.step.target == "archived" else ""
        reached = row.revision if work.step.target == "dormant" else ""
        _settled(session, row, work, work.step.target, reached)
    return True


def resume(work: Work) -> bool:
    """Write down that the plugin runs again as it did before."""
    with work.suite.database.write(ACTOR) as session:
        row = _row(session, work)
        row.state, row.revision = "installed", current(work.suite.database).get(work.plugin, "")
        bump_epoch(session, EPOCH)
    return True


def archive(work: Work) -> bool:
    """Write the archive and read it back against its sums."""
    if not work.archive.exists():
        archive_rows(work.suite, work.plugin, work.archive, work.request.branch)
    check_archive(work.archive)
    return True


def remove(work: Work) -> bool:
    """Delete the rows; of archived ones only what a sound archive holds."""
    if work.request.mode == "archive":
        check_archive(work.archive)
    if work.request.branch:
        remove_of_branch(work.suite, work.plugin, work.request.branch)
    else:
        remove_all(work.suite, work.plugin, drop=work.request.mode == "drop")
    return True


def load(work: Work) -> bool:
    """Put the rows of an archive back."""
    put_back(work.suite, work.archive)
    return True


def backfill(work: Work) -> bool:
    """Run the job that fills what a revision added, here or wherever it goes on."""
    return run_backfill(work.suite, work.step.target, f"backfill:{work.step.plan}:{work.step.sequence}")


def drain(work: Work) -> bool:
    """Whether every process runs the new code: those of older epochs fell silent or ended."""
    with work.suite.database.read(ACTOR) as session:
        epoch = session.scalar(select(Epoch.value).where(Epoch.name == RESTART)) or 0
        old = select(Heartbeat.id).where(Heartbeat.epoch < epoch, Heartbeat.at > utc_now() - SILENCE)
        return session.scalar(old.limit(1)) is None


def close(work: Work) -> bool:
    """Write down the revision that was reached after contracting."""
    with work.suite.database.write(ACTOR) as session:
        _row(session, work).revision = current(work.suite.database).get(work.plugin, "")
    return True


STEPS: dict[str, Callable[[Work], bool]] = {
    each.__name__: each
    for each in (
        begin, backup, settle, revision, seed, finish, leave, resume, archive, remove, load, backfill, drain, close,
    )
}  # fmt: skip
"""Name in the journal -> the step; it returns whether it is done, or must be tried again later."""
BEFORE_CHANGES = frozenset({"begin", "backup", "settle", "archive"})
"""Steps that have changed nothing when they fail: the plugin goes on as before."""


def _row(session: ScopedSession, work: Work) -> InstalledPlugin:
    row = session.scalars(select(InstalledPlugin).where(InstalledPlugin.plugin == work.plugin)).first()
    if row is None:
        row = InstalledPlugin(plugin=work.plugin, state=UPGRADING, by=work.request.by)
        session.add(row)
    return row


def _settled(session: ScopedSession, row: InstalledPlugin, work: Work, state: str, reached: str) -> None:
    row.state, row.revision, row.problem, row.trace = state, reached, "", ""
    row.since, row.by = utc_now(), work.request.by
    bump_epoch(session, EPOCH)
    bump_epoch(session, RESTART)
