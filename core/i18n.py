"""Languages: choosing one, translating texts and errors; catalogues of the core and of plugins."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Mapping
from functools import cache
from gettext import GNUTranslations, NullTranslations
from pathlib import Path
from typing import Any

from core.errors import BanyanError
from core.registry.fields import Label

LOCALES = ("zh_CN", "en")
DEFAULT = "zh_CN"
_folders: list[Path] = [Path(__file__).parent / "locale"]
_RANGE = re.compile(r"\s*([A-Za-z*][\w-]*)\s*(?:;\s*q\s*=\s*([01](?:\.\d{0,3})?))?\s*")


def add_catalogues(folder: Path) -> None:
    """Add a plugin's folder ``locale``; the core's texts win over equal ones of plugins."""
    if folder.is_dir() and folder not in _folders:
        _folders.append(folder)
        translate.cache_clear()


def known_locale(text: str) -> str:
    """Return the product's locale for a language tag, or an empty text; every Chinese is ``zh_CN``."""
    language = text.strip().lower().replace("_", "-").partition("-")[0]
    return {"zh": "zh_CN", "en": "en"}.get(language, "")


def choose_locale(*wishes: str, accept_language: str = "") -> str:
    """Choose the language.

    Args:
        *wishes: Language tags in order of importance: the person's own, the cookie's; empty ones do not count.
        accept_language: The browser's header.

    Returns:
        ``zh_CN`` or ``en``.
    """
    for wish in wishes:
        if known_locale(wish):
            return known_locale(wish)
    ranges = [_RANGE.fullmatch(part) for part in accept_language[:500].split(",")]
    ranked = sorted((match for match in ranges if match), key=lambda match: -float(match[2] or 1))
    return next((known_locale(match[1]) for match in ranked if known_locale(match[1])), DEFAULT)


def terminal_locale() -> str:
    """Return the language of who sits at the terminal, as POSIX ranks the variables; English where none says."""
    wish = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or ""
    return known_locale(wish.partition(".")[0]) or "en"


@cache
def translate(locale: str) -> NullTranslations:
    """Return the translations of a locale; English texts stand for themselves."""
    merged: NullTranslations | None = None
    for folder in _folders:
        file = folder / locale / "LC_MESSAGES" / "messages.po"
        if not file.exists():
            continue
        found = _compiled(file)
        if merged is None:
            merged = found
        else:
            merged.add_fallback(found)
    return merged or NullTranslations()


def localised(error: BanyanError, locale: str) -> tuple[str, str]:
    """Return (message, cure) of an error in a language."""
    texts = translate(locale)
    facts = {name: _fact(value, locale) for name, value in error.facts.items()}
    return _filled(texts, error.message, facts), _filled(texts, error.cure, facts)


def _filled(texts: NullTranslations, text: str, facts: Mapping[str, Any]) -> str:
    return texts.gettext(text).format_map(facts) if text else ""


def _fact(value: Any, locale: str) -> Any:
    if isinstance(value, BanyanError):
        return localised(value, locale)[0]
    return value.of(locale) if isinstance(value, Label) else value


def _compiled(file: Path) -> GNUTranslations:
    # here, since most commands translate nothing
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    with file.open("rb") as source:
        catalogue = read_po(source)
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return GNUTranslations(compiled)
