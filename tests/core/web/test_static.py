"""The web kit as files: vendored hashes, strict-CSP markup, icons, translations, documented templates."""

import ast
import hashlib
import re
import tomllib
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from babel.messages import Catalog
from babel.messages.pofile import read_po
from jinja2 import Environment, FileSystemLoader
from jinja2.ext import babel_extract

import core

CORE = Path(core.__file__).parent
STATIC = CORE / "web" / "static"
TEMPLATES = CORE / "web" / "templates"
TEMPLATE_FILES = sorted(TEMPLATES.rglob("*.html"))
CATALOGUE = CORE / "locale" / "zh_CN" / "LC_MESSAGES" / "messages.po"

# Each would be refused by the Content Security Policy or needs evaluation (docs/design.md).
FORBIDDEN = {
    "style attribute": re.compile(r"\sstyle\s*="),
    "style element": re.compile(r"<style[\s>]"),
    "inline handler": re.compile(r"<[^>]*\son[a-z]+\s*="),
    "hx-on": re.compile(r"hx-on[:\s=-]"),
    "script value": re.compile(r"""=\s*["'](?:js|javascript):"""),
    "inline script": re.compile(r"<script(?![^>]*\ssrc=)"),
    "script without nonce": re.compile(r"<script(?![^>]*\snonce=)"),
    "trigger filter": re.compile(r"""hx-trigger\s*=\s*["'][^"']*\["""),
    "unescaped text": re.compile(r"\|\s*safe\b"),
}


def without_comments(text: str) -> str:
    return re.sub(r"\{#.*?#\}", "", text, flags=re.DOTALL)


def request_tags(text: str) -> Iterator[str]:
    """Tags that send htmx requests; Jinja expressions inside are blanked, since they may contain `>`."""
    plain = re.sub(r"\{\{.*?\}\}|\{%.*?%\}", "", without_comments(text), flags=re.DOTALL)
    return (tag for tag in re.findall(r"<[a-z][^>]*>", plain) if re.search(r"\shx-(get|post|put|patch|delete)\b", tag))


def vendor_entries() -> list[dict[str, str]]:
    entries: list[dict[str, str]] = tomllib.loads((CORE / "web" / "vendor.toml").read_text("utf-8"))["file"]
    return entries


def messages() -> Iterator[tuple[str, str]]:
    for path in TEMPLATE_FILES:
        for _, _, message, _ in babel_extract(BytesIO(path.read_bytes()), ("_", "_n"), [], {"trim_blocks": "true"}):
            yield path.name, message if isinstance(message, str) else str((message or [""])[0])


@pytest.mark.parametrize("entry", vendor_entries(), ids=lambda entry: entry["name"])
def test_vendored_file_has_the_recorded_hash(entry: dict[str, str]) -> None:
    content = (STATIC / entry["path"]).read_bytes()

    assert hashlib.sha256(content).hexdigest() == entry["sha256"]


def test_every_vendored_file_is_recorded_and_its_licence_is_shipped() -> None:
    notice = (STATIC / "vendor" / "NOTICE").read_text("utf-8")
    shipped = {path.relative_to(STATIC).as_posix() for path in (STATIC / "vendor").iterdir()} - {"vendor/NOTICE"}

    assert shipped <= {entry["path"] for entry in vendor_entries()}
    assert [e["name"] for e in vendor_entries() if f"{e['name']} {e['version']}" not in notice] == []


@pytest.mark.parametrize("path", TEMPLATE_FILES, ids=lambda path: path.relative_to(TEMPLATES).as_posix())
def test_template_compiles_and_documents_itself_first(path: Path) -> None:
    name = path.relative_to(TEMPLATES).as_posix()
    environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, extensions=["jinja2.ext.i18n"])

    environment.get_template(name)

    assert path.read_text("utf-8").startswith("{#")


@pytest.mark.parametrize("path", TEMPLATE_FILES, ids=lambda path: path.relative_to(TEMPLATES).as_posix())
def test_template_holds_nothing_the_content_security_policy_refuses(path: Path) -> None:
    text = without_comments(path.read_text("utf-8"))

    assert [name for name, pattern in FORBIDDEN.items() if pattern.search(text)] == []


@pytest.mark.parametrize(
    ("name", "markup"),
    [
        ("style attribute", '<p style="color:red">'),
        ("inline handler", '<p onclick="go()">'),
        ("hx-on", '<p hx-on:click="go()">'),
        ("script value", """<p hx-vals='js:{a: 1}'>"""),
        ("inline script", '<script nonce="x">go()</script>'),
        ("script without nonce", '<script src="/a.js"></script>'),
        ("trigger filter", '<p hx-trigger="click[ctrlKey]">'),
        ("unescaped text", "{{ name|safe }}"),
    ],
)
def test_the_refusal_finds_each_forbidden_form(name: str, markup: str) -> None:
    assert FORBIDDEN[name].search(markup)


