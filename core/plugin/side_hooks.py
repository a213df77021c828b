"""What follows from the side models of a plugin: columns and filters of the host's list, a panel on its page."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from sqlalchemy import Select, select

from core.plugin.contributions import Column, Filter, Panel
from core.plugin.hookspecs import hookimpl
from core.plugin.manager import PluginManager
from core.registry.fields import Field
from core.registry.filter_values import DAYS, NUMBERS, read_value
from core.registry.filters import Asked, is_hidden
from core.registry.formats import masked, screen_format
from core.registry.models import RegisteredModel, Registry

if TYPE_CHECKING:
    from core.db.session import ScopedSession

TEMPLATE = "_side_facts.html"
PLAIN = NUMBERS | DAYS | {"boolean"}
"""Kinds that lists show by themselves."""


class SideHooks:
    """Contributions made from the side models of one plugin, in its name.

    Args:
        models: Models that extend another one.
    """

    def __init__(self, models: Sequence[RegisteredModel]) -> None:
        self._models = models

    @hookimpl
    def core_columns(self) -> list[Column]:
        """Give the list of the host a column for each field."""
        return [
            Column(model.declaration.extends, _name(model, field), field.label, partial(_values, model, field),
                   field.kind if _is_plain(field) else "text", f"{model.id}.view", field.listed)
            for model, field in self._fields()
        ]  # fmt: skip

    @hookimpl
    def core_filters(self) -> list[Filter]:
        """Give the list of the host a filter for each field that may be searched for."""
        return [
            Filter(model.declaration.extends, _name(model, field), field.label, partial(_matching, model, field),
                   field.kind if field.kind in NUMBERS | DAYS else "text", field.aliases, f"{model.id}.view")
            for model, field in self._fields()
            if field.filterable and not field.mask
        ]  # fmt: skip

    @hookimpl
    def core_panels(self) -> list[Panel]:
        """Give the page of the host a panel for each side model."""
        return [
            Panel(
                model.id,
                f"{model.declaration.extends}.side",
                model.declaration.label,
                TEMPLATE,
                partial(_facts, model),
                f"{model.id}.view",
            )
            for model in self._models
        ]

    def _fields(self) -> Iterator[tuple[RegisteredModel, Field]]:
        return ((model, field) for model in self._models for field in _shown_fields(model))


def register_side_models(manager: PluginManager, registry: Registry) -> None:
    """Add the contributions of all side models to a manager, in the names of their plugins."""
    owners = dict.fromkeys(model.owner for model in registry if model.declaration.extends)
    for owner in owners:
        own = [model for model in registry if model.owner == owner and model.declaration.extends]
        manager.register(owner, SideHooks(own), "side")


def _name(model: RegisteredModel, field: Field) -> str:
    return f"{model.owner}_{field.name}"


def _is_plain(field: Field) -> bool:
    return field.kind in PLAIN and not field.mask


def _shown_fields(model: RegisteredModel) -> list[Field]:
    return [field for field in model.fields.values() if not is_hidden(field) and not field.permission]


def _values(model: RegisteredModel, field: Field, session: ScopedSession, ids: Sequence[int]) -> Mapping[int, Any]:
    own = model.column("id")
    rows = session.execute(select(own, model.column(field.name)).where(own.in_(ids)))
    show = _shown(field, session)
    return {row[0]: row[1] if _is_plain(field) else show(row[1]) for row in rows if row[1] is not None}


def _shown(field: Field, session: ScopedSession) -> Callable[[Any], Any]:
    if field.mask:
        return masked(field)
    locale = session.actor.locale if session.actor else "en"
    return screen_format(field.kind, field, locale)


def _matching(model: RegisteredModel, field: Field, asked: Asked) -> Select[Any]:
    column = model.column(field.name)
    found = select(model.column("id"))
    if asked.operator == "empty":
        return found.where(column.is_(None))
    if field.kind in NUMBERS | DAYS:
        return found.where(asked.test(column))
    value = read_value(field, asked.text)
    test = column == value if field.options or field.kind == "boolean" else column.contains(value, autoescape=True)
    return found.where(test)


def _facts(model: RegisteredModel, session: ScopedSession, context: Mapping[str, Any]) -> Mapping[str, Any] | None:
    row = session.scalar(select(model.entity).where(model.column("id") == int(context["record_id"])))
    locale = session.actor.locale if session.actor else "en"
    if row is None:
        return None
    return {
        "pairs": [
            {"label": field.label.of(locale), "cell": {"kind": "text", "value": _text(field, row, session)}}
            for field in _shown_fields(model)
        ]
    }


def _text(field: Field, row: Any, session: ScopedSession) -> Any:
    value = getattr(row, field.name)
    return None if value is None else _shown(field, session)(value)
