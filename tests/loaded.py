"""Imports all code of the core and of the first plugin: what forked processes find loaded."""

import gc
from importlib import import_module
from pkgutil import walk_packages

import alembic.command  # noqa: F401 -- loaded late by what uses it
import uvicorn.loops.auto
import uvicorn.protocols.http.httptools_impl  # noqa: F401 -- as above

import core
import plugins.crm_customers
from core.security import passwords
from core.testing.people import quick_hasher

PROGRAMS = ("core.__main__", "core.testing", "core.commands.plugin_template")
"""What acts when it is imported, or is no part of a running installation."""

passwords._hasher = quick_hasher()  # the real parameters take a tenth of a second for each sign-in

for package in (core, plugins.crm_customers):
    for module in walk_packages(package.__path__, f"{package.__name__}."):
        if not module.name.startswith((*PROGRAMS, "plugins.crm_customers.migrations")):
            import_module(module.name)

gc.freeze()  # collecting among what stays loaded would copy it into every process
