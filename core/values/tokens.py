"""Tokens of names and plates: what is stored, and what a typed fragment asks for."""

from __future__ import annotations

import re
from collections.abc import Iterator

from core.values.names import pinyin_initials, pinyin_key
from core.values.text import fold

_CHINESE = re.compile(r"[\u3400-\u9fff\U00020000-\U0003ffff]+")
_LATIN = re.compile(r"[a-z0-9]+")
_PLATE_PART = re.compile(r"[a-z0-9\u3400-\u9fff]{2,20}")
"""What a part of a plate or VIN can be; any other sign would be read as an operator of the index's query language."""


def name_tokens(name: str) -> str:
    """Return the tokens of a name, separated by blanks.

    ``n`` + two neighbouring characters (and each first single one), ``p`` + the full pinyin, ``i`` + the initials from
    each character on, ``w`` + Latin words.
    """
    folded = fold(name)
    found: set[str] = set()
    for run in _CHINESE.findall(folded):
        found.update("n" + pair for pair in _pairs(run))
        found.update("n" + character for character in run)
    if _CHINESE.search(folded):
        key = "".join(_LATIN.findall(pinyin_key(name).lower()))
        initials = "".join(_LATIN.findall(pinyin_initials(name).lower()))[:24]
        found.add("p" + key[:60])
        found.update("i" + initials[start:] for start in range(max(1, len(initials) - 1)))
    found.update("w" + word for word in _LATIN.findall(folded))
    return " ".join(sorted(found))


def plate_tokens(plate: str) -> str:
    """Return the tokens of a plate: every ending part, so that each inner part is the start of a token."""
    text = fold(plate).replace(" ", "")
    return " ".join(["l" + text[start:] for start in range(len(text) - 1)])


def query_tokens(text: str) -> list[list[tuple[str, bool]]]:
    """Return what a typed text asks for: alternatives, each a list of (token, is a prefix) that must all match.

    Args:
        text: As typed: Chinese characters, pinyin, initials, a plate or a part of it, or several of these words.
    """
    folded = fold(text).strip()
    chinese = _CHINESE.findall(folded)
    words = _LATIN.findall(folded)
    asked: list[list[tuple[str, bool]]] = []
    if chinese:
        wanted = [("n" + pair, False) for run in chinese for pair in (_pairs(run) if len(run) > 1 else [run])]
        asked.append(wanted + [("w" + word, True) for word in words])
    if words and not chinese:
        joined = "".join(words)
        asked.append([("w" + word, True) for word in words])
        asked.append([("p" + joined, True)])
        if joined.isalpha():
            asked.append([("i" + joined, True)])
    compact = "".join(folded.split())
    if _PLATE_PART.fullmatch(compact) and (not chinese or len(chinese[0]) == 1):
        asked.append([("l" + compact, True)])
    return asked


def _pairs(run: str) -> Iterator[str]:
    return (run[start : start + 2] for start in range(len(run) - 1))
