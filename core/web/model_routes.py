"""The route table of generated screens: one set of addresses for every registered model."""

from __future__ import annotations

from core.plugin.contributions import Route
from core.plugin.manager import CORE
from core.registry.input import is_creatable, writable_fields
from core.registry.models import RegisteredModel, Registry
from core.web import bulk_actions, exports, forms, lists, records, saved_views
from core.web.record_history import record_history


def model_routes(registry: Registry) -> list[tuple[str, Route]]:
    """Return (owner, route) for all models; to be mounted behind the plugins' own routes, which win.

    Args:
        registry: The models; their plugin's activation and their permissions guard every route.
    """
    return [(model.owner, route) for model in registry if not model.declaration.extends for route in _of_model(model)]


def _of_model(model: RegisteredModel) -> list[Route]:
    base = model.url if model.owner == CORE else model.url.removeprefix(f"/{model.owner}")
    view, edit, export = (f"{model.id}.{verb}" for verb in ("view", "edit", "export"))
    post = ("POST",)
    routes = [
        Route(base, lists.list_page(model), view),
        Route(f"{base}/count", lists.list_count(model), view),
        Route(f"{base}/tabs", lists.list_tabs(model), view),
        Route(f"{base}/columns", saved_views.list_columns(model), view, post),
        Route(f"{base}/views/new", saved_views.view_form(model), view),
        Route(f"{base}/views/new", saved_views.keep_view(model), view, post),
        Route(f"{base}/views/{{id:int}}/delete", saved_views.drop_view(model), view, post),
        Route(f"{base}/export", exports.export_list(model), export),
        Route(f"{base}/bulk", bulk_actions.bulk(model), view, post),
        Route(f"{base}/bulk/run", bulk_actions.start_bulk(model), view, post),
        Route(f"{base}/{{id:int}}", records.record_page(model), view),
        Route(f"{base}/{{id:int}}/history", record_history(model), view),
    ]
    if writable_fields(model):
        routes += [
            Route(f"{base}/{{id:int}}/edit", forms.edit_form(model), edit),
            Route(f"{base}/{{id:int}}/edit", forms.change(model), edit, post),
        ]
    if is_creatable(model):
        routes += [
            Route(f"{base}/new", forms.new_form(model), edit),
            Route(f"{base}/new", forms.create(model), edit, post),
        ]
    return routes
