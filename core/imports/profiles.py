"""What an import profile says: the frozen form of one TOML file, or of a model's own aliases."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from core.imports.catalogue import FieldType, TargetModel

SCHEMA = 1
"""Version of the profile schema this code reads; published in ``docs/profiles.md``."""

PARTS = ("leading_digits", "after_digits", "digits", "upper")
"""Closed list of named parts of a text; ``before``, ``after`` and ``slice`` are options with an argument."""

Combine = Literal["one", "value", "sum", "join", "row"]
Repeat = Literal["same", "last", "add", "reject"]
Known = Literal["merge", "reject"]
Empty = Literal["keep", "clear"]


@dataclass(frozen=True)
class Expression:
    """How one value is made of the cells of a row.

    Args:
        combine: ``one`` column, a constant ``value``, a ``sum`` or ``join`` of columns, the ``row`` ordinal.
        sources: Per column its accepted headers, the most wanted first.
        value: The constant.
        separator: Text between joined columns.
        type: Kind of value; none takes the field's (or ``identifier`` in a key).
        unit: Factor of an amount or number; none takes the sheet's unit line.
        map: Name of a value map of the profile.
        default: Text used where the cell is empty.
        strip: Text removed from the start.
        plus: Whole number added (``Year 0`` -> 2015).
        day: ``MM-DD`` that turns a year into a day.
        before: Keep what stands before this text.
        after: Keep what stands after this text.
        slice: Keep the characters from-to (counted from 0, end exclusive).
        part: One of :data:`PARTS`.
    """

    combine: Combine = "one"
    sources: tuple[tuple[str, ...], ...] = ()
    value: str | None = None
    separator: str = " "
    type: FieldType | None = None
    unit: Decimal | None = None
    map: str | None = None
    default: str | None = None
    strip: str | None = None
    plus: int | None = None
    day: str | None = None
    before: str | None = None
    after: str | None = None
    slice: tuple[int, int] | None = None
    part: str | None = None


@dataclass(frozen=True)
class Condition:
    """When a record exists in a row: its column is filled or empty, or holds one of some texts."""

    column: tuple[str, ...]
    filled: bool | None = None
    one_of: tuple[str, ...] = ()


@dataclass(frozen=True)
class Link:
    """What a link points to: a record of the same row, or an existing row found by model and key."""

    record: str | None = None
    model: str | None = None
    key: tuple[Expression, ...] = ()
    source: str | None = None
    required: bool = False


@dataclass(frozen=True)
class Each:
    """One record per named column: the column's name goes to field ``name``, its cell to field ``value``."""

    columns: tuple[str, ...]
    name: str
    value: str
    map: str | None = None
    skip_zero: bool = False


@dataclass(frozen=True)
class Record:
    """One record per file row (or per key): target model, key, fields, links.

    Args:
        name: Unique inside the profile.
        model: What it is written to.
        key: Parts joined with ``-``; none lets the model decide.
        key_optional: Whether the model decides where the key's column is missing or empty.
        when: Condition, or none for every row.
        repeat: What several file rows with one key mean.
        add: Fields that are summed with ``repeat = "add"``.
        fields: Field name -> expression.
        links: Link name -> target.
        each: Unpivoting, or none.
        attributes: ``"rest"`` keeps every unused column, a tuple the named ones.
        required_fields: Fields without which the row is rejected.
        known: Whether a record that other sources know already is merged with theirs, or its row rejected.
    """

    name: str
    model: TargetModel
    key: tuple[Expression, ...] | None = None
    key_optional: bool = False
    when: Condition | None = None
    repeat: Repeat = "same"
    add: tuple[str, ...] = ()
    fields: Mapping[str, Expression] = field(default_factory=dict)
    links: Mapping[str, Link] = field(default_factory=dict)
    each: Each | None = None
    attributes: Literal["rest"] | tuple[str, ...] = ()
    required_fields: tuple[str, ...] = ()
    known: Known = "merge"


@dataclass(frozen=True)
class FileRules:
    """Which files a profile is for and how they are written."""

    names: tuple[str, ...] = ()
    sheets: tuple[str, ...] = ()
    encoding: str | None = None
    delimiter: str | None = None
    decimal: str = "."
    date_format: str | None = None
    area_code: str | None = None
    header: bool = True
    columns: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    empty: Empty = "keep"
    header_line: int | None = None


@dataclass(frozen=True)
class BranchRule:
    """Which column names a row's branch, and how its texts map to branch codes."""

    column: tuple[str, ...] = ()
    map: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Profile:
    """How one source's rows become records; ``main`` names the record by which rows are counted."""

    id: str
    title: Mapping[str, str]
    source: str
    main: str
    records: tuple[Record, ...]
    file: FileRules = field(default_factory=FileRules)
    branch: BranchRule = field(default_factory=BranchRule)
    maps: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    schema: int = SCHEMA

    def record(self, name: str) -> Record:
        """Return the record called ``name``.

        Raises:
            KeyError: There is none.
        """
        return {record.name: record for record in self.records}[name]

    def headers(self) -> list[tuple[str, ...]]:
        """Return every group of accepted headers: of fields, keys, links, conditions, unpivoted columns, the branch."""
        groups: list[tuple[str, ...]] = [self.branch.column] if self.branch.column else []
        for record in self.records:
            expressions = [*record.fields.values(), *(record.key or ())]
            expressions += [part for link in record.links.values() for part in link.key]
            groups += [aliases for expression in expressions for aliases in expression.sources]
            groups += [(name,) for name in (record.each.columns if record.each else ())]
            groups += [record.when.column] if record.when else []
        return groups


def alias_fields(model: TargetModel) -> dict[str, Expression]:
    """Return one expression per field of ``model``: its import aliases, then its own name."""
    return {name: Expression(sources=((*target.aliases, name),)) for name, target in model.fields.items()}


def generic_profile(model: TargetModel, source: str = "file") -> Profile:
    """Build the profile of a plain table: every field of ``model`` by its own aliases, the model decides identity.

    Args:
        model: Target of the rows.
        source: Whose numbers the file holds.

    Returns:
        A profile with one record called ``"record"``.
    """
    kept: Literal["rest"] | tuple[str, ...] = "rest" if model.has_attributes else ()
    record = Record(name="record", model=model, fields=alias_fields(model), attributes=kept)
    return Profile(id=f"generic_{model.id}", title={"en": model.id}, source=source, main="record", records=(record,))
