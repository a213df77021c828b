"""Attachments: what may be attached, storing by content, deleting."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from core.annotations.models import Attachment
from core.annotations.records import author
from core.db.session import ScopedSession
from core.errors import InvalidInputError, InvalidValueError, NotFoundError
from core.security.audit import record as audit

PIECE = 1 << 20
ZIP, OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
KINDS: dict[str, tuple[str, bytes]] = {
    ".pdf": ("application/pdf", b"%PDF-"),
    ".png": ("image/png", b"\x89PNG"),
    ".jpg": ("image/jpeg", b"\xff\xd8\xff"),
    ".jpeg": ("image/jpeg", b"\xff\xd8\xff"),
    ".gif": ("image/gif", b"GIF8"),
    ".docx": ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", ZIP),
    ".xlsx": ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", ZIP),
    ".pptx": ("application/vnd.openxmlformats-officedocument.presentationml.presentation", ZIP),
    ".doc": ("application/msword", OLE),
    ".xls": ("application/vnd.ms-excel", OLE),
    ".ppt": ("application/vnd.ms-powerpoint", OLE),
    ".txt": ("text/plain", b""),
    ".csv": ("text/csv", b""),
}
"""Endings with their kind and the bytes that such a file begins with; nothing that a browser would run (5.2.2)."""


def store_file(folder: Path, content: BinaryIO, name: str, most: int) -> tuple[str, str, int]:
    """Check an uploaded file and put it into the store.

    Args:
        folder: The data folder.
        content: The upload.
        name: Its name as the browser gave it.
        most: Largest size in MB (OWASP ASVS 5.0 5.2.1).

    Returns:
        Kind, SHA-256 and size in bytes.

    Raises:
        InvalidInputError: It is empty, too large, of a kind that is not accepted, or not what its name says.
    """
    ending = PurePosixPath(name).suffix.lower()
    if ending not in KINDS:
        raise _refused("file_kind", "Files of this kind cannot be attached.", "Attach a PDF, picture or office file.")
    kind, begin = KINDS[ending]
    store = folder / "files"
    store.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=store, suffix=f".{os.getpid()}", delete=False) as waiting:
        try:
            sha256, size = _copy(content, waiting, begin, most)
            target = stored_at(folder, sha256)
            target.parent.mkdir(exist_ok=True)
            Path(waiting.name).replace(target)
        except BaseException:
            Path(waiting.name).unlink(missing_ok=True)
            raise
    return kind, sha256, size


def stored_at(folder: Path, sha256: str) -> Path:
    """Return where the content with this SHA-256 is."""
    return folder / "files" / sha256[:2] / sha256


def attach(session: ScopedSession, record: tuple[str, int], name: str, stored: tuple[str, str, int]) -> Attachment:
    """Note that a stored file belongs to a record.

    Args:
        session: A write session.
        record: Model id and number.
        name: File name for people.
        stored: What `store_file` gave.
    """
    (model, row_id), (kind, sha256, size) = record, stored
    plain = "".join(sign for sign in PurePosixPath(name.replace("\\", "/")).name if sign.isprintable())[-200:]
    made = Attachment(model=model, row_id=row_id, name=plain, kind=kind, size=size, sha256=sha256)
    made.author_id = author(session)
    session.add(made)
    session.flush()
    audit(session, "attachment.added", model, row_id, {"attachment": made.id, "sha256": sha256, "size": size})
    return made


def attachment_of(session: ScopedSession, model: str, row_id: int, number: int) -> Attachment:
    """Return an attachment of a record.

    Raises:
        NotFoundError: There is none of this number on this record.
    """
    found = session.get(Attachment, number)
    if found is None or (found.model, found.row_id) != (model, row_id):
        raise NotFoundError("unknown_attachment", "There is no such attachment.")
    return found


def detach(session: ScopedSession, found: Attachment) -> None:
    """Take a file off its record; the content stays in the store, where imports may need it."""
    session.delete(found)
    audit(session, "attachment.deleted", found.model, found.row_id, {"sha256": found.sha256})


def _copy(content: BinaryIO, target: Any, begin: bytes, most: int) -> tuple[str, int]:
    """Copy an upload to the disk; returns its SHA-256 and size."""
    digest, size = hashlib.sha256(), 0
    while piece := content.read(PIECE):
        if not size and (not piece.startswith(begin) or (not begin and b"\0" in piece)):
            raise _refused("file_lies", "The content is not what the name says.", "Attach the file itself.")
        size += len(piece)
        if size > most << 20:
            raise _refused("file_large", "A file has at most {most} MB.", "Make it smaller.", most=most)
        digest.update(piece)
        target.write(piece)
    if not size:
        raise _refused("file_empty", "The file is empty.", "Choose another one.")
    target.flush()
    os.fsync(target.fileno())
    return digest.hexdigest(), size


def _refused(code: str, message: str, cure: str, **facts: object) -> InvalidInputError:
    return InvalidInputError({"file": InvalidValueError(code, message, cure, **facts)})
