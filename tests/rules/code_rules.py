"""The house rules about Python code, each a function from one source file to its offences."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

FILE_LINES = 400
FUNCTION_LINES = 40
"""A function's body, its docstring left out."""

FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "common", "misc", "stuff", "tools", "shared"}
"""Names that say nothing about what is inside."""

COMMITTERS = {
    "core/db/session.py": "the unit of work",
    "core/db/migrate.py": "a migration step is its own unit of work, on a plain connection",
}
TABLE_ACCESS = {
    "plugins/crm_customers/importing": "imports write for many branches, as the system; their targets check the branch",
    "plugins/crm_customers/models": "the row rule itself is built from the relation table",
}
"""Where a plugin may name a table without its model, and so without row rules (security finding 4)."""

_REASON = re.compile(r"#\s*(?:noqa: [A-Z0-9, ]+|type: ignore\[[a-z, -]+\])(?P<reason>.*)")
_SUPPRESSION = re.compile(r"#\s*(?:noqa|type:\s*ignore)\b")


@dataclass(frozen=True)
class Source:
    """A Python file: its path in the repository and its text."""

    path: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    @property
    def is_test(self) -> bool:
        return self.path.startswith(("tests/", "bench/"))

    @property
    def is_revision(self) -> bool:
        """Alembic writes revisions; one states all tables of its owner."""
        return bool(re.search(r"(^|/)migrations/(versions/)?\d{4}_", self.path))

    def functions(self) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
        kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
        return (node for node in ast.walk(self.tree) if isinstance(node, kinds))

    def calls(self) -> Iterator[ast.Call]:
        return (node for node in ast.walk(self.tree) if isinstance(node, ast.Call))


Rule = Callable[[Source], Iterator[str]]


def short_files(source: Source) -> Iterator[str]:
    if source.is_revision:
        return
    lines = source.text.count("\n")
    if lines > FILE_LINES:
        yield f"{lines} lines; at most {FILE_LINES}"


def short_functions(source: Source) -> Iterator[str]:
    for function in () if source.is_revision else source.functions():
        body = function.body[1:] if ast.get_docstring(function) else function.body
        lines = (function.end_lineno or 0) - body[0].lineno + 1 if body else 0
        if lines > FUNCTION_LINES:
            yield f"{function.name} has {lines} lines; at most {FUNCTION_LINES}"


def telling_file_names(source: Source) -> Iterator[str]:
    if PurePosixPath(source.path).stem in FORBIDDEN_NAMES:
        yield "the name says nothing about the content"


def no_print(source: Source) -> Iterator[str]:
    if not source.is_test:
        yield from _lines(
            call for call in source.calls() if isinstance(call.func, ast.Name) and call.func.id == "print"
        )


def one_place_commits(source: Source) -> Iterator[str]:
    if not source.is_test and source.path not in COMMITTERS:
        yield from _lines(call for call in source.calls() if _attribute(call) == "commit" and not call.args)


def no_formatted_sql(source: Source) -> Iterator[str]:
    """SQL put together from values; constants need ``# noqa: S608`` with a reason, tests have their own databases."""
    if source.is_test or source.path.startswith("core/testing/"):
        return
    lines = source.text.splitlines()
    for call in source.calls():
        name = call.func.id if isinstance(call.func, ast.Name) else ""
        formatted = call.args and isinstance(call.args[0], ast.JoinedStr) and _has_values(call.args[0])
        if name == "text" and formatted and "noqa: S608" not in lines[call.lineno - 1]:
            yield f"line {call.lineno}"


def models_not_tables(source: Source) -> Iterator[str]:
    """In plugins: reading a bare table escapes the row rules; bulk writes by a scoped selection of ids may name it."""
    if not source.path.startswith("plugins/") or source.path.startswith(tuple(TABLE_ACCESS)):
        return
    for call in source.calls():
        reads = (call.func.id if isinstance(call.func, ast.Name) else _attribute(call)) in {
            "select", "select_from", "join", "outerjoin", "exists", "union", "union_all", "scalar_subquery", "cte",
        }  # fmt: skip
        tables = [node for node in ast.walk(call) if isinstance(node, ast.Attribute) and node.attr == "__table__"]
        if reads and tables:
            yield f"line {call.lineno}"
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Attribute) and node.value.attr == "__table__":
            yield f"line {node.lineno}: a table under another name"


def module_docstring(source: Source) -> Iterator[str]:
    is_empty_package = source.path.endswith("__init__.py") and not source.text.strip()
    if not source.is_test and not is_empty_package and not ast.get_docstring(source.tree):
        yield "no docstring that states the module's responsibility"


def reasons_for_suppressions(source: Source) -> Iterator[str]:
    for number, line in enumerate(source.text.splitlines(), 1):
        if _SUPPRESSION.search(line) and "re.compile" not in line and not _has_reason(line):
            yield f"line {number}: a suppression names its rule and its reason"


RULES: tuple[Rule, ...] = (
    short_files,
    short_functions,
    telling_file_names,
    no_print,
    one_place_commits,
    no_formatted_sql,
    models_not_tables,
    module_docstring,
    reasons_for_suppressions,
)


def python_sources(root: Path) -> Iterator[Source]:
    """The project's own Python files."""
    for folder in ("core", "plugins", "migrations", "tests", "bench"):
        for path in sorted((root / folder).rglob("*.py")):
            yield Source(path.relative_to(root).as_posix(), path.read_text("utf-8"))


def offences(rule: Rule, sources: list[Source]) -> list[str]:
    return [f"{source.path}: {offence}" for source in sources for offence in rule(source)]


def _has_reason(line: str) -> bool:
    found = _REASON.search(line)
    return bool(found and len(re.findall(r"\w", found["reason"])) >= 5)


def _has_values(text: ast.JoinedStr) -> bool:
    return any(isinstance(part, ast.FormattedValue) for part in text.values)


def _attribute(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else ""


def _lines(nodes: Iterator[ast.Call]) -> Iterator[str]:
    return (f"line {node.lineno}" for node in nodes)
