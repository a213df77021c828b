"""The list definition of a model for one actor: own fields, and what active plugins contribute to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from core.errors import InvalidValueError
from core.registry.models import RegisteredModel, Registry
from core.registry.query import ListDefinition
from core.security.actors import Actor

if TYPE_CHECKING:
    from core.app import Suite
    from core.plugin.contributions import ListView

_built: WeakKeyDictionary[Registry, dict[tuple[Any, ...], ListDefinition]] = WeakKeyDictionary()

_possible: WeakKeyDictionary[ListDefinition, dict[tuple[int, ...], tuple[ListView, ...]]] = WeakKeyDictionary()


def definition_of(suite: Suite, model: RegisteredModel, actor: Actor) -> ListDefinition:
    """Return the list definition, built once for every set of contributions.

    Columns and filters of plugins that are not active in the actor's branch, and fields and columns whose permission
    the actor lacks, do not exist in it, so they can neither be shown nor named.

    Args:
        suite: Registry and plugins.
        model: The model.
        actor: Who asks.
    """
    columns = _active(suite, "core_columns", model, actor)
    filters = _active(suite, "core_filters", model, actor)
    withheld = withheld_fields(model, actor)
    added = suite.custom_fields.of(model.id, actor.home_branch_id) if model.declaration.custom_values else ()
    known = _built.setdefault(suite.registry, {})
    added_ids = (id(each) for each in added)
    key = (model.id, withheld, *(id(each) for each in columns), "", *(id(each) for each in filters), "", *added_ids)
    found = known.get(key)
    if found is None:
        found = known[key] = ListDefinition(model, suite.registry, columns, filters, withheld, added)
    return found


def withheld_fields(model: RegisteredModel, actor: Actor) -> frozenset[str]:
    """Return the names of the fields whose permission the actor lacks."""
    return frozenset(
        name for name, field in model.fields.items() if field.permission and not actor.may(field.permission)
    )


def views_of(suite: Suite, definition: ListDefinition, actor: Actor) -> tuple[ListView, ...]:
    """Return the tabs that plugins declare for a list and whose filters and orders exist for the actor, in order."""
    given: list[ListView] = _active(suite, "core_list_views", definition.model, actor)
    known, key = _possible.setdefault(definition, {}), tuple(id(each) for each in given)
    found = known.get(key)
    if found is None:
        possible = [each for each in given if _is_possible(definition, each)]
        found = known[key] = tuple(sorted(possible, key=lambda each: each.order))
    return found


def _is_possible(definition: ListDefinition, view: ListView) -> bool:
    try:
        definition.filters.parse(view.query)
        definition.keys(tuple(filter(None, view.sort.split(","))))
    except InvalidValueError:
        return False
    return True


def _active(suite: Suite, hook: str, model: RegisteredModel, actor: Actor) -> list[Any]:
    return [
        each
        for plugin_id, each in suite.plugins.collect(hook)
        if each.model == model.id
        and (not getattr(each, "permission", "") or actor.may(each.permission))
        and suite.activation.shows(plugin_id, actor)
    ]
