"""The panel that shows the values of custom fields on the page of a record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from core.custom.fields import CustomFields
from core.plugin.contributions import Panel
from core.plugin.hookspecs import hookimpl
from core.plugin.manager import CORE, PluginManager
from core.registry.added_fields import load_values
from core.registry.fields import Field, Label
from core.registry.formats import masked, screen_format
from core.registry.models import RegisteredModel, Registry

if TYPE_CHECKING:
    from core.db.session import ScopedSession

TITLE = Label("Further fields", "自定义字段")


class CustomPanels:
    """The panels of all models that take custom fields.

    Args:
        models: These models.
        fields: Which fields exist.
    """

    def __init__(self, models: Sequence[RegisteredModel], fields: CustomFields) -> None:
        self._models = models
        self._fields = fields

    @hookimpl
    def core_panels(self) -> list[Panel]:
        """Declare a panel beside each record; where there is no field, there is none."""
        return [
            Panel(
                f"core.custom.{model.id}",
                f"{model.id}.side",
                TITLE,
                "_custom_facts.html",
                partial(_facts, self._fields, model),
                f"{model.id}.view",
                800,
            )
            for model in self._models
        ]


def register_custom_panels(manager: PluginManager, registry: Registry, fields: CustomFields) -> None:
    """Add the panels, in the name of the core."""
    models = [model for model in registry if model.declaration.custom_values is not None]
    manager.register(CORE, CustomPanels(models, fields), "custom")


def _facts(
    fields: CustomFields, model: RegisteredModel, session: ScopedSession, context: Mapping[str, Any]
) -> Mapping[str, Any] | None:
    actor, record_id = session.actor, int(context["record_id"])
    added = fields.of(model.id, actor.home_branch_id) if actor is not None else ()
    if actor is None or not added:
        return None
    values = load_values(session, model, added, [record_id])[record_id]
    may_unmask = actor.may(f"{model.id}.unmask")
    return {
        "pairs": [
            {
                "label": each.field.label.of(actor.locale),
                "cell": _cell(model, record_id, each.field, values.get(each.field.name), actor.locale, may=may_unmask),
            }
            for each in added
        ]
    }


def _cell(
    model: RegisteredModel, record_id: int, field: Field, value: Any, locale: str, *, may: bool
) -> dict[str, Any]:
    if value is None:
        return {"kind": "text", "value": None}
    if not field.mask:
        return {"kind": "text", "value": screen_format(field.kind, field, locale)(value)}
    url = f"/unmask/{model.id}/{record_id}/{field.name}" if may else None
    return {"kind": "masked", "value": masked(field)(value), "field_id": field.name, "url": url}
