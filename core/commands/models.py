"""`banyan models`: the data dictionary of the installed models."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from core.registry.fields import Field
    from core.registry.models import RegisteredModel, Registry


def register(application: typer.Typer) -> None:
    """Add the command to the command line."""
    application.command("models")(models)


def models(
    model: Annotated[str, typer.Argument(help="Only this model.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List models, fields, kinds, labels, aliases and permissions."""
    from core.app import build_suite
    from core.config import load_settings

    suite = build_suite(load_settings())
    found = dictionary(suite.registry, model)
    suite.close()
    typer.echo(json.dumps(found, ensure_ascii=False, indent=2) if as_json else as_text(found))


def dictionary(registry: Registry, model_id: str = "") -> list[dict[str, Any]]:
    """Return the data dictionary.

    Args:
        registry: The models.
        model_id: Only this one; empty means all.

    Raises:
        NotFoundError: There is no such model; names the nearest.
    """
    chosen = [registry.get(model_id)] if model_id else list(registry)
    return [_model(registry, model) for model in sorted(chosen, key=lambda each: each.id)]


def _model(registry: Registry, model: RegisteredModel) -> dict[str, Any]:
    from core.registry.filter_sql import target_of

    verbs = ["view", "edit", "export", "import"]
    verbs += ["unmask"] if any(field.mask for field in model.fields.values()) else []
    fields = []
    for field in model.fields.values():
        target = target_of(registry, field, model) if field.kind == "reference" else None
        fields.append({**_field(field), "target": target.id if target else "", "virtual": False})
    fields += [{**_field(field), "target": "", "virtual": True} for field in model.declaration.virtual]
    return {
        "id": model.id,
        "owner": model.owner,
        "table": model.table.name,
        "url": model.url,
        "label": {"en": model.declaration.label.en, "zh": model.declaration.label.zh},
        "title": model.declaration.title,
        "permissions": [f"{model.id}.{verb}" for verb in verbs],
        "fields": fields,
    }


def _field(field: Field) -> dict[str, Any]:
    return {
        "name": field.name,
        "kind": field.kind,
        "label": {"en": field.label.en, "zh": field.label.zh},
        "aliases": list(field.aliases),
        "options": {option.code: {"en": option.label.en, "zh": option.label.zh} for option in field.options},
        "required": field.required,
        "max_length": field.max_length,
        "data_class": field.data_class,
        "mask": field.mask,
        "editable": field.editable,
        "imported": field.imported,
        "filterable": field.filterable,
    }


def as_text(found: list[dict[str, Any]]) -> str:
    """Write the dictionary for a terminal."""
    lines = []
    for model in found:
        lines.append(f"{model['id']}  {model['label']['en']} / {model['label']['zh']}  {model['url']}")
        for field in model["fields"]:
            marks = [field["data_class"], *(name for name in ("required", "mask", "virtual") if field[name])]
            aliases = f"  ({', '.join(field['aliases'])})" if field["aliases"] else ""
            label = f"{field['label']['en']} / {field['label']['zh']}"
            lines.append(f"  {field['name']:<24} {field['kind']:<12} {label}  {' '.join(marks)}{aliases}")
            if field["options"]:
                codes = ", ".join(f"{code} {text['zh']}" for code, text in field["options"].items())
                lines.append(f"  {'':<24} {'':<12} {codes}")
    return "\n".join(lines)
