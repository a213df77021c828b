"""Statements turned into their text once: the object-relational layer costs a small query four times what it takes."""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import BindParameter, Dialect, bindparam, column, text
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.selectable import TextualSelect

_TOKEN = re.compile(r"\(__\[POSTCOMPILE_(\w+)\]\)|(?<!:):(\w+)|:")
"""List parameter, parameter, or a colon that is part of a cast or a literal."""


def freeze(statement: Any, dialect: Dialect) -> TextualSelect:
    """Return a statement of columns as text, with all its options worked in; parameters without a value stay open.

    Args:
        statement: A SELECT or UNION of columns, no entities; what is executed after it is the same text every time.
        dialect: Dialect of the database.
    """
    plain = type(dialect)(paramstyle="named")  # type: ignore[call-arg]  # every dialect takes it
    compiled: SQLCompiler = statement.compile(dialect=plain)
    binds = {name: bind for bind, name in compiled.bind_names.items()}

    def escaped(found: re.Match[str]) -> str:
        name = found[1] or found[2]
        return f":{name}" if name in binds else f"\\{found[0]}"

    sql = _TOKEN.sub(escaped, compiled.string)
    columns = [column(each.key or f"column{place}", each.type) for place, each in enumerate(statement.selected_columns)]
    return text(sql).bindparams(*(_renamed(name, bind) for name, bind in binds.items())).columns(*columns)


def _renamed(name: str, bind: BindParameter[Any]) -> BindParameter[Any]:
    """Return a parameter under its name in the text."""
    if bind.required:
        return bindparam(name, type_=bind.type, expanding=bind.expanding)
    return bindparam(name, bind.value, type_=bind.type, expanding=bind.expanding)
