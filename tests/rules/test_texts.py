"""Texts in code: what people see in pages, errors and reasons has a Chinese translation with the same facts."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest
from babel.messages.pofile import read_po

from core.testing.conformance import translated_texts

ROOT = Path(__file__).resolve().parents[2]
UNTRANSLATED = ("core/testing/",)
"""What only partners who write plugins see, in English."""
TELLERS = {"_", "_n", "gettext", "say", "toast"}
CATALOGUES = sorted(ROOT.glob("core/locale/zh_CN/LC_MESSAGES/*.po")) + sorted(
    ROOT.glob("plugins/*/locale/zh_CN/*/*.po")
)


def texts_of(text: str) -> Iterator[str]:
    """Message and cure of each error, and what is given to a translating function."""
    for call in (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)):
        name = call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")
        if name.endswith("Error"):
            parts = [part for argument in call.args[1:4] for part in ast.walk(argument)]
        else:
            parts = list(call.args) if name in TELLERS else []
        for part in parts:
            if isinstance(part, ast.Constant) and isinstance(part.value, str) and " " in part.value.strip():
                yield part.value


def files() -> list[Path]:
    found = [path for folder in ("core", "plugins") for path in sorted((ROOT / folder).rglob("*.py"))]
    return [path for path in found if not path.relative_to(ROOT).as_posix().startswith(UNTRANSLATED)]


def known_to(path: Path) -> set[str]:
    parts = path.relative_to(ROOT).parts
    own = translated_texts(ROOT / parts[0] / parts[1] / "locale") if parts[0] == "plugins" else set()
    return own | translated_texts(ROOT / "core" / "locale")


def facts(text: str) -> list[str]:
    try:
        return sorted({name for _, name, _, _ in Formatter().parse(text) if name is not None})
    except ValueError:
        return []


def test_every_text_in_code_has_a_chinese_translation() -> None:
    missing = {
        path.relative_to(ROOT).as_posix(): lacking
        for path in files()
        if (lacking := sorted(set(texts_of(path.read_text("utf-8"))) - known_to(path)))
    }

    assert missing == {}


@pytest.mark.parametrize("file", CATALOGUES, ids=lambda file: file.relative_to(ROOT).as_posix())
def test_translations_name_the_same_facts(file: Path) -> None:
    with file.open("rb") as source:
        catalogue = read_po(source, locale="zh_CN")
    pairs = [(each.id, each.string) for each in catalogue if each.id and isinstance(each.id, str) and each.string]

    assert [english for english, chinese in pairs if facts(english) != facts(str(chinese))] == []


def test_texts_of_errors_are_found() -> None:
    code = (
        'raise NotFoundError("code", "There is no {x}." if y else "None at all.", "Look again.", x=1)\nsay("Save it")'
    )

    assert list(texts_of(code)) == ["There is no {x}.", "None at all.", "Look again.", "Save it"]
