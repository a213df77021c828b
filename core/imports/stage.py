"""Stage an import file: every data row as normalised records or as a rejection, in a limited child process."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path

from core.errors import ImportFileError
from core.imports.child import run_in_child
from core.imports.options import StageOptions
from core.imports.profiles import Profile
from core.imports.reading import Source, known_headers, open_source
from core.imports.requests import StageRequest
from core.imports.sheets import SheetStager
from core.imports.staging import SheetSummary, StageSummary, StagingWriter, summary_from

DEFAULT_OPTIONS = StageOptions()


def stage_file(
    file: Path,
    profile: Profile,
    staging: Path,
    options: StageOptions = DEFAULT_OPTIONS,
    on_progress: Callable[[int], None] | None = None,
    on_ready: Callable[[int], None] | None = None,
) -> StageSummary:
    """Read ``file`` into a new staging file.

    Args:
        file: The stored file.
        profile: What its columns mean.
        staging: Where the staging file goes; an old one is replaced, a failed one removed.
        options: The file's name and the user's wishes.
        on_progress: Called with the number of data rows read so far.
        on_ready: Called with the number of all data rows whenever more of them can be merged, while the rest is still
            being staged. The whole file has been read once by then, and no key repeats in it; else it is never called.

    Returns:
        Counts, encoding, mapping and totals; ``read == accepted + rejected``.

    Raises:
        ImportFileError: The file as a whole cannot be imported; nothing is left behind.
    """
    try:
        return summary_from(run_in_child(StageRequest(file, staging, profile, options), on_progress, on_ready))
    except BaseException:
        staging.unlink(missing_ok=True)
        raise


def stage_here(
    file: Path, profile: Profile, staging: Path, options: StageOptions, on_progress: Callable[[int, int | None], None]
) -> StageSummary:
    """Do the work of :func:`stage_file` in this process, without limits; the child calls it.

    Here ``on_progress`` is called with the rows read and, where they can be merged, the number of all rows.

    Raises:
        ImportFileError: As :func:`stage_file`.
    """
    wanted = known_headers([profile])
    source = open_source(file, options, profile.file, wanted)
    writer = StagingWriter(staging)

    def progress(rows: int) -> None:
        on_progress(rows, writer.total)

    stager = SheetStager(profile, wanted, options.zone, writer, progress, keep_raw=options.keep_raw)
    if not options.keep_raw:
        writer.watch(_keys(stager, source, profile))
    sheets, refusals = [], []
    for sheet in source.sheets(profile.file.sheets):
        try:
            sheets.append(stager.stage(sheet))
        except ImportFileError as problem:
            if problem.code != "wrong_profile":
                raise
            refusals.append(problem)
            sheets.append(SheetSummary(sheet.name, skipped=str(problem)))
    if len(refusals) == len(sheets):
        raise refusals[0] if refusals else _no_sheet(profile)
    tally = stager.tally
    summary = StageSummary(
        profile=profile.id,
        kind=source.kind,
        encoding=source.encoding,
        delimiter=source.delimiter,
        read=tally.read,
        accepted=tally.read - tally.rejected,
        rejected=tally.rejected,
        warned=tally.warned,
        repeated=writer.index(),
        sheets=sheets,
    )
    writer.finish({"summary": dataclasses.asdict(summary)})
    return summary


def _keys(stager: SheetStager, source: Source, profile: Profile) -> Iterator[str | None]:
    for sheet in source.sheets(profile.file.sheets):
        try:
            yield from stager.keys(sheet)
        except ImportFileError as problem:
            if problem.code != "wrong_profile":
                raise


def _no_sheet(profile: Profile) -> ImportFileError:
    return ImportFileError(
        "wrong_profile",
        "The workbook has no visible sheet called {sheets}.",
        "Choose another profile.",
        sheets=", ".join(profile.file.sheets) or "*",
    )
