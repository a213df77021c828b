"""Names of organisations: cutting region and legal form off the core that tells two of them apart."""

from __future__ import annotations

import re
from functools import lru_cache
from importlib import resources
from typing import Final, NamedTuple

from core.values.text import fold
from plugins.crm_customers import divisions

# Company law, partnership law and the rules on enterprise names; the longest form that fits is cut.
LEGAL_FORMS: Final = (
    "股份有限责任公司", "股份有限公司", "有限责任公司", "合伙企业(有限合伙)",
    "合伙企业(普通合伙)", "合伙企业(特殊普通合伙)", "(特殊普通合伙)", "(普通合伙)",
    "(有限合伙)", "(个人独资)", "(个体工商户)", "(集体所有制)",
    "个人独资企业", "合伙企业", "有限合伙", "农民专业合作社联合社",
    "农民专业合作社", "股份经济合作社", "专业合作社", "股份合作公司",
    "有限公司", "总公司", "股份公司", "公司",
)  # fmt: skip
_LEGAL_END: Final = re.compile(f"(?:{'|'.join(map(re.escape, LEGAL_FORMS))})$")
# Inside a name only a full form marks the head company; what follows names the branch.
_LEGAL_INSIDE: Final = re.compile(r"股份有限责任公司|股份有限公司|有限责任公司|有限公司")
_BRANCH_END: Final = re.compile(r"(?:分|支|子)公司$")
_BRACKETS: Final = re.compile(r"\(([^()]*)\)")
# Short names of counties that are everyday words or brands; only 东方市 with its kind is a region then.
_WORDS_NOT_PLACES: Final = frozenset(
    [
        "东方",
        "和平",
        "平安",
        "永安",
        "安宁",
        "新民",
        "江山",
        "兴国",
        "兴业",
        "大同",
        "泰和",
        "太和",
        "安康",
        "永和",
        "永兴",
    ]
)
# Words that say what kind of body it is, not which one: 嘉兴学院 and 绍兴学院 differ by their region only.
_GENERIC: Final = frozenset(
    {"集团", "(集团)", "学院", "大学", "中学", "小学", "学校", "幼儿园", "医院", "人民", "第一", "第二", "第三", "市"}
    | {
        "公共",
        "交通",
        "法院",
        "银行",
        "协会",
        "商会",
        "政府",
        "委员会",
        "工程",
        "建筑",
        "实业",
        "中心",
        "总",
        "厂",
        "店",
    }
    | {"部", "局", "站", "城", "高新", "高速", "热电", "黄金", "水务", "燃气", "自来水", "供电", "电力", "客运", "公交"}
)
_LONGEST_REGION: Final = 15


class CompanyName(NamedTuple):
    """A name in its parts.

    Attributes:
        region: The regions cut off, joined as written.
        core: What identifies the organisation, folded; compare this.
        legal_form: The legal form cut off, or "".
    """

    region: str
    core: str
    legal_form: str


@lru_cache(maxsize=16384)
def company_core(name: str) -> CompanyName:
    """Cut region and legal form off the name of an organisation.

    Args:
        name: Name as delivered.

    Returns:
        The parts. Equal cores make two names candidates of one organisation, never one organisation: only equal
        USCC merges. A core made of trade words alone keeps the short region (海宁市运输公司 → 海宁运输).
        Source: domain facts T9-9, section 11 row 26.
    """
    text, regions = _cut_bracketed_regions(fold(name))
    text, legal_form = _cut_legal_form(text)
    core, leading = _cut_leading_regions(text)
    if leading and _is_trade_only(core):
        core = divisions.stem_of(leading[-1]) + core
    return CompanyName("".join(leading + regions), core or text, legal_form)


def _cut_bracketed_regions(text: str) -> tuple[str, list[str]]:
    regions: list[str] = []

    def drop(match: re.Match[str]) -> str:
        if match[1] in _full_names() or match[1] in _short_names() or match[1] == "中国":
            regions.append(match[1])
            return ""
        return match[0]

    return _BRACKETS.sub(drop, text), regions


def _cut_legal_form(text: str) -> tuple[str, str]:
    inside = _LEGAL_INSIDE.search(text)
    if inside and inside.start() and inside.end() < len(text):
        return text[: inside.start()] + _BRANCH_END.sub("", text[inside.end() :]), inside[0]
    end = _LEGAL_END.search(text)
    if end and end.start():
        return text[: end.start()], end[0]
    return text, ""


def _cut_leading_regions(text: str) -> tuple[str, list[str]]:
    regions: list[str] = []
    while len(regions) < 3:
        name = _region_at_start(text)
        if name is None or len(text) - len(name) < 2:
            break
        regions.append(name)
        text = text[len(name) :]
    return text, regions


def _region_at_start(text: str) -> str | None:
    for names in (_full_names(), _short_names()):
        for length in range(min(_LONGEST_REGION, len(text)), 1, -1):
            if text[:length] in names:
                return text[:length]
    return None


def _is_trade_only(core: str) -> bool:
    """Tell whether a text is nothing but words of trades and kinds (list of companynameparser and ours)."""
    words = _trade_words()
    reachable = [True] + [False] * len(core)
    for end in range(1, len(core) + 1):
        reachable[end] = any(reachable[start] and core[start:end] in words for start in range(max(0, end - 8), end))
    return reachable[-1]


@lru_cache(maxsize=1)
def _full_names() -> frozenset[str]:
    return frozenset({*divisions.provinces().full, *divisions.cities("").full, *divisions.county_names()})


@lru_cache(maxsize=1)
def _short_names() -> frozenset[str]:
    """Short names of provinces, cities, county-level cities and counties; districts (南湖) are brands too often."""
    counties = {divisions.stem_of(name) for name in divisions.county_names() if name[-1] in "市县"}
    short = {*divisions.provinces().stems, *divisions.cities("").stems, *counties}
    return frozenset(short - _WORDS_NOT_PLACES)


@lru_cache(maxsize=1)
def _trade_words() -> frozenset[str]:
    text = (resources.files("plugins.crm_customers") / "data" / "company_trade_words.txt").read_text(encoding="utf-8")
    return frozenset(text.split()) | _GENERIC
