"""Working days of the People's Republic of China: weekends, holidays, and the weekend days worked in exchange."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from holidays import HolidayBase

LANGUAGES = {"zh_CN": "zh_CN", "en": "en_US"}


@dataclass(frozen=True)
class DayMark:
    """What sets a day apart.

    Args:
        works: Whether offices are open.
        holiday: Name of the holiday or of the day off in exchange; empty for none.
        exchanged: Whether it is a weekend day that is worked.
    """

    works: bool
    holiday: str = ""
    exchanged: bool = False


def day_mark(day: date, locale: str = "zh_CN") -> DayMark:
    """Return what a day is.

    Args:
        day: The day.
        locale: Language of the holiday's name, ``zh_CN`` or ``en``.

    Returns:
        Its mark, as 全国年节及纪念日放假办法 and the yearly notice of the State Council set it. A year whose notice
        is not out yet has its holidays, and no exchanged days.
    """
    known = _calendar(LANGUAGES[locale])
    works = known.is_working_day(day)
    return DayMark(works, known.get(day) or "", exchanged=works and day.weekday() >= 5)


def next_working_day(day: date) -> date:
    """Return the first working day after a day."""
    day += timedelta(days=1)
    while not day_mark(day).works:
        day += timedelta(days=1)
    return day


@cache
def _calendar(language: str) -> HolidayBase:
    # The library brings the calendars of two hundred countries; a process that shows no calendar does without.
    from holidays import country_holidays

    return country_holidays("CN", language=language)
