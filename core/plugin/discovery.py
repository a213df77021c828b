"""Finding plugins: folders beside the core, configured folders, installed wheels; nothing is imported."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path

from core.errors import BanyanError, ConfigError, PluginError
from core.plugin.manifest import FILE_NAME, Manifest, read_manifest
from core.plugin.namespace import open_places, plugin_places

ENTRY_POINT_GROUP = "banyan.plugins"


@dataclass
class Discovery:
    """What was found.

    Args:
        manifests: Readable plugins by id.
        problems: Why some cannot be used, by id; a problem of the configuration by its own name.
    """

    manifests: dict[str, Manifest] = field(default_factory=dict)
    problems: dict[str, BanyanError] = field(default_factory=dict)


def discover(paths: Iterable[Path] = ()) -> Discovery:
    """Find all plugins of the installation.

    Args:
        paths: Further folders that hold one plugin folder each; their plugins are packages ``plugins.<folder>`` or
            ``<folder>``, as their manifests say.

    Returns:
        Manifests and problems. Two plugins of one id are both refused, naming both places.
    """
    found = Discovery()
    for folder in _folders(paths, found):
        _add(found, folder)
    for point in entry_points(group=ENTRY_POINT_GROUP):
        installed = _folder_of(point, found)
        if installed is not None:
            _add(found, installed)
    return found


def unknown_plugin(plugin_id: str, known: Iterable[str]) -> ConfigError:
    """Return the error for an enabled id that was not found, with the nearest known one."""
    names = sorted(known)
    near = difflib.get_close_matches(plugin_id, names, n=1)
    return ConfigError(
        "unknown_plugin",
        "[plugins] enabled names {plugin}, but there is no such plugin.",
        "Did you mean {near}?" if near else "Install it or remove it from the list; there are: {known}.",
        plugin=plugin_id,
        near=near[0] if near else "",
        known=", ".join(names),
    )


def _folders(paths: Iterable[Path], found: Discovery) -> Iterator[Path]:
    roots = [Path(entry) for entry in plugin_places()]
    for path in paths:
        root = path.expanduser().resolve()
        if not root.is_dir():
            found.problems[f"[plugins] paths {path}"] = ConfigError(
                "plugin_path_missing",
                "[plugins] paths names {path}, which is not a folder.",
                "Correct or remove it.",
                path=str(path),
            )
        elif root not in roots:
            roots.append(root)
            open_places([str(root)])
    for place in roots:
        folders = sorted(file.parent for file in place.glob(f"*/{FILE_NAME}"))
        if folders and str(place) not in sys.path:
            # A plugin from a repository of its own is a package beside `plugins`; last, so that it hides nothing.
            sys.path.append(str(place))
        yield from folders


def _folder_of(point: EntryPoint, found: Discovery) -> Path | None:
    """Return the folder of an entry point's package; only its parent packages are imported."""
    try:
        spec = find_spec(point.module)
    except Exception as error:  # a broken parent package may raise anything and must not stop the rest
        spec, problem = None, f"{type(error).__name__}: {error}"
    else:
        problem = "the package is missing"
    if spec is None or not spec.origin:
        found.problems[point.name] = PluginError(
            point.name,
            "manifest",
            "The entry point {name} names {package}, which cannot be found: {problem}.",
            "Install the wheel again.",
            name=point.name,
            package=point.module,
            problem=problem,
        )
        return None
    return Path(spec.origin).parent


def _add(found: Discovery, folder: Path) -> None:
    try:
        manifest = read_manifest(folder / FILE_NAME)
    except PluginError as error:
        found.problems[error.plugin] = error
        return
    first = found.manifests.get(manifest.id)
    if first is None and manifest.id not in found.problems:
        found.manifests[manifest.id] = manifest
    elif first is not None and first.folder != manifest.folder:
        del found.manifests[manifest.id]
        found.problems[manifest.id] = PluginError(
            manifest.id,
            "manifest",
            "Two plugins have the id {id}: {first} and {second}.",
            "Remove one of them.",
            id=manifest.id,
            first=str(first.folder),
            second=str(manifest.folder),
        )
