"""House rules about Python code: the tree keeps them, and each is able to fail."""

from pathlib import Path

import pytest

from tests.rules import code_rules
from tests.rules.code_rules import RULES, Rule, Source, offences, python_sources

ROOT = Path(__file__).resolve().parents[2]
SOURCES = list(python_sources(ROOT))
DOC = '"""Does one thing."""\n'

BAD: dict[Rule, Source] = {
    code_rules.short_files: Source("core/long.py", DOC + "x = 1\n" * 401),
    code_rules.short_functions: Source("core/long.py", DOC + "def f():\n" + "    x = 1\n" * 41),
    code_rules.telling_file_names: Source("plugins/crm/utils.py", DOC),
    code_rules.no_print: Source("core/loud.py", DOC + 'print("hello")\n'),
    code_rules.one_place_commits: Source("plugins/crm/services.py", DOC + "session.commit()\n"),
    code_rules.no_formatted_sql: Source("core/sql.py", DOC + 'text(f"select {name}")\n'),
    code_rules.models_not_tables: Source("plugins/crm/views.py", DOC + "select(Customer.__table__.c.id)\n"),
    code_rules.module_docstring: Source("core/silent.py", "x = 1\n"),
    code_rules.reasons_for_suppressions: Source("core/x.py", DOC + "import os  # noq" + "a: F401\n"),
}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_tree_keeps_the_rule(rule: Rule) -> None:
    assert offences(rule, SOURCES) == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_rule_refuses_a_bad_sample(rule: Rule) -> None:
    assert len(offences(rule, [BAD[rule]])) == 1


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_rule_accepts_a_good_sample(rule: Rule) -> None:
    good = Source("core/good.py", DOC + "import os  # noqa: F401 -- loaded for its effect\n\n\ndef f():\n    g(1)\n")

    assert offences(rule, [good]) == []


def test_a_table_under_another_name_is_found() -> None:
    hidden = Source("plugins/crm/views.py", DOC + "table = Customer.__table__\nselect(table.c.id)\n")

    assert len(offences(code_rules.models_not_tables, [hidden])) == 1


def test_every_exception_to_a_rule_is_still_needed() -> None:
    without = {**code_rules.COMMITTERS}
    used = {path for path in without if "commit()" in (ROOT / path).read_text("utf-8")}

    assert used == set(without)
    assert all(any("__table__" in s.text for s in SOURCES if s.path.startswith(p)) for p in code_rules.TABLE_ACCESS)
