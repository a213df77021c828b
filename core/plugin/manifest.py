"""The manifest `plugin.toml`: what a plugin says of itself, read without importing it."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from core.errors import PluginError
from core.registry.fields import Label

FILE_NAME = "plugin.toml"
ID_PATTERN = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
MAX_ID_LENGTH = 40
RESERVED = frozenset({"core", "api", "static", "alembic"})
SCOPES = ("system", "branch", "both")
UNINSTALL = ("keep", "archive", "drop")
KNOWN = frozenset(
    {
        "id",
        "version",
        "title",
        "api",
        "package",
        "requires",
        "optional",
        "conflicts",
        "scope",
        "table_prefix",
        "uninstall",
        "when_active",
    }
)


@dataclass(frozen=True)
class Manifest:
    """What a plugin says of itself.

    Args:
        id: Lower-case name, unique in the installation.
        version: Version of the plugin (PEP 440).
        title: Name for people.
        api: Range of the core hook API the plugin was written for.
        package: Python package of the code.
        folder: Folder of ``plugin.toml``.
        requires: Other plugins that must be there, with the range of their versions.
        optional: Plugins that are loaded before this one when they are there.
        conflicts: Plugins that cannot run beside this one.
        scope: ``branch`` plugins are switched per branch, ``system`` ones for the whole installation.
        table_prefix: Start of the names of all its tables.
        uninstall: What happens to its data: kept, archived or dropped.
        when_active: Plugins between which this one is a bridge: it is loaded after them and active only where all of
            them are; without one of them it waits.
    """

    id: str
    version: Version
    title: Label
    api: SpecifierSet
    package: str
    folder: Path
    requires: dict[str, SpecifierSet] = field(default_factory=dict)
    optional: dict[str, SpecifierSet] = field(default_factory=dict)
    conflicts: dict[str, SpecifierSet] = field(default_factory=dict)
    scope: Literal["system", "branch", "both"] = "branch"
    table_prefix: str = ""
    uninstall: Literal["keep", "archive", "drop"] = "archive"
    when_active: tuple[str, ...] = ()


def read_manifest(file: Path) -> Manifest:
    """Read a manifest file.

    Raises:
        PluginError: Phase ``manifest``; names the file, the key and what is expected.
    """
    try:
        values = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise PluginError(
            file.parent.name,
            "manifest",
            "{file} cannot be read: {problem}.",
            "Correct the file.",
            file=str(file),
            problem=str(error),
        ) from error
    return _Reader(file, values).manifest()


class _Reader:
    """Checks the keys of one manifest one after the other."""

    def __init__(self, file: Path, values: dict[str, Any]) -> None:
        self.file = file
        self.values = values
        self.name = str(values.get("id", file.parent.name))

    def wrong(self, key: str, expected: str) -> PluginError:
        return PluginError(
            self.name,
            "manifest",
            "{file}: {key} must be {expected}.",
            "Correct the manifest.",
            file=str(self.file),
            key=key,
            expected=expected,
        )

    def manifest(self) -> Manifest:
        unknown = sorted(set(self.values) - KNOWN)
        if unknown:
            raise self.wrong(unknown[0], "left out: there is no such key; known are " + ", ".join(sorted(KNOWN)))
        plugin_id = self.identity()
        prefix = self.text("table_prefix", f"{plugin_id}_")
        if not re.fullmatch(r"[a-z][a-z0-9_]*_", prefix):
            raise self.wrong("table_prefix", "lower-case letters, digits and underscores, ending in an underscore")
        return Manifest(
            id=plugin_id,
            version=self.version(),
            title=self.title(),
            api=self.range("api", self.text("api")),
            package=self.package(),
            folder=self.file.parent,
            requires=self.ranges("requires"),
            optional=self.ranges("optional"),
            conflicts=self.ranges("conflicts"),
            scope=self.one_of("scope", SCOPES, "branch"),
            table_prefix=prefix,
            uninstall=self.one_of("uninstall", UNINSTALL, "archive"),
            when_active=self.names("when_active"),
        )

    def text(self, key: str, default: str | None = None) -> str:
        value = self.values.get(key, default)
        if not isinstance(value, str) or not value:
            raise self.wrong(key, "a text that is not empty")
        return value

    def identity(self) -> str:
        value = self.text("id")
        if not ID_PATTERN.fullmatch(value) or len(value) > MAX_ID_LENGTH or value in RESERVED:
            raise self.wrong("id", f"at most {MAX_ID_LENGTH} lower-case letters, digits and single underscores, "
                             f"and none of {', '.join(sorted(RESERVED))}")  # fmt: skip
        return value

    def version(self) -> Version:
        try:
            return Version(self.text("version"))
        except InvalidVersion:
            raise self.wrong("version", 'a version such as "1.0"') from None

    def title(self) -> Label:
        title = self.values.get("title")
        if not isinstance(title, dict) or not all(isinstance(title.get(key), str) for key in ("en", "zh")):
            raise self.wrong("title", 'a table with the texts "en" and "zh"')
        return Label(title["en"], title["zh"])

    def package(self) -> str:
        value = self.text("package")
        if not all(part.isidentifier() for part in value.split(".")):
            raise self.wrong("package", 'a Python package such as "plugins.crm_customers"')
        return value

    def range(self, key: str, text: object) -> SpecifierSet:
        try:
            return SpecifierSet("" if text == "*" else str(text))
        except InvalidSpecifier:
            raise self.wrong(key, 'a range of versions such as ">=1.0,<2"') from None

    def ranges(self, key: str) -> dict[str, SpecifierSet]:
        table = self.values.get(key, {})
        if not isinstance(table, dict) or not all(isinstance(value, str) for value in table.values()):
            raise self.wrong(key, 'a table of plugin ids and ranges, for example crm_customers = ">=1.0,<2"')
        return {name: self.range(f"{key}.{name}", value) for name, value in table.items()}

    def names(self, key: str) -> tuple[str, ...]:
        found = self.values.get(key, [])
        if not isinstance(found, list) or not all(isinstance(name, str) for name in found):
            raise self.wrong(key, 'a list of plugin ids, for example ["acme_sms", "acme_gifts"]')
        return tuple(found)

    def one_of(self, key: str, allowed: tuple[str, ...], default: str) -> Any:
        value = self.values.get(key, default)
        if value not in allowed:
            raise self.wrong(key, "one of " + ", ".join(allowed))
        return value
