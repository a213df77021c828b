"""What stands against switching a plugin off, or taking it out: work that is open, rows that others have on it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from core.db.base import utc_now
from core.errors import BanyanError, ConflictError
from core.imports.batches import UNFINISHED
from core.imports.models import ImportBatch
from core.jobs.models import RUNNING, Job
from core.lifecycle.contents import rows_of_branch
from core.lifecycle.footprint import branches_below
from core.lifecycle.registry import dependents
from core.lifecycle.requests import Request
from core.log import logger
from core.plugin.contributions import Blocker
from core.security.actors import system_actor

if TYPE_CHECKING:
    from core.app import Suite

ACTOR = system_actor("look for what stands against switching a plugin off")


def open_work(suite: Suite, request: Request) -> Iterator[BanyanError]:
    """Yield what stands against a request to switch off or uninstall, each with what cures it.

    Args:
        suite: The suite.
        request: For a branch and those below it, or for the installation.
    """
    branches = _branches(suite, request)
    if request.branch:
        yield from _running_jobs(suite, request, branches)
        yield from _rows_of_dependents(suite, request, branches)
    yield from _open_imports(suite, request, branches)
    yield from _named_by_plugins(suite, request, branches)


def _branches(suite: Suite, request: Request) -> frozenset[int] | None:
    if not request.branch:
        return None
    with suite.database.reader.connect() as connection:
        return frozenset(branches_below(connection, request.branch))


def _running_jobs(suite: Suite, request: Request, branches: frozenset[int] | None) -> Iterator[BanyanError]:
    """Jobs of the branch alone; those of the whole installation go on, and an action on it waits for them itself."""
    running = select(Job.id, Job.kind).where(
        Job.plugin == request.plugin,
        Job.state == RUNNING,
        Job.lease_until > utc_now(),
        Job.branch_id.in_(branches or ()),
    )
    with suite.database.read(ACTOR) as session:
        found = session.execute(running.order_by(Job.id)).all()
    for number, kind in found:
        yield ConflictError("job_runs", "The job {job} ({kind}) of {plugin} runs in this branch.",
                            "Wait for its end, or stop it on the page of jobs.", job=number, kind=kind,
                            plugin=request.plugin)  # fmt: skip


def _rows_of_dependents(suite: Suite, request: Request, branches: frozenset[int] | None) -> Iterator[BanyanError]:
    for other in dependents(suite, request.plugin):
        if not any(suite.activation.is_active(other, branch) for branch in branches or ()):
            continue
        with suite.database.reader.connect() as connection:
            rows = rows_of_branch(connection, suite, Request(request.action, other, branch=request.branch))
        if rows:
            yield ConflictError(
                "dependent_has_rows", "{other} requires {plugin} and has {count} rows in this branch.",
                "Switch {other} off there first.", other=other, plugin=request.plugin, count=sum(rows.values()),
            )  # fmt: skip


def _open_imports(suite: Suite, request: Request, branches: frozenset[int] | None) -> Iterator[BanyanError]:
    query = select(ImportBatch.id, ImportBatch.file_name, ImportBatch.profile).where(ImportBatch.state.in_(UNFINISHED))
    if branches is not None:
        query = query.where(ImportBatch.branch_id.in_(branches))
    with suite.database.read(ACTOR) as session:
        found = session.execute(query.order_by(ImportBatch.id)).all()
    for number, file, profile in found:
        if request.plugin in _owners(profile):
            yield ConflictError(
                "import_open", "The import {batch} of {file} into {plugin} is not finished.",
                "Wait for its end, or stop it on its page.", batch=number, file=file, plugin=request.plugin,
            )  # fmt: skip


def _owners(profile: dict[str, Any]) -> set[str]:
    """Return the plugins whose models a profile writes to."""
    models = [profile.get("model", ""), *(each.get("model", "") for each in profile.get("record", ()))]
    return {model.partition(".")[0] for model in models}


def _named_by_plugins(suite: Suite, request: Request, branches: frozenset[int] | None) -> Iterator[BanyanError]:
    """Ask the plugin and those that require it; one that fails to answer is not kept running for that."""
    asked = {request.plugin, *dependents(suite, request.plugin)}
    with suite.database.read(ACTOR) as session:
        for owner, call in suite.plugins.calls(
            "core_blockers", session=session, action=request.action, branch_ids=branches
        ):
            if owner in asked:
                yield from map(_as_error, _answers(owner, call))


def _answers(owner: str, call: Any) -> list[Blocker]:
    try:
        return list(call() or ())
    except Exception:
        logger(__name__).exception("blockers_failed", plugin=owner)
        return []


def _as_error(blocker: Blocker) -> BanyanError:
    return ConflictError("plugin_blocks", "{what}", "{advice}", what=blocker.label, advice=blocker.cure)
