"""The steps of an action, worked out from what is there now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from core.db.migrate import CONTRACT, Source, current
from core.lifecycle.registry import dependents, row_of
from core.lifecycle.requests import Request
from core.lifecycle.work import archive_folder, source_needed, source_of

if TYPE_CHECKING:
    from pathlib import Path

    from core.app import Suite
    from core.plugin.models import InstalledPlugin

Steps = list[tuple[str, str]]


@dataclass(frozen=True)
class Sequence:
    """Steps, and what they need to know besides the request."""

    steps: Steps
    options: dict[str, Any]


def steps_for(suite: Suite, request: Request) -> Sequence:
    """Return the steps of an action.

    Args:
        suite: The suite.
        request: The action; nothing stands against it (`core.lifecycle.blockers`).

    Raises:
        PluginError: The code is needed and gone.
        NotFoundError: There is no archive to restore.
    """
    row = row_of(suite, request.plugin)
    options: dict[str, Any] = {
        "previous": row.state if row else "",
        "paused": [request.plugin, *dependents(suite, request.plugin)],
    }
    if request.action == "uninstall":
        return _uninstall(suite, request, row, options)
    if request.action == "restore" and (request.branch or not row or row.state != "dormant"):
        return _restore(suite, request, options)
    return Sequence(_upgrade(suite, request), options)


def archive_to_restore(suite: Suite, request: Request) -> Path:
    """Return the archive file of a request to restore: the one named, else the newest of the plugin and branch.

    Raises:
        NotFoundError: There is none.
    """
    from core.errors import NotFoundError
    from core.lifecycle.archive import read_head

    folder = archive_folder(suite)
    if request.archive:
        return folder / request.archive.rpartition("/")[2]
    files = sorted(folder.glob(f"{request.plugin}-*.zip"), key=lambda file: file.stat().st_mtime, reverse=True)
    for file in files:
        head = read_head(file)
        if (head.plugin, head.branch) == (request.plugin, request.branch):
            return file
    raise NotFoundError("no_archive_of", "There is no archive of {plugin}.", plugin=request.plugin)


def split(source: Source, version: str) -> tuple[list[str], list[str]]:
    """Split the revisions still to do: those before the new code serves, and contracting ones for afterwards.

    A first installation contracts nothing that anybody uses, and runs all at once.
    """
    remaining = source.remaining(version)
    if not version:
        return remaining, []
    place = len(remaining)
    while place and source.phase(remaining[place - 1]) == CONTRACT:
        place -= 1
    return remaining[:place], remaining[place:]


def revision_steps(source: Source, version: str) -> tuple[Steps, Steps]:
    """Return the steps of an upgrade: while the plugin pauses, and after it runs again.

    A backfill is owed from the revision that names it; it is paid before the next contracting revision.
    """
    before, after = split(source, version)
    steps: Steps = []
    owed = _owed(source, version) if after and version else []
    for each in before:
        job = source.backfill(each) if version else ""
        if source.phase(each) == CONTRACT:
            steps += [("backfill", name) for name in owed]
            owed = []
        steps.append(("revision", each))
        owed += [job] if job else []
    later: Steps = [("backfill", name) for name in dict.fromkeys(owed)]
    if after:
        later += [("drain", ""), *(("revision", each) for each in after)]
    return steps, [*later, ("close", "")] if later else []


def _owed(source: Source, version: str) -> list[str]:
    """Return the backfills of applied revisions since the last contracting one: an earlier upgrade may have stopped."""
    owed: list[str] = []
    for each in source.revisions[: source.revisions.index(version) + 1]:
        owed = [] if source.phase(each) == CONTRACT else owed
        job = source.backfill(each)
        owed += [job] if job else []
    return owed


def _upgrade(suite: Suite, request: Request) -> Steps:
    source = source_needed(suite, request.plugin)
    version = current(suite.database).get(request.plugin, "")
    if not source.revisions:
        return [("begin", ""), ("settle", ""), ("seed", ""), ("finish", "")]
    before, later = revision_steps(source, version)
    kept: Steps = [("backup", "")] if version and before and suite.database.is_sqlite else []
    return [*kept, ("begin", ""), ("settle", ""), *before, ("seed", ""), ("finish", ""), *later]


def _uninstall(suite: Suite, request: Request, row: InstalledPlugin | None, options: dict[str, Any]) -> Sequence:
    kept: Steps = [("backup", "")] if suite.database.is_sqlite and request.mode != "keep" else []
    steps: Steps = [*kept, ("begin", ""), ("settle", "")]
    if request.mode == "archive":
        moment = datetime.now().astimezone().strftime("%Y%m%d-%H%M%S")
        place = f"-{request.branch}" if request.branch else ""
        options["file"] = f"{request.plugin}-{row.version if row else ''}{place}-{moment}.zip"
        steps.append(("archive", ""))
    if request.mode != "keep":
        steps.append(("remove", ""))
    if request.branch:
        return Sequence([*steps, ("resume", "")], options)
    ends = {"keep": "dormant", "archive": "archived", "drop": "dropped"}
    return Sequence([*steps, ("leave", ends[request.mode])], options)


def _restore(suite: Suite, request: Request, options: dict[str, Any]) -> Sequence:
    """Bring the tables to the revision of the archive, load it, then go on to the newest revision."""
    from core.lifecycle.archive import read_head

    file = archive_to_restore(suite, request)
    options["file"] = file.name
    kept: Steps = [("backup", "")] if suite.database.is_sqlite else []
    if request.branch:
        return Sequence([*kept, ("begin", ""), ("settle", ""), ("load", ""), ("resume", "")], options)
    source, head = source_of(suite, request.plugin), read_head(file)
    known = source.revisions if source else []
    place = known.index(head.revision) + 1 if head.revision in known else 0
    first: Steps = [("revision", each) for each in known[:place]]
    before, later = revision_steps(source, head.revision) if source and known[place:] else ([], [])
    return Sequence(
        [*kept, ("begin", ""), *first, ("load", ""), *before, ("seed", ""), ("finish", ""), *later], options
    )
