"""Setting a value for the installation or a branch, and taking it back; every change is audited."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from core.db.session import ScopedSession
from core.errors import BanyanError, ConflictError, InvalidInputError, InvalidValueError, PermissionDeniedError
from core.plugin.contributions import Setting
from core.plugin.settings import effective, read_setting
from core.security import audit
from core.security.models import Setting as StoredSetting

if TYPE_CHECKING:
    from core.app import Suite

EDIT = "core.setting.edit"


def set_value(
    suite: Suite, session: ScopedSession, plugin_id: str, declared: Setting, text: str, branch_id: int | None
) -> Any:
    """Set a value from a text.

    Args:
        suite: The suite.
        session: A write session; its actor is recorded.
        plugin_id: Owner of the setting.
        declared: The setting.
        text: The value as typed.
        branch_id: The branch it shall hold for and below; none: the whole installation.

    Returns:
        The value.

    Raises:
        InvalidInputError: At the field ``value``: it is none of this setting, or the setting has none per branch.
        PermissionDeniedError: The place is not the actor's.
        ConflictError: Somebody else sets it at the same moment.
    """
    actor_name = _require_place(session, branch_id)
    if branch_id is not None and not declared.per_branch:
        problem = InvalidValueError("setting_not_per_branch", "This holds for the whole installation.")
        raise InvalidInputError({"value": problem})
    try:
        value = read_setting(declared, text)
    except InvalidValueError as error:
        raise InvalidInputError({"value": error}) from error
    old = effective(suite, plugin_id, declared, branch_id).value
    key = f"{plugin_id}.{declared.name}"
    row = _row(session, key, branch_id) or StoredSetting(name=key, branch_id=branch_id)
    row.value, row.changed_by = value, actor_name
    session.add(row)
    try:
        session.flush()
    except IntegrityError as error:
        raise ConflictError(
            "setting_taken", "Somebody else set this at the same moment.", "Look at it and save again."
        ) from error
    _note(suite, session, "setting.set", {"setting": key, "old": old, "new": value}, branch_id)
    return value


def reset_value(suite: Suite, session: ScopedSession, plugin_id: str, declared: Setting, branch_id: int | None) -> bool:
    """Take the value of a place away, so that it inherits again; returns whether there was one.

    Raises:
        PermissionDeniedError: The place is not the actor's.
    """
    _require_place(session, branch_id)
    key = f"{plugin_id}.{declared.name}"
    row = _row(session, key, branch_id)
    if row is None:
        return False
    old = row.value
    session.delete(row)
    session.flush()
    _note(suite, session, "setting.reset", {"setting": key, "old": old}, branch_id)
    return True


def may_set(session: ScopedSession, branch_id: int | None) -> bool:
    """Whether the actor may set values at a place: those of the installation only who sees all of it."""
    actor = session.actor
    if actor is None or not actor.may(EDIT):
        return False
    return actor.sees_all_branches or branch_id in actor.branch_ids


def _require_place(session: ScopedSession, branch_id: int | None) -> str:
    if session.actor is None or not may_set(session, branch_id):
        refused: BanyanError = PermissionDeniedError(
            "foreign_setting",
            "You can only set values of your own branches.",
            "Ask an administrator of the whole installation.",
        )
        raise refused
    return session.actor.name


def _row(session: ScopedSession, key: str, branch_id: int | None) -> StoredSetting | None:
    at = StoredSetting.branch_id.is_(None) if branch_id is None else StoredSetting.branch_id == branch_id
    return session.scalar(select(StoredSetting).where(StoredSetting.name == key, at))


def _note(suite: Suite, session: ScopedSession, action: str, facts: dict[str, Any], branch_id: int | None) -> None:
    audit.record(session, action, detail=facts, branch_id=branch_id)
    session.after_commit.append(suite.setting_values.forget)
