"""Administrative divisions of China (GB/T 2260, statistics bureau edition of 2023): names, codes, former names."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import resources
from typing import Final

from core.values.text import narrow

_DATA: Final = resources.files("plugins.crm_customers") / "data"
# Directly administered cities have no prefecture of their own; 90 groups the counties directly below a province.
MUNICIPALITIES: Final = frozenset({"11", "12", "31", "50"})
_NOT_A_CITY: Final = frozenset({"市辖区", "县", "省直辖县级行政区划", "自治区直辖县级行政区划"})
_PEOPLES: Final = (
    "土家|朝鲜|布依|景颇|傈僳|哈尼|蒙古|哈萨克|柯尔克孜|维吾尔|达斡尔|鄂温克|鄂伦春|锡伯|撒拉|保安|东乡|裕固|塔吉克|仡佬"
    "|毛南|仫佬|拉祜|布朗|普米|独龙|纳西"
)
_AUTONOMOUS: Final = re.compile(
    rf"(?:(?:{_PEOPLES})族?|[苗藏羌彝侗傣白回壮畲瑶黎满土水佤怒]族|各族)*(?:自治[州县旗区]|民族[乡镇])$|(?:壮族|回族|维吾尔)自治区$"
)
_KIND: Final = re.compile(r"(?:特别行政区|自治区|地区|林区|新区|矿区|街道办事处|街道|[省市区县旗盟镇乡])$")


@dataclass(slots=True)
class Scope:
    """Names below one division, each only where it is unambiguous there.

    Attributes:
        full: Official name → code.
        stems: Name without its kind (嘉善县 → 嘉善) → code.
        longest: Length of the longest name.
    """

    full: dict[str, str] = field(default_factory=dict)
    stems: dict[str, str] = field(default_factory=dict)
    longest: int = 0


def name_of(code: str) -> str:
    """Return the official name of a province, city or county, "" for the code of a mere grouping.

    Args:
        code: 2, 4 or 6 digits; a directly administered city answers for its prefecture.

    Raises:
        KeyError: The code does not exist.
    """
    name = _tables().names[code]
    if name in _NOT_A_CITY:
        return _tables().names[code[:2]] if code[:2] in MUNICIPALITIES else ""
    return name


@lru_cache(maxsize=8192)
def stem_of(name: str) -> str:
    """Take the kind off a name: 嘉兴市 → 嘉兴, 恩施土家族苗族自治州 → 恩施; at least two characters stay.

    Args:
        name: Official name of any level.
    """
    stem = _AUTONOMOUS.sub("", name)
    stem = stem if stem != name else _KIND.sub("", name)
    return stem if len(stem) > 1 else name


@lru_cache(maxsize=1)
def provinces() -> Scope:
    """Return all provinces."""
    return _scope(code for code in _tables().names if len(code) == 2)


@lru_cache(maxsize=64)
def cities(province: str) -> Scope:
    """Return the prefectures of a province, or of the country for ``""``; former names (襄樊市) lead to today's.

    Args:
        province: 2 digits or "".
    """
    tables = _tables()
    scope = _scope(
        code
        for code, name in tables.names.items()
        if len(code) == 4 and code.startswith(province) and name not in _NOT_A_CITY
    )
    _add_former(scope, [(city, code[:4]) for city, _, code in tables.former if code.startswith(province)])
    return scope


@lru_cache(maxsize=512)
def counties(parent: str) -> Scope:
    """Return the counties of a city, province or (``""``) the country; former names lead to today's county.

    Args:
        parent: 4 or 2 digits, or "".
    """
    tables = _tables()
    scope = _scope(code for code in tables.names if len(code) == 6 and code.startswith(parent))
    _add_former(scope, [(county, code) for _, county, code in tables.former if code.startswith(parent)])
    return scope


def county_names() -> set[str]:
    """Return every county's name, ambiguous ones included."""
    return {name for code, name in _tables().names.items() if len(code) == 6}


@lru_cache(maxsize=3200)
def streets(county: str) -> Scope:
    """Return the streets, towns and townships of a county (9-digit codes).

    Args:
        county: 6 digits.
    """
    return _name_scope(_street_names(county, _tables().streets.get(county, "")))


@lru_cache(maxsize=350)
def streets_of_city(city: str) -> Scope:
    """Return the streets whose name exists in one county of the city only.

    Args:
        city: 4 digits.
    """
    tables = _tables()
    below = [(code, text) for code, text in tables.streets.items() if code.startswith(city)]
    return _name_scope(pair for code, text in below for pair in _street_names(code, text))


def _street_names(county: str, text: str) -> Iterator[tuple[str, str]]:
    """Give name and code of each street; 高密市密水街道, as some are registered, answers to 密水街道 too."""
    parents = [name_of(county[:length]) for length in (2, 4, 6)]
    for entry in text.split():
        name, code = narrow(entry[3:]), county + entry[:3]
        yield name, code
        bare = name
        for parent in parents:
            bare = bare.removeprefix(parent)
        if bare != name and len(bare) > 1:
            yield bare, code


def street_name(code: str) -> str:
    """Return the official name of a street, town or township.

    Args:
        code: 9 digits.

    Raises:
        KeyError: The code does not exist.
    """
    for entry in _tables().streets[code[:6]].split():
        if entry.startswith(code[6:]):
            return entry[3:]
    raise KeyError(code)


@dataclass(slots=True)
class _Tables:
    """The loaded file; the streets of a county stay one text until they are asked for."""

    names: dict[str, str]
    streets: dict[str, str]
    former: list[tuple[str, str, str]]


@lru_cache(maxsize=1)
def _tables() -> _Tables:
    names, below = {}, {}
    text = gzip.decompress((_DATA / "divisions_2023.tsv.gz").read_bytes()).decode()
    for line in text.splitlines():
        code, name, *rest = line.split("\t")
        names[code] = name
        if rest:
            below[code] = rest[0]
    changes = (_DATA / "division_changes.tsv").read_text(encoding="utf-8").splitlines()
    former = [(city, county, code) for _, city, county, code in (line.split("\t") for line in changes)]
    return _Tables(names, below, former)


def _add_former(scope: Scope, former: list[tuple[str, str]]) -> None:
    """Add former names that no division bears today and that lead to one division only."""
    for name, code in former:
        if name not in scope.full and all(other == code for old, other in former if old == name):
            scope.full[name] = code
            scope.longest = max(scope.longest, len(name))


def _scope(codes: Iterable[str]) -> Scope:
    names = _tables().names
    return _name_scope((names[code], code) for code in codes)


def _name_scope(entries: Iterable[tuple[str, str]]) -> Scope:
    scope = Scope()
    taken: tuple[set[str], set[str]] = (set(), set())
    for name, code in entries:
        for table, seen, key in ((scope.full, taken[0], name), (scope.stems, taken[1], stem_of(name))):
            if key in seen:
                table.pop(key, None)
            else:
                table[key] = code
            seen.add(key)
        scope.longest = max(scope.longest, len(name))
    return scope
