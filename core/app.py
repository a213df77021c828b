"""Putting the suite together: settings, database, models, plugins, keys."""

from __future__ import annotations

import gc
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec

from core.config import Settings
from core.crypto import Vault
from core.custom.fields import CustomFields
from core.custom.panels import register_custom_panels
from core.db.session import Database
from core.plugin.activation import Activation
from core.plugin.epochs import Epochs
from core.plugin.installed import InstalledSet, read_installed
from core.plugin.loader import load_plugins, register_models
from core.plugin.manager import CORE, PluginManager
from core.plugin.setting_values import SettingValues
from core.plugin.side_hooks import register_side_models
from core.registry.models import Registry
from core.security.row_rules import row_rules

TABLES = (
    "core.security.models",
    "core.plugin.models",
    "core.jobs.models",
    "core.imports.models",
    "core.registry.views",
    "core.search.models",
    "core.bulk.models",
    "core.annotations.models",
    "core.tasks.models",
    "core.custom.models",
)
"""Modules with the core's own tables."""

FEATURES = (
    "core.builtin.home",
    "core.builtin.accounts",
    "core.builtin.directory",
    "core.builtin.profile",
    "core.builtin.people",
    "core.builtin.grants",
    "core.builtin.sessions",
    "core.builtin.tokens",
    "core.builtin.second_factor",
    "core.builtin.access_matrix",
    "core.builtin.branches",
    "core.builtin.settings",
    "core.builtin.custom_fields",
    "core.builtin.data_dictionary",
    "core.builtin.plugin_pages",
    "core.builtin.plugin_jobs",
    "core.builtin.activation_audit",
    "core.builtin.audit",
    "core.builtin.audit_entry",
    "core.builtin.unmask",
    "core.builtin.search",
    "core.builtin.imports",
    "core.builtin.job_views",
    "core.builtin.jobs",
    "core.builtin.bulk",
    "core.builtin.annotations",
    "core.builtin.tasks",
    "core.builtin.task_calendar",
    "core.builtin.leave",
    "core.builtin.notifications",
    "core.builtin.style",
)
"""The core's own screens; they use the same hooks as plugins, under the name ``core``."""


@dataclass
class Suite:
    """Everything a request, a job or a command needs."""

    settings: Settings
    database: Database
    registry: Registry
    plugins: PluginManager
    vault: Vault
    activation: Activation
    installed: InstalledSet
    setting_values: SettingValues
    custom_fields: CustomFields

    def close(self) -> None:
        """Close all connections."""
        self.database.dispose()


def build_suite(settings: Settings, taking: tuple[str, ...] | None = ()) -> Suite:
    """Build the suite; of the database only the registry of installed plugins is read.

    Args:
        settings: The settings.
        taking: Plugins loaded besides, in the version of their code, whatever is installed; ``None``: all in that.

    A process that switched the garbage collector off for its start gets it back here, past all that was loaded.

    Returns:
        The suite. Plugins that failed are in ``suite.plugins.states``; the rest works.

    Raises:
        DatabaseStateError: The data folder is missing or SQLite is unsafe.
        PluginError: A feature of the core itself cannot be loaded, or any plugin where the settings say ``strict``.
    """
    database = Database(settings.database_url, owner_url=settings.owner_url)
    registry = Registry()
    plugins = PluginManager()
    _load_core(plugins, registry)
    installed = read_installed(database)
    load_plugins(settings.plugins, plugins, registry, installed, taking)
    register_side_models(plugins, registry)
    epochs = Epochs(database)
    activation = Activation(epochs, plugins)
    plugins.is_active = activation.is_active
    database.row_rules = row_rules(registry)
    database.shared_tables = frozenset(model.table.name for model in registry if model.declaration.shared)
    vault = Vault(settings.data.folder / "keys" / "vault.json")
    database.info["vault"] = vault
    custom_fields = CustomFields(epochs)
    register_custom_panels(plugins, registry, custom_fields)
    suite = Suite(
        settings, database, registry, plugins, vault, activation, installed, SettingValues(epochs), custom_fields
    )
    _connect_jobs(suite)
    if not gc.isenabled():
        gc.freeze()
        gc.enable()
    if settings.plugins.strict:
        _refuse_faults(plugins)
    return suite


def _refuse_faults(plugins: PluginManager) -> None:
    plugins.check()
    for state in plugins.states.values():
        if state.is_faulty and state.error:
            raise state.error


def import_core_tables() -> None:
    """Import every module that maps a table of the core."""
    for name in _present(TABLES):
        import_module(name)


def _load_core(plugins: PluginManager, registry: Registry) -> None:
    import_core_tables()
    register_models("core", CORE, "core_", registry)
    for name in _present(FEATURES):
        module = import_module(name)
        plugins.register(CORE, getattr(module, "plugin", module), name.rpartition(".")[2])


def _present(names: tuple[str, ...]) -> list[str]:
    """Return the modules that this distribution has; a slim one may leave features out."""
    return [name for name in names if find_spec(name.rpartition(".")[0]) and find_spec(name)]


def _connect_jobs(suite: Suite) -> None:
    from core.jobs.bell import Bell

    suite.database.bell = Bell(suite.settings)
