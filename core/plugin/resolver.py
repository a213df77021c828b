"""The order in which plugins are loaded, and which of them cannot be: versions, requirements, conflicts, circles."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence

from core.errors import PluginError
from core.plugin import API_VERSION
from core.plugin.manifest import Manifest


def resolve(
    manifests: Mapping[str, Manifest], wanted: Container[str] = ()
) -> tuple[list[Manifest], dict[str, PluginError]]:
    """Put plugins into dependency order.

    Args:
        manifests: The plugins that could be loaded, by id.
        wanted: All that should be loaded; what requires one of them that is not among ``manifests`` is blocked by it.

    Returns:
        The plugins that can be loaded, each after all it requires or optionally uses, equal ones by id; and the
        reason for each that cannot.
    """
    usable = dict(manifests)
    problems: dict[str, PluginError] = {}
    while True:
        found = {name: problem for name in usable if (problem := _problem(usable[name], usable, manifests, wanted))}
        if not found:
            break
        problems.update(found)
        usable = {name: manifest for name, manifest in usable.items() if name not in found}
    return _ordered(usable, problems), problems


def requirements(plugin_id: str, manifests: Mapping[str, Manifest]) -> tuple[str, ...]:
    """Return the plugins that one needs, directly or not, each after those that it needs itself.

    Args:
        plugin_id: The plugin; one without manifest needs none.
        manifests: All known plugins by id.
    """
    found: list[str] = []
    seen = {plugin_id}

    def add(name: str) -> None:
        for other in manifests[name].requires if name in manifests else ():
            if other in manifests and other not in seen:
                seen.add(other)
                add(other)
                found.append(other)

    add(plugin_id)
    return tuple(found)


def blocked(plugin_id: str, by: Sequence[str]) -> PluginError:
    """Return the error of a plugin whose requirement failed."""
    return PluginError(
        plugin_id,
        "requires",
        "{plugin} is blocked: it requires {missing}, which does not run.",
        "Repair or disable {missing} first.",
        missing=", ".join(by),
    )


def waiting(plugin_id: str, missing: Sequence[str]) -> PluginError:
    """Return why a bridge waits."""
    return PluginError(
        plugin_id,
        "requires",
        "{plugin} waits for {missing}, which it connects with others.",
        "It becomes active by itself once they are enabled.",
        missing=", ".join(missing),
    )


def _problem(
    manifest: Manifest, usable: Mapping[str, Manifest], all_of: Mapping[str, Manifest], wanted: Container[str]
) -> PluginError | None:
    if not manifest.api.contains(API_VERSION, prereleases=True):
        return PluginError(
            manifest.id,
            "manifest",
            "{plugin} needs version {range} of the core's hooks; this is {version}.",
            "Install a version of the plugin made for this core.",
            range=str(manifest.api),
            version=API_VERSION,
        )
    return _missing(manifest, usable, all_of, wanted) or _conflict(manifest, usable)


def _missing(
    manifest: Manifest, usable: Mapping[str, Manifest], all_of: Mapping[str, Manifest], wanted: Container[str]
) -> PluginError | None:
    for name, versions in manifest.requires.items():
        other = usable.get(name)
        if other is None and (name in all_of or name in wanted):
            return blocked(manifest.id, [name])
        if other is None:
            return PluginError(
                manifest.id,
                "requires",
                "{plugin} requires {missing} {range}, which is not enabled.",
                "Add {missing} to [plugins] enabled.",
                missing=name,
                range=str(versions),
            )
        if not versions.contains(other.version, prereleases=True):
            return PluginError(
                manifest.id,
                "requires",
                "{plugin} requires {missing} {range}; installed is {version}.",
                "Install a fitting version.",
                missing=name,
                range=str(versions),
                version=str(other.version),
            )
    return None


def _conflict(manifest: Manifest, usable: Mapping[str, Manifest]) -> PluginError | None:
    for name, versions in manifest.conflicts.items():
        other = usable.get(name)
        if other is not None and versions.contains(other.version, prereleases=True):
            return PluginError(
                manifest.id,
                "requires",
                "{plugin} cannot run beside {other} {version}.",
                "Disable one of them.",
                other=name,
                version=str(other.version),
            )
    for other in usable.values():
        if other.id != manifest.id and manifest.table_prefix == other.table_prefix:
            return PluginError(
                manifest.id,
                "manifest",
                "The table prefix {prefix} of {plugin} is also that of {other}.",
                "Choose another id or table_prefix.",
                prefix=manifest.table_prefix,
                other=other.id,
            )
    return None


def _ordered(usable: Mapping[str, Manifest], problems: dict[str, PluginError]) -> list[Manifest]:
    ordered: list[Manifest] = []
    waiting = dict(sorted(usable.items()))
    while waiting:
        ready = next((manifest for manifest in waiting.values() if not _before(manifest, waiting)), None)
        if ready is None:
            for name in waiting:
                problems[name] = PluginError(
                    name,
                    "requires",
                    "{plugin} is part of a circle of requirements: {circle}.",
                    "Remove one of the requirements from its manifest.",
                    circle=", ".join(waiting),
                )
            break
        ordered.append(waiting.pop(ready.id))
    return ordered


def _before(manifest: Manifest, waiting: Mapping[str, Manifest]) -> list[str]:
    return [
        name
        for name in (*manifest.requires, *manifest.optional, *manifest.when_active)
        if name in waiting and name != manifest.id
    ]
