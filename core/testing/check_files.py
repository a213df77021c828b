"""Inherited tests: files and contributions are named as everywhere, documented, licensed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from core.plugin.discovery import ENTRY_POINT_GROUP
from core.testing.check_surfaces import name_of
from core.testing.examined import Examined, complain

SILENT = {"utils", "util", "helpers", "helper", "common", "misc", "stuff", "tools", "shared"}
NAMED = {
    "core_panels": "{plugin}.",
    "core_menu_items": "{plugin}.",
    "core_slots": "{plugin}.",
    "core_actions": "{plugin}.",
    "core_list_views": "{plugin}.",
    "core_home_cards": "{plugin}.",
    "core_jobs": "{plugin}.",
    "core_after_import": "{plugin}.",
    "core_health_checks": "{plugin}.",
}
"""How the ids of contributions start."""
STATIC = {".css", ".svg", ".png", ".webp", ".woff2", ".ico"}
NOTICES = ("NOTICE", "LICENSE", "LICENSE.md", "LICENSE.txt", "COPYING")
README = ("README.md", "README.rst", "README.txt")


class FileTests:
    """Names and files of the plugin."""

    def test_permissions_are_named_after_plugin_noun_and_verb(self, examined: Examined) -> None:
        names = [each.name for each in examined.declared("core_permissions")]
        wrong = [name for name in names if not re.fullmatch(rf"{examined.plugin_id}(\.[a-z_]+){{2}}", name)]
        twice = {name for name in names if names.count(name) > 1}
        complain(
            (f"core_permissions: {name}" for name in [*wrong, *sorted(twice)]), "<plugin>.<noun>.<verb>, each once"
        )

    def test_contributions_are_named_after_the_plugin(self, examined: Examined) -> None:
        complain(_misnamed(examined), "start it with the plugin's id, so that two plugins never meet in one name")

    def test_files_have_telling_names(self, examined: Examined) -> None:
        paths = [path for path, _ in examined.code()]
        complain((examined.file(path) for path in paths if path.stem in SILENT), "name it after what is inside")

    def test_templates_and_static_files_stand_under_the_name_of_the_plugin(self, examined: Examined) -> None:
        found = [
            examined.file(path)
            for kind in ("templates", "static")
            for path in sorted((examined.manifest.folder / kind).rglob("*"))
            if path.is_file() and path.relative_to(examined.manifest.folder / kind).parts[0] != examined.plugin_id
        ]
        complain(found, "move it into templates/<plugin>/ or static/<plugin>/: elsewhere it is not found")

    def test_static_files_are_allowed_and_licensed(self, examined: Examined) -> None:
        folder = examined.manifest.folder
        files = [path for path in sorted((folder / "static").rglob("*")) if path.is_file()]
        found = [
            f"{examined.file(path)}: no page loads it" for path in files
            if path.suffix not in STATIC and path.name not in NOTICES
        ]  # fmt: skip
        if files and not any((place / name).is_file() for place in _repository(examined) for name in NOTICES):
            found.append("static/: nothing says under which licence its files are")
        complain(found, f"keep {', '.join(sorted(STATIC))} and a LICENSE or NOTICE beside plugin.toml")

    def test_a_readme_tells_what_it_does(self, examined: Examined) -> None:
        texts = [
            (place / name).read_text("utf-8")
            for place in _places(examined)
            for name in README
            if (place / name).is_file()
        ]
        texts += [
            str(point.dist.read_text("METADATA")).partition("\n\n")[2]
            for point in _entry_points(examined)
            if point.dist
        ]
        complain(
            [] if any(len(text.split()) >= 20 for text in texts) else ["README.md is missing or says nothing"],
            "tell in a few sentences what the plugin adds, how it is installed and which settings it has",
        )


def _places(examined: Examined) -> tuple[Path, ...]:
    """Return where the README may stand: beside the manifest, and above it in a repository of the plugin's own."""
    folder = examined.manifest.folder
    own = (folder.parent / "pyproject.toml").is_file()
    return (folder, folder.parent) if own else (folder,)


def _entry_points(examined: Examined) -> list[EntryPoint]:
    """Return the plugin's entry points: the description of an installed wheel is its README."""
    return [point for point in entry_points(group=ENTRY_POINT_GROUP) if point.name == examined.plugin_id]


def _repository(examined: Examined) -> tuple[Path, ...]:
    """Return where the licence may stand: the plugin's folder and those above it up to the project's."""
    folder = examined.manifest.folder
    roots = [place for place in folder.parents if (place / "pyproject.toml").is_file()][:1]
    return (folder, *roots)


def _misnamed(examined: Examined) -> Iterator[str]:
    for hook, pattern in NAMED.items():
        start = pattern.format(plugin=examined.plugin_id)
        for each in examined.declared(hook):
            if not name_of(each).startswith(start):
                yield f"{hook}: {name_of(each)} does not start with {start}"
    for hook in ("core_columns", "core_filters"):
        for each in examined.declared(hook):
            foreign = not each.model.startswith(f"{examined.plugin_id}.")
            if foreign and not each.id.startswith(f"{examined.plugin_id}_"):
                yield f"{hook}: {each.id} of {each.model} does not start with {examined.plugin_id}_"
