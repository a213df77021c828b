"""The models a profile may write to: names, types and aliases of fields, free of any database."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

FieldType = Literal[
    "text", "identifier", "integer", "decimal", "ratio", "money", "date", "instant", "boolean", "choice",
    "phone", "email", "resident_id", "uscc", "plate", "vin",
]  # fmt: skip

FIELD_TYPES: tuple[str, ...] = get_args(FieldType)
IDENTIFIERS = frozenset({"identifier", "resident_id", "uscc", "plate", "vin"})
"""Types whose digits are a name, not a quantity: a rounded one is rejected, never repaired (domain facts T9-10)."""


@dataclass(frozen=True)
class TargetField:
    """One importable field of a model.

    Args:
        name: Field name in the model.
        type: Kind of value; decides how a cell is read.
        aliases: Column headers that mean this field in generic imports.
        choices: Allowed codes of a ``choice`` field.
        choice_labels: Label in any language -> code.
        required: An empty cell of the main record rejects its row.
        max_length: Longest text in characters, or none.
    """

    name: str
    type: FieldType = "text"
    aliases: tuple[str, ...] = ()
    choices: tuple[str, ...] | None = None
    choice_labels: Mapping[str, str] = field(default_factory=dict)
    required: bool = False
    max_length: int | None = None


@dataclass(frozen=True)
class Reader:
    """What a model makes of the fields of one record before anything is stored: the limited child does it.

    Args:
        takes: Fields given to ``read``, in this order; none where the file does not have one.
        gives: Names of the results. A field of the record is replaced; any other name can be asked of the entry.
        read: A function of a module that imports neither the database nor a heavy library. It returns plain values,
            one per name in ``gives``; an ``InvalidValueError`` rejects the row.
    """

    takes: tuple[str, ...]
    gives: tuple[str, ...]
    read: Callable[..., Sequence[Any]]


@dataclass(frozen=True)
class TargetModel:
    """One importable model: its fields, the names of its links, whether it keeps extra columns, and its reader.

    ``named_by`` is the field by which two records of one row are the same one where the later says nothing of its own.
    """

    id: str
    fields: Mapping[str, TargetField]
    links: frozenset[str] = frozenset()
    has_attributes: bool = False
    reader: Reader | None = None
    named_by: str = ""


Catalogue = Mapping[str, TargetModel]
