"""The plugin of docs/plugin_guide.md is complete: it loads, keeps its notes, forgets old ones."""

import re
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from sqlalchemy import select

from core.api import system_actor, today_here

GUIDE = Path(__file__).resolve().parents[3] / "docs" / "plugin_guide.md"
SECTIONS = {"plugin.toml": "## 1.", "models.py": "## 2.", "plugin.py": "## 3."}


def code_after(heading: str) -> str:
    text = GUIDE.read_text("utf-8").partition(heading)[2]
    found = re.search(r"```(?:toml|python)\n(.*?)```", text, flags=re.DOTALL)
    assert found, heading
    return found[1]


@pytest.fixture
def plugin_paths(tmp_path_factory):
    folder = tmp_path_factory.mktemp("guide")
    (folder / "crm_notes").mkdir()
    (folder / "crm_notes" / "__init__.py").write_text('"""Notes of a branch."""\n')
    for name, heading in SECTIONS.items():
        (folder / "crm_notes" / name).write_text(code_after(heading), "utf-8")
    return (folder,)


@pytest.fixture
def enabled_plugins():
    return ("crm_notes",)


def test_the_plugin_of_the_guide_works(suite):
    from core.security.branches import add_branch

    note = suite.registry.get("crm_notes.note")
    (job,) = [job for plugin, job in suite.plugins.collect("core_jobs") if plugin == "crm_notes"]
    actor = system_actor("test data")
    with suite.database.write(actor) as session:
        branch = add_branch(session, "3304", "嘉兴", None, "0573")
        for text, age in (("old", 400), ("young", 10)):
            session.add(note.entity(text=text, due_on=today_here() - timedelta(days=age), branch_id=branch.id))

    job.run(SimpleNamespace(suite=suite, actor=actor))

    with suite.database.read(actor) as session:
        assert list(session.scalars(select(note.entity.text))) == ["young"]
