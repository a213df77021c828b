"""Load a profile from its TOML file and check it against the models it writes to."""

from __future__ import annotations

import codecs
import tomllib
from pathlib import Path
from typing import Any, Literal, cast

from core.errors import ImportFileError
from core.imports.catalogue import Catalogue, TargetModel
from core.imports.profile_expressions import read_condition, read_expression, read_key, read_link
from core.imports.profile_section import Section, nearest, refuse
from core.imports.profiles import (
    SCHEMA,
    BranchRule,
    Each,
    Empty,
    Expression,
    FileRules,
    Known,
    Link,
    Profile,
    Record,
    Repeat,
    alias_fields,
)  # fmt: skip

DELIMITERS = (",", ";", "\t", "|")


def load_profile(path: Path, catalogue: Catalogue) -> Profile:
    """Read one profile file.

    Args:
        path: TOML file of schema 1 (``docs/profiles.md``).
        catalogue: Models that exist, by id.

    Returns:
        The checked profile.

    Raises:
        ImportFileError: ``profile_invalid`` names the file, the key and the cure.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as problem:
        raise refuse(path.name, "(file)", str(problem).rstrip("."), "Write it as UTF-8 TOML.") from problem
    return parse_profile(document, path.name, catalogue)


def parse_profile(document: dict[str, Any], file: str, catalogue: Catalogue) -> Profile:
    """Check a parsed profile document; arguments and errors as :func:`load_profile`."""
    table = Section(file, "", document)
    if table.whole("schema") != SCHEMA:
        raise table.error("schema", f"this version reads schema {SCHEMA}", f"Write schema = {SCHEMA}.")
    maps = _maps(table)
    records = _records(table, catalogue, frozenset(maps))
    profile = Profile(
        id=table.needed("id"),
        title=table.mapping("title"),
        source=table.needed("source"),
        main=table.needed("main"),
        records=records,
        file=_file_rules(table.section("file")),
        branch=_branch_rule(table.section("branch")),
        maps=maps,
    )
    table.finish()
    _check_names(table, profile)
    return profile


def _maps(table: Section) -> dict[str, dict[str, str]]:
    part = table.section("maps")
    return {} if part is None else {name: part.mapping(name) for name in part.content}


def _file_rules(part: Section | None) -> FileRules:
    if part is None:
        return FileRules()
    header = part.flag("header")
    rules = FileRules(
        names=part.texts("names"),
        sheets=part.texts("sheets"),
        encoding=_encoding(part),
        delimiter=part.choice("delimiter", DELIMITERS),
        decimal=part.choice("decimal", (".", ",")) or ".",
        date_format=part.text("date_format"),
        area_code=part.text("area_code"),
        header=True if header is None else header,
        columns=part.texts("columns"),
        required=part.texts("required"),
        empty=cast("Empty", part.choice("empty", ("keep", "clear")) or "keep"),
        header_line=part.whole("header_line"),
    )
    part.finish()
    if rules.header == bool(rules.columns):
        raise part.error("columns", "columns are named exactly where header = false", 'Write columns = ["a", "b"].')
    return rules


def _encoding(part: Section) -> str | None:
    name = part.text("encoding")
    try:
        return codecs.lookup(name).name if name else None
    except LookupError:
        raise part.error("encoding", f"{name} is not known", 'Write "utf-8" or "gb18030".') from None


def _branch_rule(part: Section | None) -> BranchRule:
    if part is None:
        return BranchRule()
    rule = BranchRule(column=part.texts("column"), map=part.mapping("map"))
    part.finish()
    if not rule.column:
        raise part.error("column", "the branch column is missing", 'Write column = ["出单机构"].')
    return rule


def _records(table: Section, catalogue: Catalogue, maps: frozenset[str]) -> tuple[Record, ...]:
    content = table.get("record")
    if not isinstance(content, list) or not content:
        raise table.error("record", "at least one record is expected", "Add a [[record]] table.")
    parts = [Section(table.file, f"record[{at}]", part) for at, part in enumerate(content)]
    return tuple(_record(part, catalogue, maps) for part in parts)


def _record(part: Section, catalogue: Catalogue, maps: frozenset[str]) -> Record:
    model_id = part.needed("model")
    if model_id not in catalogue:
        raise part.error("model", f"there is no model {model_id}", nearest(model_id, catalogue))
    model = catalogue[model_id]
    record = Record(
        name=part.needed("name"),
        model=model,
        key=read_key(part, maps),
        key_optional=bool(part.flag("key_optional")),
        when=read_condition(part),
        repeat=cast("Repeat", part.choice("repeat", ("same", "last", "add", "reject")) or "same"),
        add=part.texts("add"),
        fields=_fields(part, model, maps),
        links=_links(part, model, catalogue, maps),
        each=_each(part, model, maps),
        attributes=_attributes(part, model),
        required_fields=part.texts("required_fields"),
        known=cast("Known", part.choice("known", ("merge", "reject")) or "merge"),
    )
    part.finish()
    _check_add(part, record)
    for name in record.required_fields:
        if name not in record.fields:
            raise part.error("required_fields", f"{name} is no field of the record", nearest(name, record.fields))
    return record


def _fields(part: Section, model: TargetModel, maps: frozenset[str]) -> dict[str, Expression]:
    if part.get("fields") == "aliases":
        return alias_fields(model)
    table = part.section("fields")
    found: dict[str, Expression] = {}
    for name in table.content if table else ():
        assert table is not None  # noqa: S101  the loop runs only with a table; mypy cannot see it
        _known(table, name, model)
        found[name] = read_expression(table.file, table.at(name), table.content[name], maps)
        wanted, kind = found[name].type, model.fields[name].type
        if wanted not in (None, kind):
            raise table.error(f"{name}.type", f"the field is of type {kind}", f'Write type = "{kind}" or leave it out.')
    return found


def _known(table: Section, name: str, model: TargetModel) -> None:
    if name not in model.fields:
        raise table.error(name, f"{model.id} has no field {name}", nearest(name, model.fields))


def _links(part: Section, model: TargetModel, catalogue: Catalogue, maps: frozenset[str]) -> dict[str, Link]:
    table = part.section("link")
    found: dict[str, Link] = {}
    for name in table.content if table else ():
        assert table is not None  # noqa: S101  as above
        if name not in model.links:
            raise table.error(name, f"{model.id} has no link {name}", nearest(name, model.links))
        found[name] = read_link(table, name, catalogue, maps)
    return found


def _each(part: Section, model: TargetModel, maps: frozenset[str]) -> Each | None:
    table = part.section("each")
    if table is None:
        return None
    each = Each(
        columns=table.texts("columns"),
        name=table.needed("name"),
        value=table.needed("value"),
        map=table.choice("map", maps),
        skip_zero=bool(table.flag("skip_zero")),
    )
    table.finish()
    for key, name in (("name", each.name), ("value", each.value)):
        if name not in model.fields:
            raise table.error(key, f"{model.id} has no field {name}", nearest(name, model.fields))
    if not each.columns or part.get("key") is None:
        raise table.error("columns", "columns and a key of the record are needed", 'Write columns = ["a"] and a key.')
    return each


def _attributes(part: Section, model: TargetModel) -> Literal["rest"] | tuple[str, ...]:
    value = part.get("attributes")
    if value is None:
        return ()
    if not model.has_attributes:
        raise part.error("attributes", f"{model.id} keeps no attributes", "Leave the key out.")
    return "rest" if value == "rest" else part.texts("attributes")


def _check_add(part: Section, record: Record) -> None:
    for name in record.add:
        _known(part, name, record.model)
        if record.model.fields[name].type not in {"money", "integer", "decimal"}:
            raise part.error("add", f"{name} is no amount or number and cannot be added")
    if (record.repeat == "add") != bool(record.add):
        raise part.error("add", 'add and repeat = "add" belong together', 'Write repeat = "add" and add = ["premium"].')
    if record.repeat == "add" and record.key is None:
        raise part.error("key", "rows can only be added up by a key")


def _check_names(table: Section, profile: Profile) -> None:
    names = [record.name for record in profile.records]
    for at, record in enumerate(profile.records):
        if record.name in names[:at]:
            raise refuse(table.file, f"record[{at}].name", f"{record.name} is used twice")
        for link, target in record.links.items():
            if target.record is not None and target.record not in names:
                key = f"record[{at}].link.{link}"
                raise refuse(table.file, key, f"there is no record {target.record}", nearest(target.record, names))
    if profile.main not in names:
        raise table.error("main", f"there is no record {profile.main}", nearest(profile.main, names))


def load_profiles(folder: Path, catalogue: Catalogue) -> tuple[list[Profile], list[ImportFileError]]:
    """Load every ``*.toml`` of ``folder``.

    Returns:
        The good profiles, and the errors of the others: one broken file must not hide the rest.
    """
    good: list[Profile] = []
    bad: list[ImportFileError] = []
    for path in sorted(folder.glob("*.toml")):
        try:
            good.append(load_profile(path, catalogue))
        except ImportFileError as problem:
            bad.append(problem)
    return good, bad
