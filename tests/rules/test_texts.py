"""Texts in code: what people see in pages, errors and reasons has a Chinese translation with the same facts."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from core.testing.check_texts import code_texts, facts, translated_texts

ROOT = Path(__file__).resolve().parents[2]
UNTRANSLATED = ("core/testing/",)
"""What only partners who write plugins see, in English."""
SILENT = {
    "Label",
    "Option",
    "Argument",
    "Typer",
    "echo",
    "debug",
    "info",
    "warning",
    "error",
    "exception",
    "system_actor",
}
"""Calls whose sentences have their two languages with them, or stay in English: command line help, logs, reasons."""
SENTENCE = re.compile(r"[A-Z][a-z]+ .*[.?]", re.DOTALL)
CATALOGUES = sorted(ROOT.glob("core/locale/zh_CN/LC_MESSAGES/*.po")) + sorted(
    ROOT.glob("plugins/*/locale/zh_CN/*/*.po")
)


def sentences_of(tree: ast.AST) -> Iterator[str]:
    """Whole sentences wherever they stand: cures are often given to a function that makes the error."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            continue
        if isinstance(node, ast.Call) and (getattr(node.func, "id", "") or getattr(node.func, "attr", "")) in SILENT:
            continue
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and SENTENCE.fullmatch(node.value):
            yield node.value
        yield from sentences_of(node)


def _texts_in(path: Path) -> set[str]:
    text = path.read_text("utf-8")
    described = path.name.startswith("api")  # descriptions of the interface are English
    return {*code_texts(text), *(() if described else sentences_of(ast.parse(text)))}


def files() -> list[Path]:
    found = [path for folder in ("core", "plugins") for path in sorted((ROOT / folder).rglob("*.py"))]
    return [path for path in found if not path.relative_to(ROOT).as_posix().startswith(UNTRANSLATED)]


def known_to(path: Path) -> set[str]:
    parts = path.relative_to(ROOT).parts
    own = translated_texts(ROOT / parts[0] / parts[1] / "locale") if parts[0] == "plugins" else set()
    return own | translated_texts(ROOT / "core" / "locale")


def test_every_text_in_code_has_a_chinese_translation() -> None:
    missing = {
        path.relative_to(ROOT).as_posix(): lacking
        for path in files()
        if (lacking := sorted(_texts_in(path) - known_to(path)))
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

    assert list(code_texts(code)) == ["There is no {x}.", "None at all.", "Look again.", "Save it"]
