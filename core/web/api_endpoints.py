"""The endpoints of the JSON interface and their OpenAPI description, made from the registry by FastAPI."""

# Without postponed annotations: FastAPI reads the models of each endpoint from its signature.

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal, Optional

from fastapi import FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, create_model
from starlette.exceptions import HTTPException

from core.errors import BanyanError, InvalidInputError, InvalidValueError, NotFoundError
from core.registry.added_fields import Added
from core.registry.definitions import definition_of
from core.registry.export import json_rows
from core.registry.fields import Field as ModelField
from core.registry.input import is_creatable, writable_fields
from core.registry.models import RegisteredModel
from core.registry.query import ListDefinition, ListQuery, fetch_page
from core.registry.records import added_fields, change_record, create_record, is_versioned
from core.web.api import Gate, error_answer, error_json, request_id

VERSION = "1"
MOST_ROWS = 200
_TYPES: Mapping[str, Any] = {
    "integer": int,
    "decimal": Decimal,
    "ratio": Decimal,
    "money": Decimal,
    "date": date,
    "instant": datetime,
    "boolean": bool,
    "reference": int,
}
_OUTPUTS: Mapping[str, Any] = {"integer": int, "boolean": bool, "date": date, "instant": datetime, "json": Any}


class Error(BaseModel):
    """What every refusal looks like."""

    code: str
    message: str
    cure: str
    fields: dict[str, str] = {}
    request_id: str = ""


class Reference(BaseModel):
    """Another record: its id, and its title if the caller may see it."""

    id: int
    title: Optional[str]  # noqa: UP045 -- the same spelling as in the models made at run time


def build_endpoints(gate: Gate, models: Iterable[RegisteredModel] | None = None) -> FastAPI:
    """Build the application mounted at ``/api``.

    Args:
        gate: What every call passes.
        models: Only these models; default all.
    """
    api = FastAPI(title="Banyan", version=VERSION, openapi_url=None, docs_url=None, redoc_url=None)
    api.add_exception_handler(BanyanError, error_answer)
    api.add_exception_handler(Exception, error_answer)
    api.add_exception_handler(HTTPException, _http_error)
    api.add_exception_handler(RequestValidationError, _invalid)
    for model in models or gate.suite.registry:
        if not model.declaration.extends:
            _add_model(api, gate, model)
    api.add_api_route("/v1/openapi.json", _description(api, gate), include_in_schema=False)
    return api


def _description(api: FastAPI, gate: Gate) -> Callable[[Request], JSONResponse]:
    """Return the endpoint that describes the interface; plugins that are off in the caller's branch are not in it."""

    def openapi(request: Request) -> JSONResponse:
        gate.enter(request)
        branch = request.state.actor.home_branch_id
        whole = {**api.openapi()}
        actor = request.state.actor
        added = {_class_name(model): added_fields(gate.suite, model, actor) for model in gate.suite.registry}
        whole["components"] = _with_added(whole["components"], added)
        active = {
            path: item
            for path, item in whole["paths"].items()
            if gate.suite.plugins.is_active(path.split("/")[2], branch)
        }
        return JSONResponse({**whole, "paths": active, "servers": [{"url": "/api"}]})

    return openapi


def _with_added(components: dict[str, Any], added: Mapping[str, Sequence[Added]]) -> dict[str, Any]:
    """Return the schemas with the fields that administrators added and that exist for the caller."""
    schemas = dict(components["schemas"])
    for model_name, fields in added.items():
        more = {each.field.name: _described(each.field) for each in fields}
        for suffix in ("", "Create", "Change") if more else ():
            name = f"{model_name}{suffix}"
            if name in schemas:
                schemas[name] = {**schemas[name], "properties": {**schemas[name]["properties"], **more}}
    return {**components, "schemas": schemas}


