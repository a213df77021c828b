"""Files uploaded and not imported yet: batches in state ``draft``, with the profile as far as it is chosen."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from core.errors import ConflictError, NotFoundError
from core.imports.batches import Importer
from core.imports.branches import branch_of
from core.imports.detect import Inspection, inspect_file
from core.imports.mapping import header_mark
from core.imports.models import ImportBatch
from core.imports.options import StageOptions
from core.security.models import Setting

if TYPE_CHECKING:
    from core.db.session import ScopedSession
    from core.security.actors import Actor

REMEMBERED = "core.import.mapping."


def add_draft(
    importer: Importer, session: ScopedSession, actor: Actor, file: Path, name: str, profile_name: str
) -> ImportBatch:
    """Keep an uploaded file and propose a profile: the one asked for, the mapping remembered, or the best fit.

    Raises:
        ImportFileError: The file cannot be read, or the profile is unknown.
        NotFoundError: The actor has no branch.
    """
    digest, kept = importer.files.keep(file)
    branch_id = branch_of(session, actor, None)
    document: dict[str, Any] = {}
    if profile_name:
        _, document = importer.library.find(profile_name)
    else:
        usable = [profile for profile, _ in importer.library.offered(branch_id).values()]
        found = inspect_file(kept, usable, StageOptions(name))
        document = remembered(session, branch_id, found.headers) or _document_of(importer, found)
    batch = ImportBatch(
        branch_id=branch_id, profile_id="", profile={}, source="", file_name=name, sha256=digest,
        size=kept.stat().st_size, state="draft", actor_id=actor.user_id, actor_name=actor.name,
    )  # fmt: skip
    if document:
        set_document(importer, batch, document)
    session.add(batch)
    session.flush()  # the id is the address of the next page
    return batch


def _document_of(importer: Importer, found: Inspection) -> dict[str, Any]:
    return importer.library.profiles[found.profile][1] if found.profile else {}


def set_document(importer: Importer, batch: ImportBatch, document: dict[str, Any]) -> None:
    """Give a draft a profile document.

    Raises:
        ImportFileError: ``profile_invalid``, or ``profile_inactive`` in the branch of the draft.
    """
    profile = importer.library.thaw(document)
    importer.library.require_active(profile, batch.branch_id)
    batch.profile, batch.profile_id, batch.source = document, profile.id, profile.source


def inspect_batch(importer: Importer, batch: ImportBatch) -> Inspection:
    """Look into the file of a batch with its profile, or with all profiles while none is chosen."""
    known = [profile for profile, _ in importer.library.offered(batch.branch_id).values()]
    profiles = [importer.library.thaw(batch.profile)] if batch.profile else known
    encoding = profiles[0].file.encoding if batch.profile else None
    return inspect_file(importer.files.kept(batch.sha256), profiles, StageOptions(batch.file_name, encoding))


def remembered(session: ScopedSession, branch_id: int, headers: list[str]) -> dict[str, Any] | None:
    """Return the profile document that a branch kept for files with these headers, or none."""
    setting = _setting(session, branch_id, headers)
    found: dict[str, Any] | None = setting.value if setting is not None else None
    return found


def remember(session: ScopedSession, branch_id: int, headers: list[str], document: dict[str, Any]) -> None:
    """Keep a profile document for the branch's next file with these headers."""
    setting = _setting(session, branch_id, headers)
    if setting is None:
        session.add(Setting(name=REMEMBERED + header_mark(headers), branch_id=branch_id, value=document))
    else:
        setting.value = document


def _setting(session: ScopedSession, branch_id: int, headers: list[str]) -> Setting | None:
    name = REMEMBERED + header_mark(headers)
    return session.scalar(select(Setting).where(Setting.name == name, Setting.branch_id == branch_id))


def find_batch(session: ScopedSession, batch_id: int, *states: str) -> ImportBatch:
    """Return a batch that the session's actor may see, in one of some states.

    Raises:
        NotFoundError: There is none.
        ConflictError: It has another state.
    """
    batch = session.scalar(select(ImportBatch).where(ImportBatch.id == batch_id))
    if batch is None:
        raise NotFoundError("unknown_batch", "There is no import {batch}.", batch=batch_id)
    if states and batch.state not in states:
        raise ConflictError("import_moved_on", "Import {batch} is past this step.", "Look at it again.", batch=batch_id)
    return batch
