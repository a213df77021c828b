"""Names of persons in Latin letters for search: pinyin that knows how surnames are read."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from functools import cache, lru_cache
from typing import Final

from core.values.text import fold

# Characters read differently as a surname than their most frequent reading (Xinhua dictionary, 姓 entries).
_SURNAMES: Final = {
    "单": "shan", "仇": "qiu", "曾": "zeng", "解": "xie", "区": "ou", "查": "zha", "朴": "piao", "盖": "ge",
    "翟": "zhai", "缪": "miao", "乐": "yue", "覃": "qin", "员": "yun", "贠": "yun", "郇": "xun", "隗": "wei",
    "长": "chang", "召": "shao", "种": "chong", "重": "chong", "秘": "bi", "洗": "xian", "黑": "he",
    "繁": "po", "能": "nai", "宁": "ning", "撒": "sa", "祭": "zhai", "阚": "kan", "佴": "nai", "乜": "nie",
    "牟": "mu", "卜": "bu", "炅": "gui", "藏": "zang",
    "粘": "nian",
}  # fmt: skip
COMPOUND_SURNAMES: Final = {
    "欧阳": ("ou", "yang"), "司马": ("si", "ma"), "上官": ("shang", "guan"), "诸葛": ("zhu", "ge"),
    "东方": ("dong", "fang"), "皇甫": ("huang", "fu"), "尉迟": ("yu", "chi"), "公孙": ("gong", "sun"),
    "令狐": ("ling", "hu"), "慕容": ("mu", "rong"), "司徒": ("si", "tu"), "司空": ("si", "kong"),
    "夏侯": ("xia", "hou"), "宇文": ("yu", "wen"), "长孙": ("zhang", "sun"), "单于": ("chan", "yu"),
    "万俟": ("mo", "qi"), "澹台": ("tan", "tai"), "轩辕": ("xuan", "yuan"), "端木": ("duan", "mu"),
    "钟离": ("zhong", "li"), "闻人": ("wen", "ren"), "南宫": ("nan", "gong"), "呼延": ("hu", "yan"),
    "独孤": ("du", "gu"), "鲜于": ("xian", "yu"), "赫连": ("he", "lian"), "淳于": ("chun", "yu"),
    "太史": ("tai", "shi"), "申屠": ("shen", "tu"), "宗政": ("zong", "zheng"), "濮阳": ("pu", "yang"),
    "百里": ("bai", "li"), "拓跋": ("tuo", "ba"), "西门": ("xi", "men"), "东郭": ("dong", "guo"),
    "南门": ("nan", "men"), "公冶": ("gong", "ye"), "第五": ("di", "wu"), "纳兰": ("na", "lan"),
    "完颜": ("wan", "yan"), "宰父": ("zai", "fu"), "谷梁": ("gu", "liang"), "公羊": ("gong", "yang"),
    "亓官": ("qi", "guan"), "司寇": ("si", "kou"), "仲孙": ("zhong", "sun"), "叔孙": ("shu", "sun"),
}  # fmt: skip
# Words of company and place names whose characters are read differently than alone.
_WORDS: Final = {
    "银行": ("yin", "hang"), "商行": ("shang", "hang"), "车行": ("che", "hang"), "行业": ("hang", "ye"),
    "支行": ("zhi", "hang"), "分行": ("fen", "hang"), "总行": ("zong", "hang"), "重庆": ("chong", "qing"),
    "厦门": ("xia", "men"), "六安": ("lu", "an"), "蚌埠": ("beng", "bu"), "乐清": ("yue", "qing"),
    "长兴": ("chang", "xing"), "长安": ("chang", "an"), "长江": ("chang", "jiang"), "长三角": ("chang", "san", "jiao"),
    "长沙": ("chang", "sha"), "长春": ("chang", "chun"), "长城": ("chang", "cheng"), "洪洞": ("hong", "tong"),
    "音乐": ("yin", "yue"), "乐器": ("yue", "qi"), "会计": ("kuai", "ji"), "调味": ("tiao", "wei"),
    "空调": ("kong", "tiao"), "都市": ("du", "shi"),
}  # fmt: skip
_WORD: Final = re.compile("|".join(sorted(_WORDS, key=len, reverse=True)))
_HAN: Final = re.compile(r"[\u3400-\u9fff\U00020000-\U0003ffff]")
_LONGEST_PERSON_NAME: Final = 4
_readings: dict[str, str] = {}


def pinyin_key(name: str) -> str:
    """Return the whole name in pinyin: lower case, no tones, no spaces; ü is written v.

    Args:
        name: Name of a person or an organisation. Latin letters pass through in lower case, signs are dropped.
    """
    return "".join(_syllables(name))


def pinyin_initials(name: str) -> str:
    """Return the first letter of every Chinese character and every Latin word of the name.

    Args:
        name: Name of a person or an organisation.
    """
    return "".join([syllable[0] for syllable in _syllables(name)])


def surname_length(name: str) -> int:
    """Return how many characters of a Chinese personal name are its surname (2 for compound surnames).

    Args:
        name: Name without spaces.
    """
    return 2 if len(name) > 2 and name[:2] in COMPOUND_SURNAMES else 1


@lru_cache(maxsize=4096)
def _syllables(name: str) -> tuple[str, ...]:
    """Split into readings; cached because a name is asked for its key and its initials in turn."""
    text = fold(name)
    start: tuple[str, ...] = ()
    if 2 <= len(text) <= _LONGEST_PERSON_NAME and _HAN.match(text):
        start = COMPOUND_SURNAMES.get(text[:2], ()) or tuple(filter(None, [_SURNAMES.get(text[0])]))
    rest = text[len(start) :]
    found = list(start)
    end = 0
    for word in _WORD.finditer(rest):
        found += _read(rest[end : word.start()]) + _WORDS[word[0]]
        end = word.end()
    return tuple(found) + _read(rest[end:])


def _read(text: str) -> tuple[str, ...]:
    try:
        return tuple([_readings[character] for character in text])
    except KeyError:
        pass
    tokens = re.findall(r"[a-z0-9\u00df-\u024f]+|[^\sa-z0-9\u00df-\u024f]", text)
    return tuple(reading for token in tokens if (reading := _reading(token)))


@cache
def _library() -> Callable[..., list[str]]:
    # One character is asked for at a time; the phrases would take half a second and 45 MB.
    os.environ.setdefault("PYPINYIN_NO_PHRASES", "true")
    from pypinyin import lazy_pinyin

    return lazy_pinyin


def _reading(token: str) -> str:
    if token[0] < "\u3400":
        return token if token[0].isalnum() else ""
    known = _readings.get(token)
    if known is None:
        found = _library()(token, errors="ignore") if _HAN.match(token) else []
        known = found[0] if found else ""
        if known:
            _readings[token] = known
    return known
