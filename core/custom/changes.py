"""Adding, changing, removing and purging custom fields; every change is audited and holds in all processes at once."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import delete, func, select
from sqlalchemy.exc import IntegrityError

from core.custom.fields import KINDS, PREFIX
from core.custom.models import CustomField
from core.db.session import ScopedSession
from core.errors import (
    BanyanError,
    ConflictError,
    InvalidInputError,
    InvalidValueError,
    NotFoundError,
    PermissionDeniedError,
)
from core.plugin.epochs import bump_epoch
from core.registry.added_fields import value_table
from core.registry.models import RegisteredModel
from core.security import audit
from core.security.permissions import ACCESS_EPOCH

if TYPE_CHECKING:
    from core.app import Suite

EDIT = "core.custom_field.edit"
CODE = re.compile(r"[a-z][a-z0-9_]{0,29}")
MOST_FIELDS = 60
"""Fields of one model; each is a possible column, and a look-up per row where it is shown."""
MOST_OPTIONS = 100


@dataclass(frozen=True)
class Wish:
    """What an administrator asks for.

    Args:
        model: Model id.
        code: Name in filters, files and the interface, behind ``custom_``.
        label_en: English name.
        label_zh: Chinese name.
        kind: One of ``KINDS``.
        options: Of a choice: one option a line, ``code | English | Chinese``.
        required: Forms and the interface do not do without it.
        personal: Masked in lists, pages and files; shown in clear one by one, for a reason.
        branch_id: It exists for who works there or below; none: everywhere.
    """

    model: str
    code: str
    label_en: str
    label_zh: str
    kind: str
    options: str = ""
    required: bool = False
    personal: bool = False
    branch_id: int | None = None


def takers(suite: Suite) -> list[RegisteredModel]:
    """Return the models that take custom fields."""
    return [model for model in suite.registry if model.declaration.custom_values is not None]


def add_field(suite: Suite, session: ScopedSession, wish: Wish) -> CustomField:
    """Add a field.

    Raises:
        InvalidInputError: Something is wrong with it, at its field.
        ConflictError: There is a field with this code; two administrators may ask at the same moment.
        PermissionDeniedError: The branch is not the actor's.
    """
    _require_place(session, wish.branch_id)
    options = _checked(suite, wish)
    row = CustomField(
        model=wish.model, code=wish.code, label_en=wish.label_en.strip(), label_zh=wish.label_zh.strip(),
        kind=wish.kind, required=wish.required, personal=wish.personal, options=options, branch_id=wish.branch_id,
    )  # fmt: skip
    session.add(row)
    try:
        _done(suite, session, row, "custom_field.add")
    except IntegrityError as error:
        raise ConflictError(
            "field_taken",
            "There is already a field {name} of {model}.",
            "Choose another code, or look among the removed fields and those of other branches.",
            name=wish.code,
            model=wish.model,
        ) from error
    return row


def change_field(suite: Suite, session: ScopedSession, row: CustomField, wish: Wish) -> None:
    """Change names, options and whether it is required; model, code, kind, branch and protection stay.

    Raises:
        InvalidInputError: Something is wrong, or an option is gone that records may have.
        PermissionDeniedError: The field is not the actor's.
    """
    _require_place(session, row.branch_id)
    options = _checked(suite, wish)
    gone = [code for code, *_labels in row.options if code not in {option[0] for option in options}]
    if gone:
        raise _wrong(
            "options", "field_option_gone", "The option {name} cannot be left out: records may have it.",
            "Keep its line.", name=", ".join(gone),
        )  # fmt: skip
    row.label_en, row.label_zh = wish.label_en.strip(), wish.label_zh.strip()
    row.required, row.options = wish.required, options
    _done(suite, session, row, "custom_field.change")


def set_removed(suite: Suite, session: ScopedSession, row: CustomField, *, removed: bool) -> None:
    """Take a field out of everything, or bring it back with the values that it had.

    Raises:
        PermissionDeniedError: The field is not the actor's.
    """
    _require_place(session, row.branch_id)
    row.removed = removed
    _done(suite, session, row, "custom_field.remove" if removed else "custom_field.restore")


def purge_field(suite: Suite, session: ScopedSession, row: CustomField) -> int:
    """Delete a removed field with all its values.

    Returns:
        How many values went.

    Raises:
        ConflictError: It is still in use.
        PermissionDeniedError: The field is not the actor's.
    """
    _require_place(session, row.branch_id)
    if not row.removed:
        raise ConflictError("field_in_use", "Only a removed field can be purged.", "Remove it first.")
    number = stored_values(suite, session, row)
    if row.model in suite.registry:
        table = value_table(suite.registry.get(row.model))
        session.connection().execute(delete(table).where(table.c.field_id == row.id))
    facts = {"code": row.code, "count": number}
    session.delete(row)
    session.flush()
    audit.record(session, "custom_field.purge", row.model, None, facts, row.branch_id)
    _tell(suite, session)
    return number


def stored_values(suite: Suite, session: ScopedSession, row: CustomField) -> int:
    """Return how many records have a value of a field."""
    if row.model not in suite.registry:
        return 0
    table = value_table(suite.registry.get(row.model))
    query = select(func.count()).select_from(table).where(table.c.field_id == row.id)
    return int(session.connection().execute(query).scalar_one())


def find_field(session: ScopedSession, number: int) -> CustomField:
    """Return a declared field, removed or not.

    Raises:
        NotFoundError: There is none of this number in the actor's branches.
    """
    row = session.get(CustomField, number)
    actor = session.actor
    if (
        row is None
        or actor is None
        or not (actor.sees_all_branches or row.branch_id is None or row.branch_id in actor.branch_ids)
    ):
        raise NotFoundError("unknown_custom_field", "There is no such field.")
    return row


def may_change(session: ScopedSession, branch_id: int | None) -> bool:
    """Whether the actor may change the fields of a place: those of everybody only who sees all branches."""
    actor = session.actor
    if actor is None or not actor.may(EDIT):
        return False
    return actor.sees_all_branches or branch_id in actor.branch_ids


def _require_place(session: ScopedSession, branch_id: int | None) -> None:
    if not may_change(session, branch_id):
        raise PermissionDeniedError(
            "foreign_field",
            "You can only change fields of your own branches.",
            "Ask an administrator of the whole installation.",
        )


def _checked(suite: Suite, wish: Wish) -> list[list[str]]:
    """Check a wish; returns its options."""
    errors: dict[str, BanyanError] = {}
    if wish.model not in {model.id for model in takers(suite)}:
        errors["model"] = InvalidValueError("field_model", "This kind of record takes no further fields.")
    if not CODE.fullmatch(wish.code):
        errors["code"] = InvalidValueError(
            "field_code", "{name} is no code.", "Use small letters, figures and _, a letter first, at most 30.",
            name=wish.code[:40] or '""',
        )  # fmt: skip
    if wish.kind not in KINDS:
        errors["kind"] = InvalidValueError("field_kind", "There is no such kind of field.", "Choose one of the list.")
    for name in ("label_en", "label_zh"):
        if not 1 <= len(getattr(wish, name).strip()) <= 80:
            errors[name] = InvalidValueError("field_label", "A name has 1 to 80 characters.", "Write another one.")
    if wish.personal and wish.kind != "text":
        errors["personal"] = InvalidValueError("field_personal", "Only texts can be masked.", "Choose the kind Text.")
    if not errors and len(suite.custom_fields.of(wish.model, None)) >= MOST_FIELDS:
        errors["model"] = InvalidValueError("too_many_fields", "There are already {most} fields.", most=MOST_FIELDS)
    options, problem = _options(wish)
    if problem is not None:
        errors["options"] = problem
    if errors:
        raise InvalidInputError(errors)
    return options


def _options(wish: Wish) -> tuple[list[list[str]], BanyanError | None]:
    if wish.kind != "choice":
        return [], None
    lines = [[part.strip() for part in line.split("|")] for line in wish.options.splitlines() if line.strip()]
    codes = [line[0] for line in lines]
    sound = all(
        len(line) == 3 and CODE.fullmatch(line[0]) and all(1 <= len(part) <= 80 for part in line) for line in lines
    )
    if not 1 <= len(lines) <= MOST_OPTIONS or not sound or len(set(codes)) != len(codes):
        return [], InvalidValueError(
            "field_options",
            "The options cannot be read.",
            "Write one a line: code | English | Chinese, each code once.",
        )
    return lines, None


def _wrong(field: str, code: str, message: str, cure: str, **facts: object) -> InvalidInputError:
    return InvalidInputError({field: InvalidValueError(code, message, cure, **facts)})


def _done(suite: Suite, session: ScopedSession, row: CustomField, action: str) -> None:
    row.changed_by = session.actor.name if session.actor else ""
    session.flush()
    facts = {"code": f"{PREFIX}{row.code}", "kind": row.kind, "name": row.label_zh}
    audit.record(session, action, row.model, None, facts, row.branch_id)
    _tell(suite, session)


def _tell(suite: Suite, session: ScopedSession) -> None:
    bump_epoch(session, ACCESS_EPOCH)
    session.after_commit.append(suite.custom_fields.forget)
