"""Free text: empty markers, white space, and the folded form used for matching."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

# Written by core systems and spreadsheets where a value is missing; compared exactly after stripping.
EMPTY_MARKERS: Final = frozenset(
    {
        "",
        "-",
        "--",
        "---",
        "—",
        "——",
        "－",
        "－－",
        "/",
        "//",
        "\\N",
        "空",
        "无",
        "暂无",
        "(空)",
        "（空）",
        "NULL",
        "Null",
    }
    | {"null", "(null)", "(NULL)", "N/A", "n/a", "#N/A", "#NULL!", "None", "none", "nan", "NaN", "NaT"}
)
# No date, amount or number is longer; the bound keeps the patterns that read them fast on hostile cells.
LONGEST_NUMBER: Final = 64
# Removed: invisible marks and direction controls, and the controls a database cannot hold. ZWJ and ZWNJ carry meaning.
_INVISIBLE: Final = re.compile("[\x00-\x08\x0e-\x1b\x7f\xad\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]")
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_VARIANTS: Final = str.maketrans("[]{}【】〔〕〖〗•・‧∙⋅", "()()()()()·····")
_VARIANT: Final = re.compile(r"[\[\]{}【】〔〕〖〗•・‧∙⋅]")
_SPACE_AT_HAN: Final = re.compile(
    r"(?<=[\u3400-\u9fff\U00020000-\U0003ffff()·]) | (?=[\u3400-\u9fff\U00020000-\U0003ffff()·])"
)


def is_empty(raw: str) -> bool:
    """Tell whether a raw cell stands for "no value" (domain facts T9-2: ``--``, ``空``, NULL …).

    Args:
        raw: Text as delivered.
    """
    return raw in EMPTY_MARKERS or raw.strip() in EMPTY_MARKERS


def clean_text(raw: str) -> str | None:
    """Strip and collapse white space (U+3000 and line breaks included) and keep the rest as written.

    Args:
        raw: Text as delivered.

    Returns:
        The text, or None for an empty marker. Invisible and control characters are removed and broken
        surrogates replaced, because neither database can store them. Source: domain facts T9-13.
    """
    if not raw.isprintable():
        raw = " ".join(_SURROGATE.sub("\ufffd", _INVISIBLE.sub("", raw)).split())
    elif "  " in raw:
        raw = " ".join(raw.split())
    else:
        raw = raw.strip()
    return None if raw in EMPTY_MARKERS else raw


def fold(raw: str) -> str:
    """Fold a text for matching: NFKC, brackets and middle dots unified, case folded, no spaces at Chinese characters.

    Args:
        raw: Any text. The result is a key and never shown, since NFKC turns ① into 1 and ㈱ into (株).

    Source: domain facts T9-13.
    """
    if not raw.isascii():
        raw = unicodedata.normalize("NFKC", raw)
    if _VARIANT.search(raw):
        raw = raw.translate(_VARIANTS)
    text = (clean_text(raw) or "").casefold()
    return _SPACE_AT_HAN.sub("", text) if " " in text and not text.isascii() else text


def narrow(raw: str) -> str:
    """Return the text in NFKC form without surrounding white space: full-width digits and signs become plain.

    Args:
        raw: A number, code or plate as delivered.
    """
    if raw.isascii():
        return raw.strip()
    return _INVISIBLE.sub("", unicodedata.normalize("NFKC", raw)).strip()
