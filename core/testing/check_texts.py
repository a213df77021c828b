"""Inherited tests: templates compile, and everything people read is there in both languages."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from string import Formatter
from typing import Any

from babel.messages.pofile import read_po
from jinja2 import TemplateError
from jinja2.ext import babel_extract

from core.testing.check_manifest import is_bilingual
from core.testing.check_surfaces import name_of
from core.testing.examined import Examined, complain

CORE_LOCALE = Path(__file__).parents[1] / "locale"
LABELS = {
    "core_menu_items": "label",
    "core_panels": "title",
    "core_jobs": "label",
    "core_columns": "label",
    "core_filters": "label",
    "core_list_views": "label",
    "core_actions": "label",
    "core_slots": "label",
    "core_home_cards": "title",
    "core_search_sources": "label",
    "core_roles": "label",
}
TELLERS = frozenset({"_", "_n", "gettext", "say", "toast"})
"""Functions that are given texts to translate."""
CATALOGUE = "locale/zh_CN/LC_MESSAGES/messages.po"


class TextTests:
    """Templates and texts of the plugin."""

    def test_templates_compile(self, examined: Examined, application: Any) -> None:
        folder, found = examined.manifest.folder / "templates", []
        for path in _templates(examined):
            try:
                application.state.templates.check(path.relative_to(folder).as_posix())
            except TemplateError as error:
                found.append(f"{examined.file(path)}: {error}")
        complain(found, "templates stand in templates/<plugin>/ and use macros of the core's ui/*.html")

    def test_templates_have_no_script_and_no_style(self, examined: Examined) -> None:
        refused = ("<script", "<style", " style=", "javascript:", " onclick=", " onchange=", " onload=")
        found = [
            f"{examined.file(path)}: {part}"
            for path in _templates(examined)
            for part in refused
            if part in path.read_text("utf-8").lower()
        ]
        complain(found, "the security policy refuses it: use htmx attributes and a style sheet in static/<plugin>/")

    def test_texts_of_templates_are_translated(self, examined: Examined) -> None:
        known = _known(examined)
        found = []
        for path in _templates(examined):
            try:
                found += [f"{examined.file(path)}: {text!r}" for text in template_texts(path) if text not in known]
            except TemplateError:
                continue  # told by the test of compiling
        complain(found, f"translate it in {CATALOGUE}")

    def test_texts_in_code_are_translated(self, examined: Examined) -> None:
        known = _known(examined)
        found = [
            f"{examined.file(path)}: {each!r}"
            for path, text in examined.code()
            for each in dict.fromkeys(code_texts(text))
            if each not in known
        ]
        complain(found, f"translate it in {CATALOGUE}")

    def test_translations_name_the_same_facts(self, examined: Examined) -> None:
        file = examined.manifest.folder / CATALOGUE
        found = []
        for english, chinese in _pairs(file):
            if facts(english) != facts(chinese):
                found.append(f"{examined.file(file)}: {english!r}")
        complain(found, "use each {name} and %(name)s of the English text in the Chinese one")

    def test_contributions_are_labelled_in_both_languages(self, examined: Examined) -> None:
        complain(
            (
                f"{hook}: {name_of(each)}: {label.en!r} / {label.zh!r}"
                for hook, name in LABELS.items()
                for each in examined.declared(hook)
                if not is_bilingual(label := getattr(each, name))
            ),
            "write Label(English, Chinese)",
        )

    def test_permissions_are_labelled_in_both_languages(self, examined: Examined) -> None:
        complain(
            (
                f"core_permissions: {each.name}: {each.label.en!r} / {each.label.zh!r}"
                for each in examined.declared("core_permissions")
                if not is_bilingual(each.label)
            ),
            "administrators choose them by their labels: write Label(English, Chinese)",
        )


def template_texts(path: Path) -> Iterator[str]:
    """Yield the texts that a template asks to be translated."""
    for _, _, message, _ in babel_extract(BytesIO(path.read_bytes()), ("_", "_n"), [], {"trim_blocks": "true"}):
        yield message if isinstance(message, str) else str((message or [""])[0])


def code_texts(text: str) -> Iterator[str]:
    """Yield message and cure of each error in a source text, and what is given to a translating function."""
    for call in (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)):
        name = call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")
        if name.endswith("Error"):
            parts = [part for argument in call.args[1:4] for part in ast.walk(argument)]
        else:
            parts = list(call.args) if name in TELLERS else []
        for part in parts:
            if isinstance(part, ast.Constant) and isinstance(part.value, str) and " " in part.value.strip():
                yield part.value


def facts(text: str) -> list[str]:
    """Return the names of the facts that a text leaves places for."""
    try:
        return sorted({name for _, name, _, _ in Formatter().parse(text) if name is not None})
    except ValueError:
        return []


def translated_texts(folder: Path) -> set[str]:
    """Return the English texts that a folder ``locale`` translates into Chinese."""
    return {english for english, _ in _pairs(folder / "zh_CN" / "LC_MESSAGES" / "messages.po")}


def _pairs(file: Path) -> Iterator[tuple[str, str]]:
    if not file.exists():
        return
    with file.open("rb") as source:
        catalogue = read_po(source, locale="zh_CN")
    for message in catalogue:
        chinese = [message.string] if isinstance(message.string, str) else list(message.string or ("",))
        if message.id and all(chinese):
            yield message.id if isinstance(message.id, str) else message.id[0], chinese[0]


def _known(examined: Examined) -> set[str]:
    return translated_texts(examined.manifest.folder / "locale") | translated_texts(CORE_LOCALE)


def _templates(examined: Examined) -> list[Path]:
    return sorted((examined.manifest.folder / "templates").rglob("*.html"))
