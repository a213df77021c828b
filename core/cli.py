"""The command `banyan`: its commands, its global options, and how errors are told."""

from __future__ import annotations

import gc
import os
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    from core.errors import BanyanError

COMMANDS = (
    "up", "init", "serve", "worker", "doctor", "db", "backup", "plugin", "settings", "job",
    "import", "export", "classify", "user", "branch", "audit", "models", "dictionary", "feature",
)  # fmt: skip
"""Modules of `core.commands`, in the order of the help; each has ``register(application)`` and imports little.

A word that Python reserves has an underscore behind it, such as ``import_``.
"""

SHARED = {"--config": "BANYAN_CONFIG", "--data": "BANYAN_DATA__FOLDER"}
SAFE_MODE = "BANYAN_PLUGINS__SAFE_MODE"
"""Options before the command, and the variable by which the settings learn of them."""

application = typer.Typer(
    name="banyan",
    help="Banyan: the customer suite for the branches of a property insurer.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    epilog="Plugins add commands of their own: `banyan plugin commands` lists them.",
)


@application.callback()
def options(
    config: Annotated[Path | None, typer.Option(help="The settings file; default config.toml here.")] = None,
    data: Annotated[Path | None, typer.Option(help="The data folder, instead of the one in the settings.")] = None,
    safe_mode: Annotated[bool, typer.Option("--safe-mode", help="Load no plugin: only the core runs.")] = False,
) -> None:
    """Set what all commands share, through the environment that the settings read."""
    from core import log

    # On standard error and without personal data: standard output belongs to the result, often JSON.
    log.configure()
    for option, value in (("--config", config), ("--data", data)):
        if value is not None:
            os.environ[SHARED[option]] = str(value)
    if safe_mode:
        os.environ[SAFE_MODE] = "true"


def main() -> None:
    """Run the command line: exit status 1 with one clear message on errors, 2 on wrong usage."""
    # All that is loaded stays: collecting among it finds nothing and takes a seventh of each start. See `build_suite`.
    gc.disable()
    from core.errors import BanyanError

    register_commands()
    try:
        if _needs_plugins(sys.argv[1:]):
            _register_plugin_commands()
        application()
    except BanyanError as error:
        _fail(_told(error))
    except Exception as error:
        if not _is_database_error(error):
            raise
        _fail(_told(_database_problem(error)))
    except KeyboardInterrupt:
        sys.exit(130)


def _told(error: BanyanError) -> str:
    from core.errors import InvalidInputError
    from core.i18n import localised, terminal_locale

    problems = error.fields if isinstance(error, InvalidInputError) else {"": error}
    texts = [(name, *localised(problem, terminal_locale())) for name, problem in problems.items()]
    return " ".join(" ".join(filter(None, (name and f"{name}:", *text))) for name, *text in texts)


def _fail(message: str) -> NoReturn:
    typer.echo(f"banyan: {message}", err=True)
    sys.exit(1)


def _database_problem(error: Exception) -> BanyanError:
    from core.errors import DatabaseStateError

    if "database is locked" in str(error):
        return DatabaseStateError(
            "database_locked",
            "Another process holds the database.",
            "Try again when it has ended; nothing was changed.",
        )
    return DatabaseStateError(
        "database_unusable",
        "The database cannot be used: {problem}.",
        "`banyan doctor` says more; a new one needs `banyan init`.",
        problem=str(error).splitlines()[0].rstrip("."),
    )


def _is_database_error(error: Exception) -> bool:
    """Whether the database is away, broken or has no tables.

    Bulk statements go to the driver itself, whose errors SQLAlchemy does not wrap. Only what was loaded anyway is
    looked at: a command that needs no database does not load it.
    """
    for name in ("sqlalchemy.exc", "pysqlite3.dbapi2", "psycopg"):
        module = sys.modules.get(name)
        if module is not None and isinstance(error, (module.OperationalError, module.ProgrammingError)):
            return True
    return False


def register_commands() -> None:
    """Add the core's commands to the application, once."""
    if application.registered_commands or application.registered_groups:
        return
    for noun in COMMANDS:
        name = f"core.commands.{noun}"
        name = name if find_spec(name) else f"{name}_"
        if find_spec(name):
            import_module(name).register(application)


def _needs_plugins(arguments: list[str]) -> bool:
    """Whether the first word is a command that the core does not have.

    The options before it are shared already here: finding the commands of plugins reads the settings.
    """
    words = iter(arguments)
    for word in words:
        option, _, value = word.partition("=")
        if option in SHARED:
            os.environ[SHARED[option]] = value or next(words, "")
        elif not word.startswith("-"):
            return word not in core_commands()
    return False


def core_commands() -> set[str]:
    """Return the names of the core's commands."""
    commands = {command.name or "" for command in application.registered_commands}
    return commands | {group.name or "" for group in application.registered_groups}


def _register_plugin_commands() -> None:
    from core.app import build_suite
    from core.config import load_settings
    from core.errors import BanyanError

    try:
        suite = build_suite(load_settings())
    except BanyanError as error:
        # Without a suite there are no plugin commands; what follows says that the word is unknown.
        typer.echo(f"banyan: {_told(error)}", err=True)
        return
    suite.plugins.collect("core_commands", application=application)