def _described(field: ModelField) -> dict[str, Any]:
    kind = {"boolean": {"type": "boolean"}, "date": {"type": "string", "format": "date"}}.get(
        field.kind, {"type": "string"}
    )
    limits = {"enum": [option.code for option in field.options]} if field.options else {}
    return {"anyOf": [{**kind, **limits}, {"type": "null"}], "title": field.label.en, "description": field.label.zh}


def _add_model(api: FastAPI, gate: Gate, model: RegisteredModel) -> None:
    path, name = f"/v1{model.url}", model.id
    output = _output(gate, model)
    items: Any = list.__class_getitem__(output)
    page = create_model(
        f"{_class_name(model)}Page", items=(items, ...), next=(int | None, None), previous=(int | None, None)
    )
    errors: dict[int | str, dict[str, Any]] = {status: {"model": Error} for status in (401, 403, 404, 422)}
    common: dict[str, Any] = {"tags": [model.owner], "responses": errors}
    api.add_api_route(path, _list(gate, model), response_model=page, operation_id=f"{name}.list", **common)
    api.add_api_route(
        f"{path}/{{record_id}}", _one(gate, model), response_model=output, operation_id=f"{name}.get", **common
    )
    if is_creatable(model):
        api.add_api_route(
            path,
            _create(gate, model),
            methods=["POST"],
            status_code=201,
            response_model=output,
            operation_id=f"{name}.create",
            **common,
        )
    if writable_fields(model):
        common = {**common, "responses": {**errors, 409: {"model": Error}}}
        api.add_api_route(
            f"{path}/{{record_id}}",
            _change(gate, model),
            methods=["PATCH"],
            response_model=output,
            operation_id=f"{name}.change",
            **common,
        )


def _list(gate: Gate, model: RegisteredModel) -> Callable[..., JSONResponse]:
    def records(  # the parameters of the interface
        request: Request,
        q: Annotated[str, Query(max_length=2000, description="Filter, as in lists: `field:value`.")] = "",
        sort: Annotated[str, Query(description="Field names, `-` for descending.")] = "",
        fields: Annotated[str, Query(description="Columns; default those of the list.")] = "",
        after: Annotated[int | None, Query(ge=1, le=2**63 - 1, description="`next` of the page before.")] = None,
        before: Annotated[int | None, Query(ge=1, le=2**63 - 1, description="`previous` of a page.")] = None,
        limit: Annotated[int, Query(ge=1, le=MOST_ROWS)] = 50,
    ) -> JSONResponse:
        with gate.session(request, model, "view") as session:
            definition = definition_of(gate.suite, model, request.state.actor)
            conditions = definition.filters.parse(q)
            columns = _names(fields) or definition.default_columns
            query = ListQuery(columns, conditions, _names(sort), after, before, limit)
            page = fetch_page(session, definition, query)
            items = list(json_rows(page, [definition.column(name) for name in columns]))
        onward = page.ids[-1] if page.more_after and page.ids else None
        back = page.ids[0] if page.more_before and page.ids else None
        return JSONResponse({"items": items, "next": onward, "previous": back})

    return records


def _one(gate: Gate, model: RegisteredModel) -> Callable[..., JSONResponse]:
    def record(request: Request, record_id: int) -> JSONResponse:
        with gate.session(request, model, "view") as session:
            return JSONResponse(_read(gate, session, request, model, record_id))

    return record


def _create(gate: Gate, model: RegisteredModel) -> Callable[..., JSONResponse]:
    body_model = _input(model, partial=False)

    def create(request: Request, body: body_model) -> JSONResponse:  # type: ignore[valid-type]  # made at run time
        with gate.session(request, model, "edit") as session:
            made = create_record(gate.suite, session, model, _sent(model, body))
            return JSONResponse(_read(gate, session, request, model, made), 201)

    return create


def _change(gate: Gate, model: RegisteredModel) -> Callable[..., JSONResponse]:
    body_model = _input(model, partial=True)

    def change(request: Request, record_id: int, body: body_model) -> JSONResponse:  # type: ignore[valid-type]  # made at run time
        with gate.session(request, model, "edit") as session:
            change_record(gate.suite, session, model, record_id, _sent(model, body))
            return JSONResponse(_read(gate, session, request, model, record_id))

    return change


