"""Addresses: free text to province, city, county, street and the rest."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, NamedTuple

from core.values.text import narrow
from plugins.crm_customers import divisions
from plugins.crm_customers.divisions import Scope

_SPACE: Final = re.compile(r"\s+")
_BETWEEN: Final = "-,，.、·/\\|_:;；"
_POSTCODE: Final = re.compile(r"^\d{6}(?=[\u4e00-\u9fff])|^中国(?=[\u4e00-\u9fff])|^(?:地址|住址|通讯地址)[:]?")
# What follows a bare name when the name belongs to a road, estate or firm and not to a division.
_ROAD: Final = re.compile(
    r"[东西南北中新老大]{0,2}[一二三四五六七八九十]{0,2}"
    r"(?:路|街(?!道)|大道|道(?!县)|塘路|弄|巷|桥(?![镇街])|里(?!镇)|村(?!镇)|小区|公寓|花苑|花园|家园|佳苑|名苑|苑|大厦|广场|中心|明珠"
    r"|[河江湖](?![\u4e00-\u9fff]{0,3}[镇乡区])|站|酒店|宾馆|[中小]学|学院|医院|公司|银行|商[城场贸]|学校|国际|世纪|半岛|门)"
)
_ZONE: Final = re.compile(
    r"[\u4e00-\u9fff]{0,8}?(?:经济技术开发区|经济开发区|开发区|高新技术产业园区?|高新区|工业园区|工业区|度假区|商务区|经开区|新区|港区)"
)
_OLD_KINDS: Final = ("街道办事处", "街道办", "街道", "镇", "乡")


class Address(NamedTuple):
    """An address by levels; codes are GB/T 2260 (6 digits) and 9 digits for the street, "" where unknown.

    Attributes:
        detail: What follows the last level read.
        complete: Whether province, city level and county are known and something follows; else it goes to review.
    """

    province_code: str
    province: str
    city_code: str
    city: str
    county_code: str
    county: str
    street_code: str
    street: str
    detail: str
    complete: bool

    @property
    def division_code(self) -> str | None:
        """Code of the deepest level read, or none."""
        return self.street_code or self.county_code or self.city_code or self.province_code or None


@dataclass(slots=True)
class _Reading:
    """State while the text is read from the left."""

    rest: str
    province: str = ""
    city: str = ""
    county: str = ""
    street: str = ""

    def take(self, length: int) -> None:
        self.rest = self.rest[length:].lstrip(_BETWEEN)


def parse_address(text: str, default_city_code: str | None = None) -> Address:
    """Read an address by province, city, county and street.

    Args:
        text: Address as delivered; levels may be missing, short (嘉兴, 桐乡) or former (秀城区, 玉环县).
        default_city_code: City of the branch, 4 or 6 digits: preferred where a name exists in several places and
            assumed where no city is read.

    Returns:
        What could be read. Nothing is guessed from a road name. Source: feature CU-18, NBS codes of 2023-06-30.
    """
    home = (default_city_code or "")[:4]
    reading = _Reading(_POSTCODE.sub("", _SPACE.sub("", narrow(text))))
    _read_province(reading)
    _read_city(reading, home)
    _read_county(reading, home)
    _drop_repeats(reading)
    _read_street(reading, home)
    if home and not reading.province:
        reading.province, reading.city = home[:2], home
    return _address(reading)


def _read_province(reading: _Reading) -> None:
    scope = divisions.provinces()
    name = _prefix(reading.rest, scope.full, scope.longest)
    if name is None:
        name = _prefix(reading.rest, scope.stems, scope.longest)
        if name is None or not _free(reading.rest[len(name) :], "市区县"):
            return
    reading.province = scope.full.get(name) or scope.stems[name]
    reading.take(len(name))


def _read_city(reading: _Reading, home: str) -> None:
    if reading.province in divisions.MUNICIPALITIES:
        reading.take(len("市辖区") if reading.rest.startswith("市辖区") else 0)
        return
    scope = divisions.cities(reading.province)
    name = _prefix(reading.rest, scope.full, scope.longest)
    code = scope.full[name] if name else ""
    if name is None:
        name = _prefix(reading.rest, scope.stems, scope.longest)
        if name is None:
            return
        code = scope.stems[name]
        rest = reading.rest[len(name) :].lstrip(_BETWEEN)
        sure = bool(reading.province) or code == home
        if not (_free(rest, "市区县镇乡") if sure else _begins_inside(rest, code)):
            return
    reading.province, reading.city = code[:2], code
    reading.take(len(name))
    if reading.rest.startswith(("区", "市区", "本级", "市本级", "市辖区")):
        reading.take(reading.rest.index("区") + 1 if "区" in reading.rest[:3] else reading.rest.index("级") + 1)


def _begins_inside(rest: str, city: str) -> bool:
    """Tell whether the text goes on with a county or street of the city."""
    below, inside = divisions.counties(city), divisions.streets_of_city(city)
    zone = _ZONE.match(rest)
    return any(
        _prefix(start, table, longest)
        for start, table, longest in (
            (rest, below.full, below.longest),
            (rest, below.stems, below.longest),
            (rest, inside.full, inside.longest),
            (rest[zone.end() :] if zone else "", inside.full, inside.longest),
        )
    )


def _read_county(reading: _Reading, home: str) -> None:
    parents = [reading.city or reading.province] if reading.province else ([home, home[:2], ""] if home else [""])
    for parent in parents:
        found = _county_in(reading, parent, lenient=bool(reading.province) or (bool(home) and parent == home))
        if found:
            reading.county, length = found
            reading.province, reading.city = reading.county[:2], reading.county[:4]
            reading.take(length)
            return


def _county_in(reading: _Reading, parent: str, *, lenient: bool) -> tuple[str, int] | None:
    scope = divisions.counties(parent)
    name = _prefix(reading.rest, scope.full, scope.longest)
    if name:
        return scope.full[name], len(name)
    name = _prefix(reading.rest, scope.stems, scope.longest)
    if name is None:
        return None
    code, rest = scope.stems[name], reading.rest[len(name) :]
    if rest[:1] in ("县", "市", "区") and rest[1:2] != "场":
        return code, len(name) + 1
    inside = divisions.streets(code)
    if _prefix(rest.lstrip(_BETWEEN), inside.full, inside.longest) or _stem_of_town(rest, inside):
        return code, len(name)
    certain = lenient and not divisions.name_of(code).endswith("区")
    return (code, len(name)) if certain and _free(rest, "镇乡街") else None


def _drop_repeats(reading: _Reading) -> None:
    """Take away province, city and county written a second time (a coded prefix before the full text)."""
    if not reading.county:
        return
    for code in (reading.province, reading.city, reading.county):
        name = divisions.name_of(code)
        if name and reading.rest.startswith(name):
            reading.take(len(name))


def _read_street(reading: _Reading, home: str) -> None:
    if _street_at_start(reading, reading.rest, home):
        return
    zone = _ZONE.match(reading.rest)
    if zone:
        before = zone[0]
        if _street_at_start(reading, reading.rest[zone.end() :].lstrip(_BETWEEN), home):
            reading.rest = f"{before}{reading.rest}"


def _street_at_start(reading: _Reading, rest: str, home: str) -> bool:
    city = reading.city or home
    if not (reading.county or (city and reading.province in ("", city[:2]))):
        return False
    scope = divisions.streets(reading.county) if reading.county else divisions.streets_of_city(city)
    found = _street(rest, scope, known_county=bool(reading.county))
    if found is None:
        return False
    reading.street, length = found
    reading.county, reading.city, reading.province = reading.street[:6], reading.street[:4], reading.street[:2]
    reading.rest = rest
    reading.take(length)
    return True


def _street(rest: str, scope: Scope, *, known_county: bool) -> tuple[str, int] | None:
    name = _prefix(rest, scope.full, scope.longest)
    if name:
        return scope.full[name], len(name) + (len("办事处") if rest.startswith("办事处", len(name)) else 0)
    name = _prefix(rest, scope.stems, scope.longest)
    if name is None:
        return None
    for kind in _OLD_KINDS:  # a town that became a street keeps its stem: 魏塘镇 is 魏塘街道 today
        if rest.startswith(kind, len(name)):
            return scope.stems[name], len(name) + len(kind)
    return _stem_of_town(rest, scope) if known_county else None


def _stem_of_town(rest: str, scope: Scope) -> tuple[str, int] | None:
    """Accept 乌镇 for 乌镇镇, but not 解放 for 解放街道: the name of a street is more often that of a road."""
    name = _prefix(rest, scope.stems, scope.longest)
    if name is None or not _free(rest[len(name) :], ""):
        return None
    code = scope.stems[name]
    return (code, len(name)) if divisions.street_name(code)[-1] in "镇乡" else None


def _prefix(text: str, table: dict[str, str], longest: int) -> str | None:
    for length in range(min(longest, len(text)), 1, -1):
        if text[:length] in table:
            return text[:length]
    return None


def _free(rest: str, kinds: str) -> bool:
    """Tell whether a short name stands for itself: no other kind of division and no road word follows."""
    return not rest or (rest[0] not in kinds and not _ROAD.match(rest))


def _address(reading: _Reading) -> Address:
    province, city, county, street = reading.province, reading.city, reading.county, reading.street
    if province in divisions.MUNICIPALITIES and not city:
        city = f"{province}01"
    return Address(
        province_code=province and f"{province}0000",
        province=divisions.name_of(province) if province else "",
        city_code=city and f"{city}00",
        city=divisions.name_of(city) if city else "",
        county_code=county,
        county=divisions.name_of(county) if county else "",
        street_code=street,
        street=divisions.street_name(street) if street else "",
        detail=reading.rest,
        complete=bool(county and (street or reading.rest)),
    )
