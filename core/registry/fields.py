"""What a field is: its type for people, its labels, its data class, how files call it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import Any, Literal

from sqlalchemy import Boolean, Date, Integer, Numeric
from sqlalchemy.orm import MappedColumn, mapped_column

from core.db.types import Json, Money, UtcDateTime

Kind = Literal[
    "text", "identifier", "integer", "decimal", "ratio", "money", "date", "instant", "boolean", "choice", "json",
    "reference",
    "phones", "resident_id", "plate", "vin", "address",
]  # fmt: skip
DataClass = Literal["C1", "C2", "C3"]
"""JR/T 0171-2020: C3 secrets, C2 personal and transaction data, C1 internal."""


@dataclass(frozen=True)
class Label:
    """A text in both languages of the product."""

    en: str
    zh: str

    def of(self, locale: str) -> str:
        """Return the text for a locale such as ``zh_CN`` or ``en``."""
        return self.zh if locale.startswith("zh") else self.en

    def __str__(self) -> str:
        return self.en


@dataclass(frozen=True)
class Choice:
    """One value of a choice field, its labels, and other spellings found in files."""

    code: str
    label: Label
    aliases: tuple[str, ...] = ()


def choices(*rows: tuple[str, str, str] | tuple[str, str, str, tuple[str, ...]]) -> tuple[Choice, ...]:
    """Build choices from (code, English, Chinese[, aliases]) rows."""
    return tuple(Choice(row[0], Label(row[1], row[2]), row[3] if len(row) > 3 else ()) for row in rows)


@dataclass(frozen=True)
class Field:
    """The declaration of one field.

    Args:
        label: What people call it.
        kind: How it is read, shown and compared; ``""`` derives it from the column type.
        aliases: Headers in files that mean this field, besides its labels and name.
        options: The values of a choice.
        data_class: Grade of protection.
        mask: Name of a mask in ``core.values.masks``; masked fields are unmasked only by the audited command.
        listed: Shown in lists unless the user chooses otherwise.
        editable: Offered in forms.
        imported: May be set by a file.
        filterable: May be named in a filter or sort.
        target: Model id a reference points to.
        show: How lists draw the value where its kind does not say: ``class`` for the badge of a class.
        permission: Needed to read it besides the model's own; for everybody else the field does not exist in lists,
            filters, orders, exports, pages and the interface. Forms never offer it.
        sort_by: Column that gives its order where that is not its own, such as the pinyin of a name.
    """

    label: Label
    kind: str = ""
    aliases: tuple[str, ...] = ()
    options: tuple[Choice, ...] = ()
    data_class: DataClass = "C1"
    mask: str = ""
    listed: bool = False
    editable: bool = True
    imported: bool = True
    filterable: bool = True
    target: str = ""
    name: str = ""
    required: bool = False
    max_length: int | None = None
    hint: Label | None = None
    facts: Mapping[str, Any] = dataclass_field(default_factory=dict)
    show: str = ""
    permission: str = ""
    sort_by: str = ""

    def option(self, code: object) -> Choice | None:
        """Return the choice with a code."""
        return next((choice for choice in self.options if choice.code == code), None)


def field(  # noqa: D417, PLR0913 -- the arguments are those of `Field`, explained there
    *column: Any,
    en: str,
    zh: str,
    kind: str = "",
    aliases: tuple[str, ...] = (),
    options: tuple[Choice, ...] = (),
    data_class: DataClass = "C1",
    mask: str = "",
    listed: bool = False,
    editable: bool = True,
    imported: bool = True,
    filterable: bool = True,
    target: str = "",
    show: str = "",
    permission: str = "",
    sort_by: str = "",
    **column_options: Any,
) -> MappedColumn[Any]:
    """Declare a column together with its field; see `Field` for the meaning of the arguments.

    Args:
        *column: Positional arguments of ``mapped_column`` (type, foreign key).
        **column_options: Keyword arguments of ``mapped_column``.
    """
    declaration = Field(
        Label(en, zh),
        kind,
        aliases,
        options,
        data_class,
        mask,
        listed,
        editable,
        imported,
        filterable,
        target,
        show=show,
        permission=permission,
        sort_by=sort_by,
    )
    info = {"field": declaration}
    return mapped_column(*column, info=info, **column_options)


def kind_of_column(column: Any, declared: Field) -> str:
    """Derive a field's kind from its declaration and column type."""
    if declared.kind:
        return declared.kind
    if declared.options:
        return "choice"
    if declared.target or column.foreign_keys:
        return "reference"
    for types, kind in _KINDS:
        if isinstance(column.type, types):
            return kind
    return "text"


_KINDS: tuple[tuple[Any, str], ...] = (
    (Money, "money"),
    (Boolean, "boolean"),
    (UtcDateTime, "instant"),
    (Date, "date"),
    (Numeric, "decimal"),
    (Integer, "integer"),
    (type(Json), "json"),
)
