"""The tests that every plugin passes: a plugin's tests inherit `PluginConformance` and name the plugin."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any, ClassVar

import pytest
from babel.messages.pofile import read_po
from jinja2.ext import babel_extract

from core.app import Suite
from core.db.base import Base, owner_of
from core.db.migrate import sources, upgrade
from core.db.revisions import drift
from core.plugin.contributions import PUBLIC, SIGNED_IN
from core.plugin.manifest import FILE_NAME, Manifest, read_manifest
from core.security.permissions import all_permissions
from core.testing.fixtures import make_settings
from core.web.application import build_application

HAN = re.compile(r"[\u4e00-\u9fff]")
PUBLIC_MODULES = frozenset({"api", "data", "events", "errors"})
"""Modules of a plugin that other plugins may import."""


class PluginConformance:
    """Tests of one plugin; a subclass sets the class variables.

    Args:
        plugin_id: Id of the plugin.
        others: Further plugins that it needs to load.
        unscoped: Tables without a branch that no row rule narrows -> why that is safe.
    """

    plugin_id: ClassVar[str]
    others: ClassVar[Sequence[str]] = ()
    unscoped: ClassVar[dict[str, str]] = {}

    @pytest.fixture
    def enabled_plugins(self) -> tuple[str, ...]:
        """Load the plugin and what it needs, nothing else."""
        return (*self.others, self.plugin_id)

    @pytest.fixture
    def manifest(self, suite: Suite) -> Manifest:
        """The manifest of the loaded plugin."""
        state = suite.plugins.states[self.plugin_id]
        assert state.phase != "failed", state
        assert state.manifest is not None
        return state.manifest

    def test_the_plugin_loads_and_its_manifest_is_valid(self, suite: Suite, manifest: Manifest) -> None:
        assert suite.plugins.is_ready(self.plugin_id), suite.plugins.states[self.plugin_id]
        assert read_manifest(manifest.folder / FILE_NAME).id == self.plugin_id
        assert HAN.search(manifest.title.zh)
        assert not HAN.search(manifest.title.en)

    def test_tables_carry_the_prefix_of_the_plugin(self, suite: Suite, manifest: Manifest) -> None:
        wrong = [table.name for table in self._tables() if not table.name.startswith(manifest.table_prefix)]

        assert wrong == []

    def test_every_model_is_narrowed_to_branches_or_shared_on_purpose(self, suite: Suite, manifest: Manifest) -> None:
        assert self._unscoped_tables(suite) == set(self.unscoped)
        assert all(self.unscoped.values())
        # the generic pages and the API show the rows of every registered model
        assert not set(self.unscoped) & {model.table.name for model in suite.registry}

    def test_every_field_and_model_is_labelled_in_both_languages(self, suite: Suite, manifest: Manifest) -> None:
        assert list(self._unlabelled(suite)) == []

    def test_permissions_start_with_the_plugin(self, suite: Suite, manifest: Manifest) -> None:
        names = [name for owner, name in self._declared("core_permissions", suite, "name") if owner == self.plugin_id]

        assert [name for name in names if not re.fullmatch(rf"{self.plugin_id}(\.[a-z_]+){{2}}", name)] == []
        assert len(names) == len(set(names))

    def test_every_route_menu_entry_and_panel_asks_for_a_known_permission(
        self, suite: Suite, manifest: Manifest
    ) -> None:
        known = {permission.name for permission in all_permissions(suite)} | {PUBLIC, SIGNED_IN}
        hooks = ("core_routes", "core_menu_items", "core_panels", "core_columns", "core_list_views", "core_home_cards")
        asked = {
            (hook, name)
            for hook in (*hooks, "core_search_sources")
            for owner, name in self._declared(hook, suite, "permission")
            if owner == self.plugin_id and not (hook in {"core_columns", "core_list_views"} and name == "")
        }

        assert {(hook, name) for hook, name in asked if name not in known} == set()

    def test_contributions_are_labelled_in_both_languages(self, suite: Suite, manifest: Manifest) -> None:
        hooks = {"core_menu_items": "label", "core_panels": "title", "core_jobs": "label", "core_columns": "label"}
        hooks["core_list_views"] = "label"
        labels = [
            label
            for hook, name in hooks.items()
            for owner, label in self._declared(hook, suite, name)
            if owner == self.plugin_id
        ]

        assert [label for label in labels if not (HAN.search(label.zh) and label.en.strip())] == []

    def test_schedules_name_declared_jobs(self, suite: Suite, manifest: Manifest) -> None:
        jobs = {name for _, name in self._declared("core_jobs", suite, "name")}

        assert {
            name for owner, name in self._declared("core_schedules", suite, "job") if owner == self.plugin_id
        } <= jobs

    def test_templates_compile_and_their_texts_are_translated(self, suite: Suite, manifest: Manifest) -> None:
        folder = manifest.folder / "templates"
        core = Path(__file__).parents[1]
        templates = build_application(suite).state.templates
        known = translated_texts(manifest.folder / "locale") | translated_texts(core / "locale")
        for path in sorted(folder.rglob("*.html")):
            templates.check(path.relative_to(folder).as_posix())
            assert [text for text in template_texts(path) if text not in known] == [], path

    def test_revisions_build_the_tables_of_the_models(self, tmp_path: Path) -> None:
        suite = self._fresh(tmp_path)
        try:
            own = next((source for source in sources(suite.plugins) if source.owner == self.plugin_id), None)
            assert own is not None or not list(self._tables()), "the plugin has tables but no revisions"
            if own is not None:
                upgrade(suite.database, suite.plugins)
                assert drift(suite.database.url, own) == []
        finally:
            suite.close()

    def test_other_plugins_are_met_only_at_their_borders(self, suite: Suite, manifest: Manifest) -> None:
        allowed = set(manifest.requires)
        for path in sorted(manifest.folder.rglob("*.py")):
            for plugin, module in imports_of_plugins(path.read_text("utf-8")):
                if plugin != self.plugin_id:
                    assert plugin in allowed, f"{path.name} imports {plugin}, which the manifest does not require"
                    assert module in PUBLIC_MODULES, f"{path.name} imports {plugin}.{module}, which is private"

    def _fresh(self, folder: Path) -> Suite:
        from core.app import build_suite

        for name in ("files", "keys"):
            (folder / name).mkdir(exist_ok=True)
        return build_suite(make_settings(folder, (*self.others, self.plugin_id)))

    def _tables(self) -> Iterator[Any]:
        return (table for table in Base.metadata.tables.values() if owner_of(table) == self.plugin_id)

    def _unscoped_tables(self, suite: Suite) -> set[str]:
        ruled = {model.table.name for model in suite.registry if model.declaration.row_rule or model.declaration.shared}
        return {table.name for table in self._tables() if "branch_id" not in table.c and table.name not in ruled}

    def _unlabelled(self, suite: Suite) -> Iterator[str]:
        for model in suite.registry:
            if model.owner != self.plugin_id:
                continue
            named = {"": model.declaration.label, "(plural)": model.declaration.plural}
            named |= {field.name: field.label for field in (*model.fields.values(), *model.declaration.virtual)}
            for field in model.fields.values():
                named |= {f"{field.name}={option.code}": option.label for option in field.options}
            for name, label in named.items():
                if not label.en.strip() or HAN.search(label.en) or not label.zh.strip():
                    yield f"{model.id} {name}"

    @staticmethod
    def _declared(hook: str, suite: Suite, attribute: str) -> list[tuple[str, Any]]:
        return [(owner, getattr(found, attribute)) for owner, found in suite.plugins.collect(hook)]


def template_texts(path: Path) -> Iterator[str]:
    """Yield the texts that a template asks to be translated."""
    for _, _, message, _ in babel_extract(BytesIO(path.read_bytes()), ("_", "_n"), [], {"trim_blocks": "true"}):
        yield message if isinstance(message, str) else str((message or [""])[0])


def translated_texts(folder: Path) -> set[str]:
    """Return the English texts that a folder ``locale`` translates into Chinese."""
    file = folder / "zh_CN" / "LC_MESSAGES" / "messages.po"
    if not file.exists():
        return set()
    with file.open("rb") as source:
        catalogue = read_po(source, locale="zh_CN")
    return {
        message.id if isinstance(message.id, str) else message.id[0]
        for message in catalogue
        if message.id and message.string and (isinstance(message.string, str) or all(message.string))
    }


def imports_of_plugins(text: str) -> Iterator[tuple[str, str]]:
    """Yield (plugin, module of it) for each import of a plugin's code in a source text."""
    for node in ast.walk(ast.parse(text)):
        names: list[str] = []
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        for name in names:
            parts = name.split(".")
            if parts[0] == "plugins" and len(parts) > 1:
                yield parts[1], parts[2] if len(parts) > 2 else ""
