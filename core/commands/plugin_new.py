"""`banyan plugin new`: write a complete plugin in a folder of its own, to be made into what is wanted."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from core.errors import BanyanError

TEMPLATE = Path(__file__).parent / "plugin_template"
ENDING = ".in"
"""Ending of the template's files, which keeps tools from taking them for source code."""
PLACEHOLDER = re.compile(r"@([a-z_A-Z]+)@")


def register(group: typer.Typer) -> None:
    """Add the command to `banyan plugin`."""
    group.command("new")(new)


def new(
    plugin: Annotated[str, typer.Argument(help="Id: lower-case words with underscores, such as acme_sms.")],
    path: Annotated[Path, typer.Option(help="Folder in which the plugin's own folder is made.")] = Path(),
    title: Annotated[str, typer.Option(help="Name for people in English; default from the id.")] = "",
    title_zh: Annotated[str, typer.Option(help="Name for people in Chinese.")] = "",
) -> None:
    """Write a new PLUGIN with a table, screens, a job, an import and tests, which pass as they are."""
    folder = path / plugin
    for file in write_plugin(plugin, folder, title=title, title_zh=title_zh):
        typer.echo(file.as_posix())
    typer.echo(f"Next: cd {folder.as_posix()} && pytest")


def write_plugin(plugin: str, folder: Path, *, title: str = "", title_zh: str = "") -> list[Path]:
    """Write a plugin from the template.

    Args:
        plugin: Its id.
        folder: Where it goes; must not exist or be empty.
        title: Name in English; default from the id.
        title_zh: Name in Chinese; default from the id.

    Returns:
        The files written, in order.

    Raises:
        ConfigError: The id is malformed or taken, or the folder is in use.
    """
    problem = _problem(plugin, folder)
    if problem is not None:
        raise problem
    words = _words(plugin, title, title_zh)
    written = []
    for source, place in _files(plugin):
        target = folder / place
        target.parent.mkdir(parents=True, exist_ok=True)
        text = source.read_text(encoding="utf-8")
        target.write_text(PLACEHOLDER.sub(lambda found: words.get(found[1], found[0]), text), encoding="utf-8")
        written.append(target)
    return written


def _words(plugin: str, title: str, title_zh: str) -> dict[str, str]:
    from core.plugin import API_VERSION

    readable = title or plugin.replace("_", " ").capitalize()
    return {
        "plugin": plugin,
        "Plugin": "".join(word.capitalize() for word in plugin.split("_")),
        "distribution": plugin.replace("_", "-"),
        "title": readable.replace('"', "'"),
        "title_zh": title_zh.replace('"', "'") or f"{readable} 插件".replace('"', "'"),
        "api": API_VERSION,
        "next_api": str(int(API_VERSION.partition(".")[0]) + 1),
    }


def _files(plugin: str) -> Iterator[tuple[Path, Path]]:
    """Yield each file of the template and its place in the new folder: ``package`` stands for the plugin's id."""
    for source in sorted(TEMPLATE.rglob(f"*{ENDING}")):
        parts = [plugin if part == "package" else part for part in source.relative_to(TEMPLATE).parts]
        name = parts[-1].removesuffix(ENDING)
        yield source, Path(*parts[:-1], ".gitignore" if name == "gitignore" else name)


def _problem(plugin: str, folder: Path) -> BanyanError | None:
    from core.config import load_settings
    from core.errors import ConfigError
    from core.plugin.discovery import discover
    from core.plugin.manifest import ID_PATTERN, MAX_ID_LENGTH, RESERVED

    if not ID_PATTERN.fullmatch(plugin) or len(plugin) > MAX_ID_LENGTH or plugin in RESERVED:
        return ConfigError(
            "plugin_id_malformed",
            "{plugin} cannot be the id of a plugin.",
            "Use at most {most} lower-case letters, digits and single underscores, such as acme_sms.",
            plugin=plugin,
            most=MAX_ID_LENGTH,
        )
    taken = plugin in discover(load_settings().plugins.paths).manifests or _is_importable(plugin)
    if taken:
        return ConfigError(
            "plugin_id_taken",
            "{plugin} is already the name of a plugin or of a Python package here.",
            "Choose another id, for example with the name of your company in front.",
            plugin=plugin,
        )
    if folder.is_dir() and any(folder.iterdir()):
        return ConfigError(
            "folder_in_use",
            "The folder {folder} is not empty.",
            "Choose another one by --path.",
            folder=str(folder),
        )
    return None


def _is_importable(name: str) -> bool:
    from importlib.util import find_spec

    return find_spec(name) is not None
