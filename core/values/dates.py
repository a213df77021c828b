"""Civil dates and instants: reading what exports hold, and the calendar steps of insurance terms."""

from __future__ import annotations

import datetime as dt
import re
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from core.errors import InvalidValueError
from core.values.text import LONGEST_NUMBER, is_empty, narrow

EXCEL_1900: Final = "excel"
EXCEL_1904: Final = "excel-1904"
_TIME = (
    r"(?:(?:[T ]|\s*(?=\d{1,2}[时点]))\s*(?P<h>\d{1,2})[:时点](?:(?P<mi>\d{1,2})分?)?(?::?(?P<s>\d{1,2})(?:\.\d+)?秒?)?"
    r"整?\s*(?P<zone>Z|[+-]\d{2}:?\d{2})?)?"
)
_YEAR_FIRST: Final = re.compile(r"(?P<y>\d{4})(?P<sep>[-/.年])\s*(?P<m>\d{1,2})[-/.月]\s*(?P<d>\d{1,2})日?\s*" + _TIME)
_COMPACT: Final = re.compile(
    r"(?P<y>\d{4})(?P<m>\d{2})(?P<d>\d{2})(?:(?P<h>\d{2})(?P<mi>\d{2})(?P<s>\d{2})(?P<zone>$)?)?"
)
_COMPACT_TIME: Final = re.compile(r"(?P<y>\d{4})(?P<m>\d{2})(?P<d>\d{2})\s*" + _TIME)
_YEAR_LAST: Final = re.compile(r"(?P<a>\d{1,2})[-/.](?P<b>\d{1,2})[-/.](?P<y>\d{4})\s*" + _TIME)
_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_NAMED_MONTH: Final = re.compile(
    rf"(?P<d>\d{{1,2}})[-/. ](?P<name>{'|'.join(_MONTHS)})[a-z]*[-/., ]\s*(?P<y>\d{{4}})\s*" + _TIME, re.IGNORECASE
)
_NAMED_MONTH_SHORT_YEAR: Final = re.compile(
    rf"\d{{1,2}}[-/. ](?:{'|'.join(_MONTHS)})[a-z]*[-/., ]\s*\d{{2}}(?:[T ].*)?", re.IGNORECASE
)
_TWO_DIGIT_YEAR: Final = re.compile(r"\d{1,2}[-/.年]\d{1,2}[-/.月]\d{1,2}日?(?:[T ].*)?|\d{6}")
_SERIAL: Final = re.compile(r"\d{5}(?:\.\d+)?")
_NO_DATE: Final = re.compile(
    r"(?:0{4}[-/.年]?0{1,2}[-/.月]?0{1,2}日?|1900[-/.]0?1[-/.]0{1,2})(?:[T ][0:.]+)?|0(?:\.0+)?"
)
_CHINA: Final = "Asia/Shanghai"
_DAY: Final = dt.timedelta(days=1)


@lru_cache(maxsize=65536)
def parse_date(raw: str, format: str | None = None) -> dt.date | None:  # noqa: A002 - the profile's key is "format"
    """Read a civil date; it never passes through a time zone, and a time of day behind it is dropped.

    Args:
        raw: Text as delivered: ISO, ``2020/9/19``, ``20200919``, ``2020年9月19日``, ``19-Sep-2020``, an Excel
            serial, full width …
        format: ``strptime`` pattern of the profile, or ``"excel"`` / ``"excel-1904"`` for serial numbers of any size.

    Returns:
        The day, or None for an empty marker, ``0000-00-00`` and ``1900-01-00``. ``24:00`` stays on its written day.

    Raises:
        InvalidValueError: ``ambiguous_date``, ``invalid_date`` or ``date_out_of_range`` (outside 1900..2100).
            Source: domain facts T9-1, T9-2.
    """
    parts = _read(raw, format)
    return parts[0] if parts else None


@lru_cache(maxsize=65536)
def parse_datetime(raw: str, format: str | None = None, zone: str = _CHINA) -> dt.datetime | None:  # noqa: A002 - as above
    """Read an instant; a text without an offset is wall-clock time in ``zone``.

    Args:
        raw: Text as delivered; a date alone means its midnight, ``24:00`` the midnight that ends the day.
        format: As for :func:`parse_date`.
        zone: IANA name of the source's time zone.

    Returns:
        An aware instant in UTC, or None where there is no value.

    Raises:
        InvalidValueError: As :func:`parse_date`.
    """
    parts = _read(raw, format)
    if parts is None:
        return None
    day, seconds, offset = parts
    wall = dt.datetime(day.year, day.month, day.day) + dt.timedelta(seconds=seconds)  # noqa: DTZ001 - zone comes next
    return wall.replace(tzinfo=offset or _zone(zone)).astimezone(dt.UTC)


def add_years(day: dt.date, years: int) -> dt.date:
    """Return the anniversary; 29 February becomes 1 March in a common year.

    Args:
        day: Start day.
        years: Whole years, may be negative.

    Source: domain facts section 11 row 4.
    """
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return dt.date(day.year + years, 3, 1)


