"""Side models: fields that a plugin adds to another plugin's records, in a table of its own, one row per record."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, exists, true

from core.registry.models import RegisteredModel, Registry

if TYPE_CHECKING:
    from core.security.actors import Actor


def side_models(registry: Registry, host_id: str) -> list[RegisteredModel]:
    """Return the side models of a host, in the order of their plugins."""
    return [model for model in registry if model.declaration.extends == host_id]


def through_host(host: RegisteredModel) -> Callable[[Any, Actor], ColumnElement[bool]]:
    """Return the row rule of a side model: its row is seen where the host's record with the same id is seen."""

    def rule(entity: Any, actor: Actor) -> ColumnElement[bool]:
        records = host.table.alias()
        seen: ColumnElement[bool] = true()
        if host.declaration.row_rule is not None:
            seen = host.declaration.row_rule(records.c, actor)
        elif "branch_id" in records.c and not host.declaration.shared:
            seen = records.c.branch_id.in_(sorted(actor.branch_ids))
        return exists().where(records.c.id == entity.id, seen)

    return rule
