"""The limits of the class rules: what each measures, its default and where that stands."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from core.api import Choice, Label

Unit = Literal["money", "ratio", "count", "days", "months"]


@dataclass(frozen=True)
class Setting:
    """A limit that administrators may change.

    Args:
        name: Attribute of ``Thresholds``.
        value: Default; yuan for amounts, 0.30 for 30 %.
        unit: What it measures.
        origin: Source of the default.
        label: For the list of settings.
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
NAMES = tuple(Choice(setting.name, setting.label) for setting in SETTINGS)
"""The settings as values of a choice field."""
