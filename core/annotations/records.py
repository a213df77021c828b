"""Tags and notes of records; the caller has loaded the record, so that its row rule holds."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from sqlalchemy import delete, insert, select

from core.annotations.models import TAG_LENGTH, Note, RecordTag, Tag
from core.db.session import ScopedSession
from core.errors import InvalidInputError, InvalidValueError, NotFoundError
from core.security.audit import record as audit
from core.values.text import narrow

NOTE_LENGTH = 4_000
MOST_TAGS = 500
"""Tags of the installation that are offered while typing."""
_UNSTORABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]")


def tag_name(text: str) -> str:
    """Return a tag as it is stored: half-width signs, single blanks.

    Raises:
        InvalidInputError: Nothing is left, or it is too long.
    """
    name = " ".join(_UNSTORABLE.sub("", narrow(text)).split())
    if not 1 <= len(name) <= TAG_LENGTH:
        problem = InvalidValueError("wrong_length", "Give between 1 and {most} characters.", most=TAG_LENGTH)
        raise InvalidInputError({"tag": problem})
    return name


def tag_id(session: ScopedSession, name: str) -> int:
    """Return the number of a tag, made where there is none; ``name`` is one that `tag_name` gave."""
    found = session.scalar(select(Tag.id).where(Tag.name == name))
    if found is None:
        tag = Tag(name=name)
        session.add(tag)
        session.flush()
        found = tag.id
    return found


def known_tags(session: ScopedSession) -> list[str]:
    """Return the tags of the installation, by name."""
    return list(session.scalars(select(Tag.name).order_by(Tag.name).limit(MOST_TAGS)))


def tags_of(session: ScopedSession, model: str, ids: Sequence[int]) -> dict[int, list[str]]:
    """Return the tags of records, by name; records without any are absent."""
    rows = select(RecordTag.row_id, Tag.name).join(Tag, Tag.id == RecordTag.tag_id)
    found: dict[int, list[str]] = {}
    for row_id, name in session.execute(
        rows.where(RecordTag.model == model, RecordTag.row_id.in_(ids)).order_by(Tag.name)
    ):
        found.setdefault(row_id, []).append(name)
    return found


def tagged(session: ScopedSession, model: str, ids: Sequence[int], name: str) -> dict[int, bool]:
    """Return of each record whether it carries a tag."""
    given = select(RecordTag.row_id).join(Tag, Tag.id == RecordTag.tag_id)
    where = (RecordTag.model == model, RecordTag.row_id.in_(ids), Tag.name == name)
    carrying = set(session.scalars(given.where(*where)))
    return {row_id: row_id in carrying for row_id in ids}


def set_tag(session: ScopedSession, model: str, states: Mapping[int, bool], name: str) -> None:
    """Put a tag on records, or take it off.

    Args:
        session: A write session.
        model: Model id.
        states: Whether each record carries the tag afterwards.
        name: The tag as `tag_name` gives it.
    """
    number = tag_id(session, name)
    off = [row_id for row_id, state in states.items() if not state]
    present = tagged(session, model, list(states), name)
    fresh = [
        {"model": model, "row_id": row_id, "tag_id": number}
        for row_id, state in states.items()
        if state and not present[row_id]
    ]
    if off:
        mine = (RecordTag.model == model, RecordTag.tag_id == number, RecordTag.row_id.in_(off))
        session.execute(delete(RecordTag).where(*mine))
    if fresh:
        session.execute(insert(RecordTag), fresh)


def add_note(session: ScopedSession, model: str, row_id: int, text: str) -> Note:
    """Write a note; the audit trail tells that, not what.

    Raises:
        InvalidInputError: The text is empty or too long.
    """
    clean = _UNSTORABLE.sub("", text).strip()
    if not 1 <= len(clean) <= NOTE_LENGTH:
        problem = InvalidValueError("wrong_length", "Give between 1 and {most} characters.", most=NOTE_LENGTH)
        raise InvalidInputError({"text": problem})
    note = Note(model=model, row_id=row_id, text=clean, author_id=author(session))
    session.add(note)
    session.flush()
    audit(session, "note.added", model, row_id, {"note": note.id})
    return note


def delete_note(session: ScopedSession, model: str, row_id: int, note_id: int) -> None:
    """Delete one of one's own notes of a record.

    Raises:
        NotFoundError: There is none.
    """
    note = session.get(Note, note_id)
    if note is None or (note.model, note.row_id, note.author_id) != (model, row_id, author(session)):
        raise NotFoundError("unknown_note", "There is no such note.")
    session.delete(note)
    audit(session, "note.deleted", model, row_id, {"note": note_id})


def author(session: ScopedSession) -> int:
    """Return who writes.

    Raises:
        NotFoundError: It is a system task.
    """
    if session.actor is None or session.actor.user_id is None:
        raise NotFoundError("not_a_person", "Only people add to records.")
    return session.actor.user_id
