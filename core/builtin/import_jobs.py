"""Background work of imports: the dry run and the run itself."""

from __future__ import annotations

import dataclasses
from typing import Any

from core.imports.batches import Importer
from core.imports.rehearsal import rehearse_batch
from core.jobs.context import JobContext, JobInterruptedError

RUN, DRY_RUN = "core.import", "core.import_dry_run"


def run(context: JobContext) -> dict[str, Any]:
    """Run a batch; a stopped worker leaves it to be resumed, a person's stop ends it where it stands."""
    importer, batch_id = Importer(context.suite), int(context.payload["batch"])

    def stop() -> bool:
        if not context.pulse.cancel_requested:
            context.check()
        return context.pulse.cancel_requested

    try:
        report = importer.run(batch_id, _teller(context), stop)
    except JobInterruptedError:
        if context.pulse.cancel_requested:
            importer.stop(batch_id)
        raise
    return report.as_json(None)


def dry_run(context: JobContext) -> dict[str, Any]:
    """Say what a batch would do."""
    importer = Importer(context.suite)
    batch = importer.batch(int(context.payload["batch"]))
    report = rehearse_batch(importer, context.actor, batch, _teller(context), context.check)
    return dataclasses.asdict(report)


def _teller(context: JobContext) -> Any:
    def tell(phase: str, done: int, total: int) -> None:
        context.progress(done, total, phase)

    return tell