@pytest.mark.parametrize("path", TEMPLATE_FILES, ids=lambda path: path.relative_to(TEMPLATES).as_posix())
def test_every_htmx_element_states_its_own_target_and_swap(path: Path) -> None:
    tags = list(request_tags(path.read_text("utf-8")))

    assert [tag for tag in tags if "hx-target" not in tag or "hx-swap" not in tag] == []


PLACES = {"MenuItem": 4, "SearchHit": 3}
"""Contributions that take an icon, and its place among their arguments."""


def icons_of_code(text: str) -> Iterator[str]:
    """Names after ``icon=``, beside the key ``"icon"``, or in the place of an icon."""
    for node in ast.walk(ast.parse(text)):
        found: list[ast.expr | None] = []
        if isinstance(node, ast.Call):
            found = [word.value for word in node.keywords if word.arg == "icon"]
            found += node.args[PLACES.get(getattr(node.func, "id", ""), 99) :][:1]
        elif isinstance(node, ast.Dict):
            pairs = zip(node.keys, node.values, strict=True)
            found = [value for key, value in pairs if isinstance(key, ast.Constant) and key.value == "icon"]
        elif isinstance(node, ast.AnnAssign) and getattr(node.target, "id", "") == "icon":
            found = [node.value]
        for value in found:
            yield from (part.value for part in ast.walk(value or node) if _is_name(part))  # type: ignore[attr-defined]  # a constant, by its test


def _is_name(part: ast.AST) -> bool:
    return isinstance(part, ast.Constant) and isinstance(part.value, str) and bool(ICON_NAME.fullmatch(part.value))


ICON_NAME = re.compile(r"[a-z][a-z0-9-]+")
ICONS_OF_TEMPLATES = re.compile(
    r'''(?:icon\(|icon_name=|"icon": |tag\([^()]*(?:\([^()]*\)[^()]*)*, "\w*", )"([a-z0-9-]+)"'''
)


def test_every_icon_that_is_named_is_in_the_sprite() -> None:
    symbols = set(re.findall(r'<symbol id="([^"]+)"', (STATIC / "icons.svg").read_text("utf-8")))
    roots = (CORE, CORE.parent / "plugins")
    code = {n for root in roots for path in root.rglob("*.py") for n in icons_of_code(path.read_text("utf-8"))}
    pages = [path.read_text("utf-8") for root in roots for path in root.rglob("*.html")]
    templates = {n for page in pages for n in ICONS_OF_TEMPLATES.findall(page)}

    assert {"users", "list-details", "file-export"} <= code
    assert {"chevron-right", "info-circle"} <= templates
    assert {name for name in code | templates if not name.endswith("-")} - symbols == set()


def translated(catalogue: Catalog, text: str) -> bool:
    found = catalogue.get(text)
    return found is not None and bool(found.string if isinstance(found.string, str) else all(found.string or [""]))


def test_every_text_of_the_templates_has_a_chinese_translation() -> None:
    with CATALOGUE.open("rb") as handle:
        catalogue = read_po(handle, locale="zh_CN")

    missing = [(where, text) for where, text in messages() if not translated(catalogue, text)]

    assert missing == []


@pytest.mark.parametrize("theme", ['[data-theme="dark"], .theme-dark', '[data-theme="auto"]'])
def test_dark_theme_sets_every_colour_of_the_light_one(theme: str) -> None:
    tokens = (STATIC / "css" / "tokens.css").read_text("utf-8")
    light = tokens.split(":root, .theme-light {")[1].split("}")[0]
    dark = tokens.split(theme + " {")[1].split("}")[0]

    assert set(re.findall(r"--[a-z0-9-]+(?=:)", dark)) == set(re.findall(r"--[a-z0-9-]+(?=:)", light))


def luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("theme", [":root, .theme-light", '[data-theme="dark"], .theme-dark'])
@pytest.mark.parametrize(
    ("text", "ground", "least"),
    [
        ("ink", "surface", 4.5),
        ("ink3", "surface", 4.5),
        ("ink3", "bg", 4.5),
        ("accent", "surface", 4.5),
        ("accent2", "soft", 4.5),
        ("on-accent", "accent", 4.5),
        ("danger", "danger-soft", 4.5),
        ("warn", "warn-soft", 4.5),
        ("on-inkfill", "inkfill", 4.5),
        ("edge", "surface", 3.0),
    ],
)
def test_token_pair_reaches_the_contrast_of_wcag_2_2(theme: str, text: str, ground: str, least: float) -> None:
    block = (STATIC / "css" / "tokens.css").read_text("utf-8").split(theme + " {")[1].split("}")[0]
    colours = dict(re.findall(r"--([a-z0-9-]+): (#[0-9A-F]{6})", block))

    lighter, darker = sorted((luminance(colours[text]), luminance(colours[ground])), reverse=True)

    assert (lighter + 0.05) / (darker + 0.05) >= least
