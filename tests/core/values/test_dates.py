"""Civil dates, instants and the calendar of insurance terms."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InvalidValueError
from core.values.dates import add_years, last_day_of_cover, parse_date, parse_datetime

DAY = dt.date(2020, 9, 19)


@pytest.mark.parametrize(
    "raw",
    [
        "2020-09-19",
        "2020/9/19",
        "2020.9.19",
        "20200919",
        "2020年9月19日",
        "２０２０－０９－１９",
        "44093",
        "2020-09-19 00:00:00",
        "44093.0",
        "44093.75",
        "2020-09-19T08:00:00+08:00",
        "2020-09-19 24:00",
        "2020年09月19日24时",
        "2020年9月19日 8时30分",
        "20200919083000",
        "20200919 08:30",
        "2020-9-19 8:05",
        " 2020-09-19 ",
        "19/09/2020",
        "19-Sep-2020",
        "19 September 2020 08:30",
    ],
)
def test_t9_1_every_spelling_of_one_day_is_that_day(raw):
    assert parse_date(raw) == DAY


@pytest.mark.parametrize(
    "raw", ["0000-00-00", "1900-01-00", "--", "空", "", "NULL", "0", "00000000", "0000-00-00 00:00:00"]
)
def test_t9_2_markers_of_a_missing_date_are_no_value(raw):
    assert parse_date(raw) is None
    assert parse_datetime(raw) is None


@pytest.mark.parametrize("raw", ["19/09/20", "05/06/2020", "20-9-19", "200919", "19-Sep-20"])
def test_t9_2_a_date_with_two_readings_is_refused(raw):
    with pytest.raises(InvalidValueError) as caught:
        parse_date(raw)

    assert caught.value.code == "ambiguous_date"
    assert raw in str(caught.value)


@pytest.mark.parametrize(
    ("raw", "pattern", "expected"),
    [
        ("19/09/20", "%d/%m/%y", DAY),
        ("19-Sep-20", "%d-%b-%y", DAY),
        ("05/06/2020", "%m/%d/%Y", dt.date(2020, 5, 6)),
        ("05/06/2020", "%d/%m/%Y", dt.date(2020, 6, 5)),
        ("44093", "excel", DAY),
        ("59", "excel", dt.date(1900, 2, 28)),
        ("61", "excel", dt.date(1900, 3, 1)),
        ("42631", "excel-1904", DAY),
        ("2020-09-19 00:00:00", "%d/%m/%Y", DAY),
    ],
)
def test_a_format_of_the_profile_settles_the_reading(raw, pattern, expected):
    assert parse_date(raw, pattern) == expected


@pytest.mark.parametrize(
    ("raw", "pattern", "code"),
    [
        ("2021-02-29", None, "invalid_date"),
        ("合计", None, "invalid_date"),
        ("2020-13-01", None, "invalid_date"),
        ("2020-09-19 25:00", None, "invalid_date"),
        ("2020-09-19 24:01", None, "invalid_date"),
        ("1899-12-31", None, "date_out_of_range"),
        ("2101-01-01", None, "date_out_of_range"),
        ("9999-12-31", None, "date_out_of_range"),
        ("99999", None, "date_out_of_range"),
        ("60", "excel", "invalid_date"),
        ("2020-05-13", "%Y-%d-%m", "invalid_date"),
        ("abc", "excel", "invalid_date"),
    ],
)
def test_what_is_no_date_is_refused_with_its_reason(raw, pattern, code):
    with pytest.raises(InvalidValueError) as caught:
        parse_date(raw, pattern)

    assert caught.value.code == code


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("2020-09-19 10:00:00", "2020-09-19 02:00:00"),
        ("2020-09-19", "2020-09-18 16:00:00"),
        ("2020-09-19 24:00", "2020-09-19 16:00:00"),
        ("2020-09-19T10:00:00Z", "2020-09-19 10:00:00"),
        ("2020-09-19 10:00:00+09:00", "2020-09-19 01:00:00"),
        ("44093.5", "2020-09-19 04:00:00"),
        ("2020年9月19日10时30分", "2020-09-19 02:30:00"),
    ],
)
def test_an_instant_is_read_in_the_zone_of_its_source(raw, expected):
    instant = parse_datetime(raw)

    assert instant is not None
    assert instant.strftime("%Y-%m-%d %H:%M:%S") == expected
    assert instant.utcoffset() == dt.timedelta(0)


def test_another_zone_of_the_source_is_respected():
    assert parse_datetime("2020-07-01 12:00", zone="Europe/Paris") == dt.datetime(2020, 7, 1, 10, tzinfo=dt.UTC)


def test_one_year_after_29_february_is_1_march():
    assert add_years(dt.date(2020, 2, 29), 1) == dt.date(2021, 3, 1)
    assert add_years(dt.date(2020, 2, 29), 4) == dt.date(2024, 2, 29)


@pytest.mark.parametrize(
    ("start", "end", "last"),
    [
        ("2020-09-19", "2021-09-19", "2021-09-18"),
        ("2020-09-19", "2021-09-18", "2021-09-18"),
        ("2020-02-29", "2021-03-01", "2021-02-28"),
        ("2020-02-29", "2021-02-28", "2021-02-28"),
        ("2020-09-19", "2023-09-19", "2023-09-18"),
        ("2020-09-19", "2020-12-19", "2020-12-19"),
        ("2020-09-19", "2020-09-19", "2020-09-19"),
    ],
)
def test_an_end_on_the_anniversary_covers_until_the_day_before(start, end, last):
    result = last_day_of_cover(dt.date.fromisoformat(start), dt.date.fromisoformat(end))

    assert result == dt.date.fromisoformat(last)


def test_an_end_before_the_start_is_refused():
    with pytest.raises(InvalidValueError, match="before the start"):
        last_day_of_cover(dt.date(2021, 1, 2), dt.date(2021, 1, 1))


@given(st.dates(dt.date(1927, 6, 1), dt.date(2100, 12, 31)))
def test_every_day_survives_its_spellings(day):
    serial = (day - dt.date(1899, 12, 30)).days

    for raw in (
        f"{day:%Y-%m-%d}",
        f"{day:%Y%m%d}",
        f"{day.year}年{day.month}月{day.day}日",
        f"{day:%Y/%m/%d} 23:59:59",
        str(serial),
    ):
        assert parse_date(raw) == day
