"""Settings of plugins: declared by `core_settings`, set in ``[plugins.<plugin>]``, checked for name and type."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from core.errors import ConfigError
from core.plugin.contributions import Setting

if TYPE_CHECKING:
    from core.app import Suite


def setting(suite: Suite, plugin_id: str, name: str) -> Any:
    """Return a plugin's setting: what the administrator wrote, else the default.

    Args:
        suite: The suite.
        plugin_id: The plugin.
        name: Name of a setting that it declares.

    Raises:
        ConfigError: The plugin declares no such setting, or the value has the wrong type.
    """
    declared = _declared(suite, plugin_id)
    if name not in declared:
        raise _unknown(plugin_id, name, declared)
    return _value(plugin_id, declared[name], suite.settings.plugins.of(plugin_id))


def setting_problems(suite: Suite) -> Iterator[ConfigError]:
    """Yield what is wrong in the tables ``[plugins.<plugin>]`` of the loaded plugins."""
    for manifest in suite.plugins.ready():
        declared, written = _declared(suite, manifest.id), suite.settings.plugins.of(manifest.id)
        for name in written:
            if name not in declared:
                yield _unknown(manifest.id, name, declared)
        for each in declared.values():
            try:
                _value(manifest.id, each, written)
            except ConfigError as error:
                yield error


def _declared(suite: Suite, plugin_id: str) -> dict[str, Setting]:
    return {each.name: each for owner, each in suite.plugins.collect("core_settings") if owner == plugin_id}


def _value(plugin_id: str, declared: Setting, written: dict[str, Any]) -> Any:
    value = written.get(declared.name, declared.default)
    wanted = type(declared.default)
    if type(value) is int and wanted is float:
        return float(value)
    if type(value) is not wanted:
        raise ConfigError(
            "plugin_setting_type",
            "[plugins.{plugin}] {name} must be of the type {wanted}.",
            "Write it as its default: {default}.",
            plugin=plugin_id,
            name=declared.name,
            wanted=wanted.__name__,
            default=repr(declared.default),
        )
    return value


def _unknown(plugin_id: str, name: str, declared: dict[str, Setting]) -> ConfigError:
    near = difflib.get_close_matches(name, declared, n=1)
    return ConfigError(
        "plugin_setting_unknown",
        "[plugins.{plugin}] has no setting {name}.",
        "Did you mean {near}?" if near else "It has: {known}.",
        plugin=plugin_id,
        name=name,
        near=near[0] if near else "",
        known=", ".join(declared) or "-",
    )
