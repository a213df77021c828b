"""Reading what people and programs send for a model's fields: types, required, lengths, choices, references."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Integer, Numeric, String, select

from core.db.session import ScopedSession
from core.errors import BanyanError, InvalidInputError, InvalidValueError
from core.registry.added_fields import Added
from core.registry.fields import Field
from core.registry.filter_sql import target_of
from core.registry.filter_values import LOCAL_ZONE, read_value
from core.registry.filters import is_hidden
from core.registry.formats import file_format
from core.registry.models import RegisteredModel, Registry

CORE = "core"
LONGEST_TEXT = 20_000
LARGEST_INTEGER = 2**31
"""First number that a 32-bit column cannot hold."""
ADDED_TYPES = {"decimal": Numeric(17, 4)}
"""Precision of the numbers of fields that administrators added."""
_UNSTORABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]")
"""Signs that neither database keeps."""


def writable_fields(model: RegisteredModel) -> dict[str, Field]:
    """Return the fields that generated forms and the JSON interface may set.

    Structures have no input. The core's own models have none either: people, roles and branches are changed by
    screens that check how far the rights of the changer reach.
    """
    if model.owner == CORE:
        return {}
    return {
        name: field
        for name, field in model.fields.items()
        if field.editable and field.kind != "json" and not field.permission and not is_hidden(field)
    }


def is_creatable(model: RegisteredModel) -> bool:
    """Whether the generated form can make a record: nothing required is out of its reach."""
    fields = writable_fields(model)
    return bool(fields) and all(name in fields for name, field in model.fields.items() if field.required)


def read_fields(
    session: ScopedSession, registry: Registry, model: RegisteredModel, sent: Mapping[str, Any], *, partial: bool
) -> dict[str, Any]:
    """Turn what was sent into values for the columns.

    Args:
        session: Session of the actor; references must lead to records the actor may see.
        registry: All models.
        model: The model.
        sent: Texts of a form or JSON values, by field name.
        partial: Fields that are not sent stay as they are; otherwise required ones must be there.

    Returns:
        Values by field name.

    Raises:
        InvalidInputError: Unknown or forbidden names (mass assignment) and every wrong value, all at once.
    """
    fields = writable_fields(model)
    errors: dict[str, BanyanError] = {
        name: InvalidValueError(
            "unknown_field", "{model} has no field {field} that can be set.", model=model.id, field=name
        )
        for name in sent
        if name not in fields
    }
    values: dict[str, Any] = {}
    for name, field in fields.items():
        if name not in sent and (partial or not field.required):
            continue
        try:
            _place(values, model, name, _read(session, registry, model, field, sent.get(name)))
        except InvalidValueError as error:
            errors[name] = error
    if errors:
        raise InvalidInputError(errors)
    return values


def read_added(added: Iterable[Added], sent: Mapping[str, Any], *, partial: bool) -> list[tuple[Added, Any]]:
    """Turn what was sent for the fields that administrators added into their values.

    Args:
        added: The fields that exist for the actor.
        sent: Texts of a form or JSON values, by field name.
        partial: Fields that are not sent stay as they are; otherwise required ones must be there.

    Raises:
        InvalidInputError: Every wrong value, all at once.
    """
    errors: dict[str, BanyanError] = {}
    values: list[tuple[Added, Any]] = []
    for each in added:
        name = each.field.name
        if name not in sent and (partial or not each.field.required):
            continue
        try:
            values.append((each, _read_single(each.field, sent.get(name), ADDED_TYPES.get(each.field.kind))))
        except InvalidValueError as error:
            errors[name] = error
    if errors:
        raise InvalidInputError(errors)
    return values


def form_text(field: Field, value: Any) -> Any:
    """Write a value as the form shows it and `read_fields` reads it again."""
    if field.kind == "boolean":
        return bool(value)
    if field.kind == "ratio":
        return "" if value is None else file_format("decimal")(value * 100)
    return file_format(field.kind)(value)


def _place(values: dict[str, Any], model: RegisteredModel, name: str, value: Any) -> None:
    """Note a value; an empty one of a column that must have one is an empty text, or left to its default."""
    column = model.table.columns[name]
    if value is not None or column.nullable:
        values[name] = value
    elif isinstance(column.type, String):
        values[name] = ""


def _read(session: ScopedSession, registry: Registry, model: RegisteredModel, field: Field, raw: Any) -> Any:
    if field.kind == "reference" and (text := _plain_text(field, raw)):
        return _reference(session, target_of(registry, field, model), field, text)
    return _read_single(field, raw, model.table.columns[field.name].type)


def _read_single(field: Field, raw: Any, column_type: Any) -> Any:
    if isinstance(raw, bool) and field.kind == "boolean":
        return raw
    text = _plain_text(field, raw)
    return _READERS.get(field.kind, _text)(column_type, field, text) if text else None


def _plain_text(field: Field, raw: Any) -> str:
    if isinstance(raw, (dict, list)):
        raise InvalidValueError("field_type", "A single value is needed.", "Send one value.", field=field.name)
    text = "" if raw is None else str(raw).strip()
    if not text and field.required:
        raise InvalidValueError("field_required", "This field is required.", "Fill it in.", field=field.name)
    return text


def _text(_type: Any, field: Field, text: str) -> Any:
    most = field.max_length or LONGEST_TEXT
    if len(text) > most:
        raise InvalidValueError(
            "field_too_long", "At most {most} characters.", "Shorten it.", field=field.name, most=most
        )
    clean = _UNSTORABLE.sub("", text)
    return read_value(field, clean)


def _number(column_type: Any, field: Field, text: str) -> Any:
    number = read_value(field, text)
    places = 2 if field.kind == "money" else getattr(column_type, "scale", None)
    if places is not None and number != round(number, places):
        raise InvalidValueError("field_places", "At most {places} decimal places.", "Round it.", places=places)
    digits = getattr(column_type, "precision", None)
    most = (
        LARGEST_INTEGER
        if type(column_type) is Integer
        else Decimal(10) ** ((digits or 15) - (places or 0 if digits else 0))
    )
    if abs(number) >= most:
        raise InvalidValueError("field_range", "The number is too large.", "Write a smaller one.", field=field.name)
    return number


def _day(_type: Any, field: Field, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InvalidValueError(
            "field_date", "This is not a day.", "Write it as 2026-11-20.", field=field.name, value=text
        ) from None


def _instant(_type: Any, field: Field, text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidValueError(
            "field_instant", "This is not a time.", "Write it as 2026-11-20 15:20.", field=field.name, value=text
        ) from None
    return (found if found.tzinfo else found.replace(tzinfo=LOCAL_ZONE)).astimezone(UTC)


def _reference(session: ScopedSession, target: RegisteredModel | None, field: Field, text: str) -> int:
    """Read a reference by id; a record of another branch is as good as none (OWASP ASVS 5.0 8.2.2)."""
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0
    found = number or None
    if target is not None and number:
        found = session.execute(select(target.column("id")).where(target.column("id") == number)).scalar()
    if found is None:
        raise InvalidValueError(
            "field_reference", "There is no such record.", "Choose one from the list.", field=field.name, value=text
        )
    return number


_READERS: dict[str, Callable[[Any, Field, str], Any]] = {
    "integer": _number,
    "decimal": _number,
    "ratio": _number,
    "money": _number,
    "date": _day,
    "instant": _instant,
}
