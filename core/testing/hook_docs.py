"""Write docs/hooks.md from the hook specifications: `python -m core.testing.hook_docs`."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType

FILE = Path("docs/hooks.md")
HEAD = """# Hooks

Generated from the specifications by `python -m core.testing.hook_docs`; do not edit.

A plugin implements a hook with `@hookimpl` from `core.api`. What a hook returns is a frozen dataclass of `core.api`.
The first word of a description is the kind: **declare** is asked once at start and has no database, **event** comes
after the fact and is isolated per plugin, **gather** counts all answers and lets errors through, **first** takes the
first answer.
"""
KINDS = ("Declare", "Event", "Gather", "First")


def specifications(module: ModuleType) -> Iterator[tuple[str, str]]:
    """Yield (signature, description) of each hook that a module specifies, in the order of the source."""
    for owner in vars(module).values():
        if not inspect.isclass(owner) or owner.__module__ != module.__name__:
            continue
        for name, function in vars(owner).items():
            if hasattr(function, "banyan_spec"):
                signature = str(inspect.signature(function)).replace("(self, ", "(").replace("(self)", "()")
                yield name + signature.replace("'", ""), inspect.getdoc(function) or ""


def hook_modules(plugins: Path = Path("plugins")) -> list[ModuleType]:
    """Return the modules with specifications: the core's, then those of the plugins that offer hooks."""
    names = [f"plugins.{file.parent.name}.hookspecs" for file in sorted(plugins.glob("*/hookspecs.py"))]
    return [import_module(name) for name in ("core.plugin.hookspecs", *names)]


def page(modules: list[ModuleType]) -> str:
    """Return the page of all hooks."""
    parts = [HEAD]
    for module in modules:
        owner = module.__name__.rpartition(".")[0].removeprefix("plugins.")
        parts.append(f"## {'core' if owner == 'core.plugin' else owner}\n")
        for signature, description in specifications(module):
            parts.append(f"### `{signature.partition('(')[0]}`\n\n```python\n{signature}\n```\n\n{description}\n")
    return "\n".join(parts)


def main() -> int:
    """Write the page."""
    FILE.write_text(page(hook_modules()), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
