"""Hooks: described with their kind, listed in docs/hooks.md, called by the core."""

from pathlib import Path
from types import ModuleType

import pytest

from core.api import hookspec
from core.testing.hook_docs import FILE, KINDS, hook_modules, page, specifications

ROOT = Path(__file__).resolve().parents[2]
MODULES = hook_modules(ROOT / "plugins")
HOOKS = [(signature.partition("(")[0], text) for module in MODULES for signature, text in specifications(module)]
CODE = "\n".join(
    file.read_text("utf-8")
    for folder in ("core", "plugins")
    for file in sorted((ROOT / folder).rglob("*.py"))
    if file.name != "hookspecs.py"
)


@pytest.mark.parametrize(("name", "text"), HOOKS, ids=[name for name, _ in HOOKS])
def test_a_hook_is_described_with_its_kind(name: str, text: str) -> None:
    assert text.startswith(KINDS)
    assert len(text) > 20


@pytest.mark.parametrize("name", [name for name, _ in HOOKS])
def test_a_hook_is_called_somewhere(name: str) -> None:
    calls = (f'"{name}"', f"hook.{name}(", f"hook.{name}.call_historic(")
    assert any(call in CODE for call in calls), f"nothing calls {name}: a hook nobody calls is a promise not kept"


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_hooks_carry_the_name_of_their_owner(module: ModuleType) -> None:
    owner = "core" if module.__name__.startswith("core.") else module.__name__.split(".")[1]

    assert all(signature.startswith(f"{owner}_") for signature, _ in specifications(module))


def test_the_page_of_hooks_is_up_to_date() -> None:
    assert (ROOT / FILE).read_text("utf-8") == page(MODULES), "run: python -m core.testing.hook_docs"


def test_a_new_hook_makes_the_page_stale() -> None:
    class FurtherHooks:
        @hookspec
        def core_new(self) -> None:
            """Declare something new."""

    further = ModuleType("core.further")
    FurtherHooks.__module__ = "core.further"
    further.FurtherHooks = FurtherHooks

    assert "core_new" in page([*MODULES, further])
    assert "core_new" not in page(MODULES)
