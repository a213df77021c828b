"""Working days, against the State Council's notice for 2026 (国办发明电〔2025〕7号)."""

from datetime import date

import pytest

from core.values.working_days import day_mark, next_working_day


@pytest.mark.parametrize(
    ("day", "works", "holiday", "exchanged"),
    [
        (date(2026, 10, 1), False, "国庆节", False),
        (date(2026, 10, 10), True, "", True),
        (date(2026, 10, 11), False, "", False),
        (date(2026, 2, 14), True, "", True),
        (date(2026, 2, 17), False, "春节", False),
        (date(2026, 11, 23), True, "", False),
    ],
)
def test_a_day_is_what_the_notice_says(day: date, works: bool, holiday: str, exchanged: bool) -> None:
    mark = day_mark(day)

    assert (mark.works, mark.exchanged) == (works, exchanged)
    assert holiday in mark.holiday
    assert bool(mark.holiday) == bool(holiday)


def test_the_next_working_day_is_after_the_holidays_and_may_be_a_saturday() -> None:
    assert next_working_day(date(2026, 9, 30)) == date(2026, 10, 8)
    assert next_working_day(date(2026, 10, 9)) == date(2026, 10, 10)
    assert next_working_day(date(2026, 2, 14)) == date(2026, 2, 24)
