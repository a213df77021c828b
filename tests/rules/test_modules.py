"""Modules: each imports alone; the interface for plugins is sorted, complete and documented."""

import ast
import inspect
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import core.api

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted(
    path.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".").removesuffix(".__init__")
    for folder in ("core", "plugins")
    for path in (ROOT / folder).rglob("*.py")
    if "migrations" not in path.parts and path.name != "__main__.py"
)

# Libraries are loaded once, then every module in a child of its own: 200 interpreters would take minutes.
IMPORT_EACH_ALONE = """
import os, sys, traceback
import alembic, argon2, babel.messages.pofile, celery, cryptography, fastapi, jinja2, phonenumbers, pluggy, psycopg
import pydantic, pypinyin, pytest, sqlalchemy.orm, starlette.applications, structlog, typer, uvicorn
for name in sys.stdin.read().split():
    child = os.fork()
    if child == 0:
        try:
            __import__(name)
        except BaseException:
            sys.stderr.write(f"--- {name}\\n{traceback.format_exc()}")
            sys.stderr.flush()
            os._exit(1)
        os._exit(0)
    if os.waitpid(child, 0)[1]:
        print(name)
"""


def failing(names: list[str], folder: Path) -> list[str]:
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    done = subprocess.run(
        [sys.executable, "-c", IMPORT_EACH_ALONE],
        input="\n".join(names),
        text=True,
        capture_output=True,
        env=environment,
        cwd=folder,
        check=True,
    )
    return done.stdout.split()


def test_every_module_imports_alone() -> None:
    assert failing(MODULES, ROOT) == []


def test_a_module_that_needs_another_one_first_is_found(tmp_path: Path) -> None:
    (tmp_path / "sound.py").write_text("x = 1\n")
    (tmp_path / "lame.py").write_text("import sys\nsys.modules['sound'].x\n")

    assert failing(["sound", "lame"], tmp_path) == ["lame"]


def documented(name: str, found: object) -> list[str]:
    """What the docstring of a public function or class lacks: parameters, result, errors raised."""
    text = inspect.getdoc(found) or ""
    lacks = [] if text else ["a docstring"]
    if inspect.isfunction(found) and found.__module__.startswith("core."):
        tree = ast.parse(textwrap.dedent(inspect.getsource(found))).body[0]
        assert isinstance(tree, ast.FunctionDef)
        own = [node for node in ast.walk(tree) if isinstance(node, ast.Raise) and node.exc is not None]
        if own and "Raises:" not in text:
            lacks.append("Raises:")
        if len(tree.args.args) > 2 and "Args:" not in text:
            lacks.append("Args:")
    return [f"{name} lacks {each}" for each in lacks]


@pytest.mark.parametrize("name", [name for name in core.api.__all__ if callable(getattr(core.api, name))])
def test_the_interface_for_plugins_is_documented(name: str) -> None:
    assert documented(name, getattr(core.api, name)) == []


def test_a_function_that_hides_what_it_raises_is_found() -> None:
    def find(session: object, model: str, key: str) -> None:
        """Find."""
        raise KeyError(key)

    find.__module__ = "core.sample"

    assert documented("find", find) == ["find lacks Raises:", "find lacks Args:"]


def test_the_interface_for_plugins_is_sorted_and_whole() -> None:
    imported = {name for name in vars(core.api) if not name.startswith("__") and name != "annotations"}

    assert imported == set(core.api.__all__)
    assert len(core.api.__all__) == len(set(core.api.__all__))
