"""Statements turned into their text once: the object-relational layer costs a small query four times what it takes."""

from __future__ import annotations

import re
from itertools import chain
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

    given = {name: _unrolled(name, bind) for name, bind in binds.items()}

    def written(found: re.Match[str]) -> str:
        parts = given.get(found[1] or found[2])
        if parts is None:
            return f"\\{found[0]}"
        names = ", ".join(f":{part.key}" for part in parts)
        return f"({names})" if found[1] and not parts[0].expanding else names

    sql = _TOKEN.sub(written, compiled.string)
    columns = [column(each.key or f"column{place}", each.type) for place, each in enumerate(statement.selected_columns)]
    return text(sql).bindparams(*chain.from_iterable(given.values())).columns(*columns)


def _unrolled(name: str, bind: BindParameter[Any]) -> list[BindParameter[Any]]:
    """Return a parameter under its name in the text; a known list becomes one parameter a value, written only once."""
    if bind.required:
        return [bindparam(name, type_=bind.type, expanding=bind.expanding)]
    if bind.expanding and bind.value:
        return [bindparam(f"{name}_{place}", value, bind.type) for place, value in enumerate(bind.value)]
    return [bindparam(name, bind.value, bind.type, expanding=bind.expanding)]
