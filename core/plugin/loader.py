"""Loading plugins one by one: a failure stays with its plugin and those that require it."""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any

from sqlalchemy import Table
from sqlalchemy.orm import configure_mappers

from core.config import PluginsSettings
from core.db.base import Base
from core.errors import PluginError
from core.plugin.discovery import Discovery, discover, unknown_plugin
from core.plugin.installed import InstalledSet
from core.plugin.manager import CORE, PluginManager, PluginState, Status
from core.plugin.manifest import Manifest
from core.plugin.models import FAILED
from core.plugin.resolver import blocked, resolve, waiting
from core.registry.models import Registry

NOTHING = InstalledSet()


def load_plugins(
    settings: PluginsSettings,
    manager: PluginManager,
    registry: Registry,
    installed: InstalledSet = NOTHING,
    taking: tuple[str, ...] | None = (),
) -> None:
    """Load the wanted plugins into a manager and their models into a registry; the database is not touched.

    Whatever fails is recorded in ``manager.states`` with phase and traceback; everything else is loaded. Code of
    another version than the installed one is not even imported, unless it is being taken.

    Args:
        settings: Names the plugins of the configuration, and those left out.
        manager: Filled.
        registry: Filled.
        installed: What the database says.
        taking: Plugins loaded besides, whose code counts whatever version is installed; ``None``: that of all counts.
    """
    found = discover(settings.paths)
    wanted = list(dict.fromkeys([*installed.wanted(settings.enabled), *(taking or ())]))
    for name in [name for name in wanted if settings.safe_mode or name in settings.exclude]:
        manager.states[name] = PluginState(name, "excluded", found.manifests.get(name))
        wanted.remove(name)
    usable: dict[str, Manifest] = {}
    for name in wanted:
        refused = _refusal(name, found, installed, taken=taking is None or name in taking)
        if refused is None:
            usable[name] = found.manifests[name]
        else:
            manager.states[name] = refused
    order, problems = resolve(usable, set(wanted))
    for name, problem in problems.items():
        status: Status = "blocked" if problem.phase == "requires" else "failed"
        manager.states[name] = PluginState(name, status, usable[name], problem)
    for manifest in order:
        _load(manifest, manager, registry)


def _refusal(name: str, found: Discovery, installed: InstalledSet, *, taken: bool) -> PluginState | None:
    """Return the state of a plugin that must not be imported, ``None`` for one that may."""
    row, manifest = installed.plugins.get(name), found.manifests.get(name)
    if manifest is None and row is None:
        return PluginState(name, "failed", error=found.problems.get(name) or unknown_plugin(name, found.manifests))
    if manifest is None:
        problem = found.problems.get(name)
        return PluginState(name, "failed" if problem else "missing", error=problem or missing(name))
    if row is None or taken or row.version in {"", str(manifest.version)}:
        return None
    if row.state == FAILED and row.problem:
        problem = PluginError(name, "upgrade", "{problem}", "Correct it, then `banyan plugin upgrade {plugin}`.",
                              problem=row.problem)  # fmt: skip
        return PluginState(name, "failed", manifest, problem, row.trace)
    return PluginState(name, "failed", manifest, not_upgraded(name, row.version, str(manifest.version)))


def missing(plugin_id: str) -> PluginError:
    """Return the error of a plugin that is installed while its code is gone."""
    return PluginError(
        plugin_id,
        "missing",
        "{plugin} is installed, but its folder or package is gone.",
        "Put it back, or `banyan plugin uninstall {plugin}`; its data are untouched.",
    )


def not_upgraded(plugin_id: str, version: str, newer: str) -> PluginError:
    """Return the error of a plugin whose code is not of the version that is installed."""
    return PluginError(
        plugin_id,
        "upgrade",
        "{plugin} {version} is installed, its code is {newer}.",
        "`banyan plugin upgrade {plugin}` brings both together.",
        version=version,
        newer=newer,
    )


def register_models(package: str, owner: str, prefix: str, registry: Registry) -> None:
    """Stamp the owner on the tables of a package and register its models.

    Raises:
        PluginError: Phase ``models``: a table is not named after its owner, a model id is foreign or taken twice.
    """
    place = {table: number for number, table in enumerate(Base.metadata.tables.values())}
    for mapper in sorted(Base.registry.mappers, key=lambda mapper: place.get(mapper.local_table, -1)):  # type: ignore[call-overload]  # keyed by any selectable
        if not _within(mapper.class_.__module__, package):
            continue
        table = mapper.local_table
        if isinstance(table, Table):
            _stamp(table, owner, prefix)
        if "__model__" in vars(mapper.class_):
            _check_model(mapper.class_, owner, registry)
            registry.add(mapper.class_, owner)
    for table in Base.metadata.tables.values():
        if "owner" not in table.info and table.name.startswith(prefix):
            _stamp(table, owner, prefix)


