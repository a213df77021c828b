"""The dated limits of the class rules: seeded with their source, read for a day, changed from a day on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

from sqlalchemy import Connection, Date, bindparam, event, select
from sqlalchemy.orm import Mapper

from core.api import InvalidInputError, InvalidValueError, NotFoundError, ScopedSession
from plugins.crm_customers.class_limits import SETTINGS
from plugins.crm_customers.classification import Thresholds
from plugins.crm_customers.models.classes import ClassSetting

FROM_THE_START = date(2000, 1, 1)
_VALID = (
    select(ClassSetting.name, ClassSetting.value)
    .where(ClassSetting.valid_from <= bindparam("day", type_=Date))
    .order_by(ClassSetting.valid_from, ClassSetting.id)
)
_BY_NAME = {setting.name: setting for setting in SETTINGS}


def seed_settings(session: ScopedSession) -> int:
    """Add the defaults that are missing; values that were changed stay.

    Returns:
        How many were added.
    """
    known = set(session.scalars(select(ClassSetting.name)))
    missing = [setting for setting in SETTINGS if setting.name not in known]
    for setting in missing:
        session.add(
            ClassSetting(name=setting.name, value=setting.value, valid_from=FROM_THE_START, origin=setting.origin)
        )
    session.flush()
    return len(missing)


def thresholds_on(session: ScopedSession, as_of: date) -> Thresholds:
    """Return the limits valid on a day: the latest row of each name, else the default."""
    rows = session.rows(_VALID, {"day": as_of})
    values = {setting.name: setting.value for setting in SETTINGS}
    values.update((row.name, Decimal(row.value)) for row in rows if row.name in _BY_NAME)
    return _thresholds(values)


def change_setting(session: ScopedSession, name: str, value: Decimal, valid_from: date, origin: str) -> ClassSetting:
    """Set a limit from a day on; earlier days keep theirs. Classify again for it to take effect.

    Args:
        session: A write session.
        name: Name in ``SETTINGS``.
        value: Yuan, ratio (0.30 for 30 %) or a whole number, by the setting's unit.
        valid_from: First day.
        origin: Why: a circular, a decision.

    Raises:
        NotFoundError: ``unknown_class_setting``.
        InvalidInputError: ``class_setting_value`` for a negative value or a fraction where a whole number belongs.
    """
    if name not in _BY_NAME:
        raise NotFoundError(
            "unknown_class_setting", "There is no class setting {name}.", "See the list of settings.", name=name
        )
    row = session.scalars(
        select(ClassSetting).where(ClassSetting.name == name, ClassSetting.valid_from == valid_from)
    ).first()
    if row is None:
        row = ClassSetting(name=name, valid_from=valid_from, version=0)
        session.add(row)
    row.value, row.origin, row.version = value, origin, row.version + 1
    session.flush()
    return row


@event.listens_for(ClassSetting, "before_insert")
@event.listens_for(ClassSetting, "before_update")
def refuse_impossible(_mapper: Mapper[Any], _connection: Connection, row: ClassSetting) -> None:
    """Refuse a value that the limit cannot have, wherever it comes from: form, JSON interface or code.

    Raises:
        InvalidInputError: ``class_setting_value`` at the field ``value``.
    """
    setting = _BY_NAME.get(row.name)
    whole = setting is not None and setting.unit in {"count", "days", "months"}
    if not row.value.is_finite() or row.value < 0 or (whole and row.value != row.value.to_integral_value()):
        problem = InvalidValueError(
            "class_setting_value",
            "{value} is no value for {name}.",
            "Give a whole number, not negative." if whole else "Give a number, not negative.",
            value=str(row.value),
            name=row.name,
        )
        raise InvalidInputError({"value": problem})


def _thresholds(values: dict[str, Decimal]) -> Thresholds:
    read: dict[str, Callable[[Decimal], Any]] = {"money": lambda value: int(value * 100), "ratio": Fraction}
    return Thresholds(**{name: read.get(_BY_NAME[name].unit, int)(value) for name, value in values.items()})