def _read(gate: Gate, session: Any, request: Request, model: RegisteredModel, record_id: int) -> dict[str, Any]:
    definition = definition_of(gate.suite, model, request.state.actor)
    columns = [column for column in definition.columns.values() if column.contributed is None]
    query = ListQuery(tuple(column.name for column in columns), sort=("id",), ids=(min(record_id, 2**63 - 1),))
    found = list(json_rows(fetch_page(session, definition, query), columns))
    if not found:
        raise NotFoundError("unknown_record", "There is no such record.", "Go back to the list.", model=model.id)
    return found[0]


def _sent(model: RegisteredModel, body: BaseModel) -> dict[str, Any]:
    """Return what was sent; ratios are fractions here and percentages in forms."""
    sent = body.model_dump(exclude_unset=True)
    for name, value in sent.items():
        if value is not None and name in model.fields and model.fields[name].kind == "ratio":
            sent[name] = value * 100
    return sent


def _input(model: RegisteredModel, *, partial: bool) -> type[BaseModel]:
    fields: dict[str, Any] = {}
    for name, field in writable_fields(model).items():
        needed = field.required and not partial
        kind = _input_type(field)
        fields[name] = (kind if needed else Optional[kind], _documented(field, ... if needed else None))  # noqa: UP045 -- a type made at run time
    if partial and is_versioned(model):
        fields["version"] = (int, Field(description="The version that was read."))
    name = f"{_class_name(model)}{'Change' if partial else 'Create'}"
    # Added fields come and go while this process runs; `read_fields` refuses every other name.
    extra: Literal["allow", "forbid"] = "allow" if model.declaration.custom_values else "forbid"
    return create_model(name, __config__=ConfigDict(extra=extra), **fields)


def _input_type(field: ModelField) -> Any:
    if field.options:
        return Literal[tuple(option.code for option in field.options)]
    return _TYPES.get(field.kind, str)


def _documented(field: ModelField, default: Any) -> Any:
    limits: dict[str, Any] = (
        {"max_length": field.max_length} if _TYPES.get(field.kind, str) is str and not field.options else {}
    )
    return Field(default, title=field.label.en, description=field.label.zh, **limits)


def _output(gate: Gate, model: RegisteredModel) -> type[BaseModel]:
    definition = ListDefinition(model, gate.suite.registry)
    fields: dict[str, Any] = {"id": (int, ...)}
    for column in definition.columns.values():
        kind = Reference if column.target is not None else _OUTPUTS.get(column.kind, str)
        fields[column.name] = (Optional[kind], Field(None, title=column.label.en, description=column.label.zh))  # noqa: UP045 -- a type made at run time
    return create_model(_class_name(model), **fields)


def _class_name(model: RegisteredModel) -> str:
    return "".join(word.capitalize() for word in model.id.replace(".", "_").split("_"))


def _names(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _invalid(request: Request, error: Exception) -> JSONResponse:
    """Turn FastAPI's validation into the one form of errors."""
    problems: dict[str, BanyanError] = {}
    for item in error.errors() if isinstance(error, RequestValidationError) else ():
        place = [str(part) for part in item["loc"] if part not in {"body", "query", "path"}]
        problems[".".join(place) or "body"] = InvalidValueError("field_type", "{problem}.", problem=item["msg"])
    return error_answer(request, InvalidInputError(problems))


def _http_error(request: Request, error: Exception) -> JSONResponse:
    status = error.status_code if isinstance(error, HTTPException) else 500
    code, text = {404: ("no_such_page", "There is no such page."), 405: ("method", "Not possible here.")}.get(
        status, ("http", "Not understood.")
    )
    return error_json(status, code, text, "", fields={}, request_id=request_id(request))