def _load(manifest: Manifest, manager: PluginManager, registry: Registry) -> None:
    manager.states[manifest.id] = PluginState(manifest.id, "ready", manifest)
    failed = [name for name in manifest.requires if not manager.is_ready(name)]
    if failed:
        manager.states[manifest.id] = PluginState(manifest.id, "blocked", manifest, blocked(manifest.id, failed))
        return
    absent = [name for name in manifest.when_active if not manager.is_ready(name)]
    if absent:
        manager.states[manifest.id] = PluginState(manifest.id, "waiting", manifest, waiting(manifest.id, absent))
        return
    known = set(Base.metadata.tables)
    phase = "import"
    try:
        _check_package(manifest)
        phase = "models"
        _conventional(manifest, "models")
        register_models(manifest.package, manifest.id, manifest.table_prefix, registry)
        configure_mappers()
        phase = "import"
        wiring = _conventional(manifest, "plugin")
        phase = "register"
        if wiring is not None:
            manager.register(manifest.id, getattr(wiring, "plugin", wiring))
    except Exception as error:
        _forget(manifest, known, registry)
        manager.fail(manifest.id, phase, error)


def _check_package(manifest: Manifest) -> None:
    """Refuse a package that Python finds elsewhere than beside the manifest, which would load foreign code."""
    package = import_module(manifest.package)
    places = [str(manifest.folder), *map(str, getattr(package, "__path__", ()))]
    if str(manifest.folder) not in places[1:]:
        raise PluginError(
            manifest.id,
            "manifest",
            "The package {package} of {plugin} lies in {found}, not beside its manifest in {folder}.",
            "Correct `package` in the manifest.",
            package=manifest.package,
            found=", ".join(places[1:]) or str(getattr(package, "__file__", "?")),
            folder=str(manifest.folder),
        )


def _conventional(manifest: Manifest, name: str) -> ModuleType | None:
    full = f"{manifest.package}.{name}"
    return import_module(full) if full in sys.modules or find_spec(full) else None


def _stamp(table: Table, owner: str, prefix: str) -> None:
    if not table.name.startswith(prefix):
        raise PluginError(
            owner,
            "models",
            "The table {table} of {plugin} must start with {prefix}.",
            "Rename the table.",
            table=table.name,
            prefix=prefix,
        )
    table.info["owner"] = owner


def _check_model(entity: type[Any], owner: str, registry: Registry) -> None:
    declaration = entity.__model__
    _check_host(entity, owner, registry)
    if declaration.id.partition(".")[0] != owner or declaration.id in registry:
        raise PluginError(
            owner,
            "models",
            "The model id {model} of {plugin} is taken or does not start with {plugin}.",
            "Rename the model.",
            model=declaration.id,
        )


def _check_host(entity: type[Any], owner: str, registry: Registry) -> None:
    host = entity.__model__.extends
    if not host:
        return
    known = registry.get(host).table if host in registry else None
    if known is None or not any(key.column.table is known for key in entity.__table__.c.id.foreign_keys):
        raise PluginError(
            owner,
            "models",
            "The model {model} of {plugin} extends {host}, but its id is no foreign key of that model.",
            'Require the plugin that has it, and give the id ForeignKey(…, ondelete="CASCADE").',
            model=entity.__model__.id,
            host=host,
        )


def _forget(manifest: Manifest, known: set[str], registry: Registry) -> None:
    """Take the tables, mappers and models of a failed plugin out again, so that it cannot break the others.

    SQLAlchemy disposes of single classes only by private methods; the test of the broken plugins guards their names.
    """
    registry.remove(manifest.id)
    for manager in list(Base.registry._managers):
        if manager is not None and _within(manager.class_.__module__, manifest.package):
            Base.registry._dispose_manager_and_mapper(manager)
            Base.registry._managers.pop(manager, None)
    for name in set(Base.metadata.tables) - known:
        Base.metadata.remove(Base.metadata.tables[name])
    for module in [name for name in sys.modules if _within(name, manifest.package)]:
        del sys.modules[module]


def _within(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")


__all__ = ["CORE", "load_plugins", "register_models"]
