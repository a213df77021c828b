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
from core.plugin.discovery import discover, unknown_plugin
from core.plugin.manager import CORE, PluginManager, PluginState
from core.plugin.manifest import Manifest
from core.plugin.resolver import blocked, resolve
from core.registry.models import Registry


def load_plugins(settings: PluginsSettings, manager: PluginManager, registry: Registry) -> None:
    """Load the enabled plugins into a manager and their models into a registry; the database is not touched.

    Whatever fails is recorded in ``manager.states`` with phase and traceback; everything else is loaded.
    """
    found = discover(settings.paths)
    enabled = {name: found.manifests[name] for name in settings.enabled if name in found.manifests}
    order, problems = resolve(enabled)
    for name in settings.enabled:
        if name not in enabled:
            problem = found.problems.get(name) or unknown_plugin(name, found.manifests)
            manager.states[name] = PluginState(name, "failed", error=problem)
    for name, refused in problems.items():
        status = "blocked" if refused.phase == "requires" else "failed"
        manager.states[name] = PluginState(name, status, enabled[name], refused)  # type: ignore[arg-type]  # one of two literals
    for manifest in order:
        _load(manifest, manager, registry)


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
    if declaration.id.partition(".")[0] != owner or declaration.id in registry:
        raise PluginError(
            owner,
            "models",
            "The model id {model} of {plugin} is taken or does not start with {plugin}.",
            "Rename the model.",
            model=declaration.id,
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
