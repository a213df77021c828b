"""The dated limits of the class rules: seeded with their source, read for a day, changed from a day on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any, Literal

from sqlalchemy import select

from core.api import InvalidValueError, Label, NotFoundError, ScopedSession
from plugins.crm_customers.classification import Thresholds
from plugins.crm_customers.models.classes import ClassSetting

FROM_THE_START = date(2000, 1, 1)
Unit = Literal["money", "ratio", "count", "days", "months"]


@dataclass(frozen=True)
class Setting:
    """A limit that administrators may change.

    Args:
        name: Attribute of ``Thresholds``.
        value: Default; yuan for amounts, 0.30 for 30 %.
        unit: What it measures.
        origin: Source of the default.
        label: For the settings page.
    """

    name: str
    value: Decimal
    unit: Unit
    origin: str
    label: Label


def _setting(name: str, value: str, unit: Unit, origin: str, labels: tuple[str, str]) -> Setting:
    return Setting(name, Decimal(value), unit, origin, Label(*labels))


SETTINGS: tuple[Setting, ...] = (
    _setting("important_premium", "50000", "money", "SEED1 §2 重要客户", ("Important from premium", "重要客户保费")),
    _setting("premium_months", "12", "months", "SEED1 §2; reading 11", ("Months of that premium", "保费统计月数")),
    _setting("good_loss_ratio", "0.30", "ratio", "SEED1 §2 优质客户", ("Good up to loss ratio", "优质赔付率上限")),
    _setting("good_insured_months", "12", "months", "reading 10", ("Months insured for that", "优质最少承保月数")),
    _setting("claim_free_months", "36", "months", "SEED1 §2; reading 27", ("Claim-free months", "连续无赔月数")),
    _setting("gap_days", "30", "days", "reading 10", ("Gap that does not break cover", "视为连续的间隔天数")),
    _setting("blacklist_claims", "3", "count", "SEED1 §2 黑名单", ("Blacklist from claims", "黑名单赔案数")),
    _setting("blacklist_ratio", "1.50", "ratio", "SEED1 §2 黑名单", ("Blacklist above loss ratio", "黑名单赔付率")),
    _setting("blacklist_months", "12", "months", "reading 9", ("Months of those claims", "黑名单统计月数")),
    _setting("overdue_days", "90", "days", "reading 30", ("Credit not good above days overdue", "逾期天数上限")),
    _setting("grace_days", "0", "days", "reading 29", ("Days of grace after a lapse", "脱保宽限天数")),
    _setting("grow_gap", "10000", "money", "CU-27, own default", ("Grow within gap to important", "增值保费差额")),
    _setting("keep_days", "60", "days", "CU-27, own default", ("Keep within days of expiry", "保留期天数")),
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
    rows = session.execute(
        select(ClassSetting.name, ClassSetting.value)
        .where(ClassSetting.valid_from <= as_of)
        .order_by(ClassSetting.valid_from, ClassSetting.id)
    )
    values = {setting.name: setting.value for setting in SETTINGS}
    values.update((name, Decimal(value)) for name, value in rows if name in _BY_NAME)
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
        InvalidValueError: ``class_setting_value`` for a negative value or a fraction where a whole number belongs.
    """
    _check(name, value)
    row = session.scalars(
        select(ClassSetting).where(ClassSetting.name == name, ClassSetting.valid_from == valid_from)
    ).first()
    if row is None:
        row = ClassSetting(name=name, valid_from=valid_from, version=0)
        session.add(row)
    row.value, row.origin, row.version = value, origin, row.version + 1
    session.flush()
    return row


def _check(name: str, value: Decimal) -> None:
    setting = _BY_NAME.get(name)
    if setting is None:
        raise NotFoundError(
            "unknown_class_setting", "There is no class setting {name}.", "See the list of settings.", name=name
        )
    whole = setting.unit in {"count", "days", "months"}
    if not value.is_finite() or value < 0 or (whole and value != value.to_integral_value()):
        raise InvalidValueError(
            "class_setting_value",
            "{value} is no value for {name}.",
            "Give a whole number, not negative." if whole else "Give a number, not negative.",
            value=str(value),
            name=name,
        )


def _thresholds(values: dict[str, Decimal]) -> Thresholds:
    read: dict[str, Callable[[Decimal], Any]] = {"money": lambda value: int(value * 100), "ratio": Fraction}
    return Thresholds(**{name: read.get(_BY_NAME[name].unit, int)(value) for name, value in values.items()})
