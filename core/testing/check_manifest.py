"""Inherited tests: the manifest is right, the plugin loads, it imports what it says, its hooks exist."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

from packaging.specifiers import SpecifierSet

from core.plugin.hookspecs import CoreHooks
from core.plugin.manifest import FILE_NAME, Manifest
from core.plugin.resolver import resolve
from core.testing.examined import Examined, complain

BORDERS = frozenset({"api", "data", "events", "errors"})
"""Modules of a plugin that other plugins may import."""
CORE_BORDERS = ("core.api", "core.values", "core.testing", "core.plugin.hookspecs")
FORBIDDEN = frozenset({"celery", "kombu", "pluggy"})
FLOORS = frozenset({">=", "==", "~=", "==="})


class ManifestTests:
    """The manifest and what follows from it."""

    def test_the_manifest_is_valid(self, attempt: Examined) -> None:
        complain(_failed(attempt, "manifest", "requires"), f"correct {FILE_NAME}")

    def test_the_code_can_be_imported(self, attempt: Examined) -> None:
        complain(_failed(attempt, "import"), "import the package in a Python shell and repair what it says")

    def test_the_models_fit_the_registry(self, attempt: Examined) -> None:
        complain(_failed(attempt, "models"), "name tables and models after the plugin, and name relations rightly")

    def test_hooks_exist_and_have_the_signatures_of_their_specifications(self, attempt: Examined) -> None:
        complain(_failed(attempt, "register"), "compare with docs/hooks.md; parameters you do not need may be left out")

    def test_hooks_return_what_they_declare(self, attempt: Examined) -> None:
        complain(_failed(attempt, "hooks"), "return a list of the dataclass that the hook's page names")

    def test_the_manifest_names_the_plugin_in_both_languages(self, examined: Examined) -> None:
        title = examined.manifest.title
        wrong = [] if is_bilingual(title) else [f"{FILE_NAME}: title {title.en!r} / {title.zh!r}"]
        complain(wrong, "write title = { en = …, zh = … } in the two languages")

    def test_no_hook_lacks_its_marker(self, examined: Examined) -> None:
        known = {name for name in vars(CoreHooks) if name.startswith("core_")}
        found = []
        for path, text in examined.code():
            for node in ast.walk(ast.parse(text)):
                if isinstance(node, ast.FunctionDef) and node.name in known and not _is_marked(node):
                    found.append(f"{examined.file(path)}: {node.name} in line {node.lineno} is never called")
        complain(found, "put @hookimpl above it")

    def test_other_plugins_are_required_and_met_at_their_borders(self, examined: Examined) -> None:
        complain(
            _foreign_imports(examined),
            "name the plugin under [requires] and import only its api, data, events or errors",
        )

    def test_the_core_is_met_at_its_border(self, examined: Examined) -> None:
        complain(
            _core_imports(examined),
            "import from core.api, core.values or core.testing; leave Celery and pluggy to the core",
        )

    def test_ranges_of_versions_have_a_floor_that_works(self, examined: Examined) -> None:
        ranges = {"api": examined.manifest.api, **examined.manifest.requires}
        found = [f"{FILE_NAME}: {name} has no lowest version" for name, each in ranges.items() if not _floors(each)]
        found += _broken_at_the_floor(examined)
        complain(found, 'write ranges such as ">=1.0,<2" whose lowest version you tested with')


def is_bilingual(label: Any) -> bool:
    """Whether a label has an English text without Chinese signs, and a Chinese one."""
    return bool(label.en.strip()) and not has_chinese(label.en) and has_chinese(label.zh)


def has_chinese(text: str) -> bool:
    """Whether a text has Chinese signs."""
    return any("\u4e00" <= sign <= "\u9fff" for sign in text)


def imports_of(text: str) -> Iterator[str]:
    """Yield the full name of each import in a source text; ``from a import b`` is ``a.b``."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def _failed(attempt: Examined, *phases: str) -> list[str]:
    state = attempt.state
    if state.phase not in phases:
        return []
    last = state.trace.strip().splitlines()[-3:] if state.trace else []
    return [f"{state.phase}: {state.error}", *last]


def _is_marked(node: ast.FunctionDef) -> bool:
    return any("hook" in ast.unparse(each) for each in node.decorator_list)


def _foreign_imports(examined: Examined) -> Iterator[str]:
    from core.plugin.discovery import discover

    packages = {each.package: each for each in discover(examined.paths).manifests.values()}
    for path, text in examined.code():
        for name in imports_of(text):
            other = _package_of(name, packages)
            if other is None or other.id == examined.plugin_id:
                continue
            module = name.removeprefix(other.package).strip(".").partition(".")[0]
            if other.id not in {**examined.manifest.requires, **examined.manifest.optional}:
                yield f"{examined.file(path)} imports {name}, but {FILE_NAME} does not require {other.id}"
            elif module not in BORDERS:
                yield f"{examined.file(path)} imports {name}, which is private to {other.id}"


def _package_of(name: str, packages: dict[str, Manifest]) -> Manifest | None:
    parts = name.split(".")
    return next((packages[each] for at in range(len(parts), 0, -1) if (each := ".".join(parts[:at])) in packages), None)


def _core_imports(examined: Examined) -> Iterator[str]:
    for path, text in examined.code():
        for name in imports_of(text):
            inner = name.startswith("core.") and not name.startswith(CORE_BORDERS)
            if inner or name.partition(".")[0] in FORBIDDEN:
                yield f"{examined.file(path)} imports {name}"


def _floors(versions: SpecifierSet) -> list[str]:
    return [each.version for each in versions if each.operator in FLOORS]


def _broken_at_the_floor(examined: Examined) -> Iterator[str]:
    """Work out the order of loading with every requirement at its lowest version and at the installed one."""
    from dataclasses import replace

    from packaging.version import Version

    known = {each.id: each for each in examined.suite.plugins.ready()}
    own = known.pop(examined.plugin_id)
    for name, versions in own.requires.items():
        floors = _floors(versions)
        if floors and name in known:
            lowest = replace(known[name], version=Version(floors[0].removesuffix(".*")))
            _, problems = resolve({**known, name: lowest, own.id: own})
            yield from (f"{FILE_NAME}: with {name} {lowest.version}: {problem}" for problem in problems.values())
