"""Buttons that plugins add to the page of a record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.requests import Request

from core.web import requests

if TYPE_CHECKING:
    from core.app import Suite
    from core.plugin.contributions import Action
    from core.security.actors import Actor


def record_actions(request: Request, model_id: str, record_id: int) -> list[dict[str, Any]]:
    """Return the buttons for ui/forms.html `action`, those of plugins that are off or not allowed left out.

    Args:
        request: The request; its actor sees the buttons.
        model_id: Model of the record.
        record_id: The record.
    """
    suite: Suite = request.app.state.suite
    given, locale = shown_actions(suite, model_id, requests.actor_of(request)), request.state.locale
    return [
        {
            "label": each.label.of(locale),
            "url": each.url.replace("{id}", str(record_id)),
            "icon": each.icon,
            **({"method": "post"} if each.post else {}),
        }
        for each in given
    ]


def shown_actions(suite: Suite, model_id: str, actor: Actor) -> list[Action]:
    """Return the buttons that an actor sees on the pages of a model's records, in order."""
    given: list[Action] = [
        each
        for plugin_id, each in suite.plugins.collect("core_actions")
        if each.model == model_id and actor.may(each.permission) and suite.activation.shows(plugin_id, actor)
    ]
    return sorted(given, key=lambda each: each.order)