def last_day_of_cover(start: dt.date, end: dt.date) -> dt.date:
    """Return the last day covered: the day before an anniversary of the start, else the given end.

    Args:
        start: First day of cover.
        end: End as the source states it; some write the anniversary (0:00 of that day), some the last day.

    Raises:
        InvalidValueError: ``end_before_start``. Source: domain facts section 11 rows 4 and 23.
    """
    if end < start:
        raise InvalidValueError(
            "end_before_start",
            "The end {end} is before the start {start}.",
            "Correct one of the dates.",
            start=start,
            end=end,
        )
    years = end.year - start.year
    return end - _DAY if years > 0 and end == add_years(start, years) else end


def _read(raw: str, pattern: str | None) -> tuple[dt.date, int, dt.tzinfo | None] | None:
    """Return day, seconds since its midnight (86400 for 24:00) and offset."""
    text = narrow(raw)
    if len(text) > LONGEST_NUMBER:
        raise _invalid(text)
    if is_empty(text) or _NO_DATE.fullmatch(text):
        return None
    if pattern is not None:
        return _read_pattern(text, pattern)
    if _SERIAL.fullmatch(text):
        return _from_serial(text, dt.date(1899, 12, 30))
    match = _YEAR_FIRST.fullmatch(text) or _COMPACT.fullmatch(text) or _COMPACT_TIME.fullmatch(text)
    if match:
        return _from_match(text, match, int(match["m"]), int(match["d"]))
    match = _YEAR_LAST.fullmatch(text)
    if match:
        return _from_match(text, match, *_month_and_day(text, int(match["a"]), int(match["b"])))
    match = _NAMED_MONTH.fullmatch(text)
    if match:
        return _from_match(text, match, _MONTHS.index(match["name"].lower()) + 1, int(match["d"]))
    if _TWO_DIGIT_YEAR.fullmatch(text) or _NAMED_MONTH_SHORT_YEAR.fullmatch(text):
        raise _ambiguous(text)
    raise _invalid(text)


def _read_pattern(text: str, pattern: str) -> tuple[dt.date, int, dt.tzinfo | None]:
    if pattern in (EXCEL_1900, EXCEL_1904):
        try:
            return _from_serial(text, dt.date(1904, 1, 1) if pattern == EXCEL_1904 else dt.date(1899, 12, 30))
        except (ValueError, OverflowError) as error:
            raise _invalid(text) from error
    try:
        moment = dt.datetime.strptime(text, pattern)  # noqa: DTZ007 - a civil date, an offset is kept apart
    except ValueError as error:
        # A typed date cell arrives in ISO form whatever the profile says about the text cells of its column.
        match = None if pattern.startswith("%Y") else _YEAR_FIRST.fullmatch(text)
        if match is None:
            raise _invalid(text) from error
        return _from_match(text, match, int(match["m"]), int(match["d"]))
    seconds = moment.hour * 3600 + moment.minute * 60 + moment.second
    return _in_range(text, moment.date()), seconds, moment.tzinfo


def _from_serial(text: str, epoch: dt.date) -> tuple[dt.date, int, dt.tzinfo | None]:
    number = float(text)
    days = int(number)
    seconds = round((number - days) * 86400)
    if epoch.year == 1899:
        if days == 60:  # Excel counts a 29 February 1900 that never was
            raise _invalid(text)
        days += days < 60
    return _in_range(text, epoch + dt.timedelta(days=days)), seconds, None


def _from_match(text: str, match: re.Match[str], month: int, day: int) -> tuple[dt.date, int, dt.tzinfo | None]:
    try:
        civil = dt.date(int(match["y"]), month, day)
    except ValueError as error:
        raise _invalid(text) from error
    hour, minute, second = int(match["h"] or 0), int(match["mi"] or 0), int(match["s"] or 0)
    seconds = hour * 3600 + minute * 60 + second
    if seconds > 86400 or minute > 59 or second > 59:
        raise _invalid(text)
    return _in_range(text, civil), seconds, _offset(match["zone"])


def _month_and_day(text: str, first: int, second: int) -> tuple[int, int]:
    if first <= 12 and second <= 12 and first != second:
        raise _ambiguous(text)
    return (first, second) if first <= 12 else (second, first)


def _offset(text: str | None) -> dt.tzinfo | None:
    if not text:
        return None
    return dt.UTC if text == "Z" else dt.datetime.strptime(text, "%z").tzinfo


@lru_cache(maxsize=16)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def _in_range(text: str, day: dt.date) -> dt.date:
    if 1900 <= day.year <= 2100:
        return day
    raise InvalidValueError(
        "date_out_of_range", "The date “{value}” is outside 1900–2100.", "Correct the year in the source.", value=text
    )


def _ambiguous(text: str) -> InvalidValueError:
    return InvalidValueError(
        "ambiguous_date",
        "The date “{value}” can be read in more than one way.",
        "State the date format in the import profile, such as date_format = {example}.",
        example=f'"{_likely_format(text)}"',
        value=text,
    )


def _likely_format(text: str) -> str:
    """Return the format that a date with two readings most often has, to be copied."""
    if text.isdigit() or "年" in text:
        return "%y%m%d" if text.isdigit() else "%y年%m月%d日"
    year = "%Y" if re.search(r"\d{4}", text) else "%y"
    middle = "%b" if re.search(r"[A-Za-z]{3}", text) else "%m"
    sign = next((each for each in text if each in "-/. "), "/")
    return sign.join(("%d", middle, year))


def _invalid(text: str) -> InvalidValueError:
    return InvalidValueError(
        "invalid_date", "“{value}” is not a date.", "Write the date as YYYY-MM-DD or state its format.", value=text
    )
