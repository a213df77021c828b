"""The registry of data models and the declaration a model makes of itself."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, inspect

from core.db.base import Base
from core.errors import NotFoundError
from core.registry.fields import Field, Label, kind_of_column

if TYPE_CHECKING:
    from core.security.actors import Actor

RowRule = Callable[[Any, "Actor"], ColumnElement[bool]]


@dataclass(frozen=True)
class ListSource:
    """A table through whose index the rows an actor sees are found in the order of their ids.

    Args:
        id_column: Its column with the ids; one may stand in several rows.
        condition: The part of it that belongs to the actor: no row more or less than the row rule lets through.
    """

    id_column: ColumnElement[int]
    condition: ColumnElement[bool]


ListFrom = Callable[["Actor"], ListSource | None]


@dataclass(frozen=True)
class Model:
    """What a model says of itself, in the class attribute ``__model__``.

    Args:
        id: ``<plugin>.<noun>``; permissions are ``<id>.view``, ``<id>.edit``, ``<id>.export``, ``<id>.import``.
        label: Name of one.
        plural: Name of many.
        title: Field that names a record.
        row_rule: Condition that narrows the model to what an actor may see; default is the branch column, and a
            model with neither must be ``shared``.
        shared: The rows belong to the whole installation.
        sort: Default order of lists: field names, ``-`` for descending.
        virtual: Import and form fields that are not columns, for example a phone that becomes a contact point.
        path: Address of one record with ``{id}``; empty for the generated page.
        menu: Whether lists of this model stand in the menu.
        icon: Icon of the menu entry.
        list_from: Gives a faster way to an actor's rows in the order of the id than testing the row rule on each; the
            row rule holds all the same.
        staff_code: Field with the staff code of the person whom a record stands for; ``me`` in filters means the
            records with one's own code.
        extends: Model id of the host whose records this one adds fields to: a side table with the host's id as its own.
            Its fields stand in the host's list, filters, page and form; it has no screens of its own, and its rows are
            seen with the host's.
        custom_values: Table with the values of fields that administrators add (``CustomValues``); without one they
            cannot add any.
    """

    id: str
    label: Label
    plural: Label
    title: str = "id"
    row_rule: RowRule | None = None
    shared: bool = False
    sort: tuple[str, ...] = ("-id",)
    virtual: tuple[Field, ...] = ()
    path: str = ""
    menu: bool = False
    icon: str = "table"
    list_from: ListFrom | None = None
    staff_code: str = ""
    extends: str = ""
    custom_values: type[Base] | None = None


@dataclass(frozen=True)
class RegisteredModel:
    """A model as the registry knows it: declaration, entity, owner, fields by name."""

    declaration: Model
    entity: type[Base]
    owner: str
    fields: dict[str, Field] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """Model id, ``<plugin>.<noun>``."""
        return self.declaration.id

    @property
    def noun(self) -> str:
        """The part of the id after the plugin."""
        return self.declaration.id.partition(".")[2]

    @property
    def table(self) -> Any:
        """The model's table."""
        return self.entity.__table__

    @property
    def url(self) -> str:
        """Address of the list: ``/<plugin>/<nouns>``."""
        if self.noun.endswith("y"):
            return f"/{self.owner}/{self.noun[:-1]}ies"
        ending = "es" if self.noun.endswith(("s", "x", "ch", "sh")) else "s"
        return f"/{self.owner}/{self.noun}{ending}"

    def record_url(self, record_id: object) -> str:
        """Address of one record."""
        return (self.declaration.path or self.url + "/{id}").format(id=record_id)

    def column(self, name: str) -> Any:
        """Return the mapped attribute of a field."""
        return getattr(self.entity, name)

    def field(self, name: str) -> Field:
        """Return a field by name.

        Raises:
            NotFoundError: There is no such field; names the nearest.
        """
        found = self.fields.get(name)
        if found is None:
            near = difflib.get_close_matches(name, self.fields, n=1)
            raise NotFoundError(
                "unknown_field",
                "{model} has no field {field}.",
                "Did you mean {near}?" if near else "`banyan models` lists the fields.",
                model=self.id,
                field=name,
                near=near[0] if near else "",
            )
        return found


class Registry:
    """All models of the running installation."""

    def __init__(self) -> None:
        self._models: dict[str, RegisteredModel] = {}

    def add(self, entity: type[Base], owner: str) -> RegisteredModel:
        """Register an entity that declares ``__model__``; stamps the owner on its table."""
        declaration: Model = entity.__model__  # type: ignore[attr-defined]  # checked by the caller
        fields = {}
        for attribute in inspect(entity).column_attrs:
            column = attribute.columns[0]
            declared = column.info.get("field")
            if declared is not None:
                length = getattr(column.type, "length", None)
                required = not column.nullable and column.default is None and column.server_default is None
                fields[attribute.key] = replace(
                    declared,
                    name=attribute.key,
                    kind=kind_of_column(column, declared),
                    max_length=length,
                    required=required,
                )
        registered = RegisteredModel(declaration, entity, owner, fields)
        self._models[declaration.id] = registered
        return registered

    def remove(self, owner: str) -> None:
        """Forget all models of an owner, for a plugin that failed to load."""
        self._models = {name: model for name, model in self._models.items() if model.owner != owner}

    def get(self, model_id: str) -> RegisteredModel:
        """Return a model by id.

        Raises:
            NotFoundError: There is no such model; names the nearest.
        """
        found = self._models.get(model_id)
        if found is None:
            near = difflib.get_close_matches(model_id, self._models, n=1)
            raise NotFoundError(
                "unknown_model",
                "There is no model {model}.",
                "Did you mean {near}?" if near else "`banyan models` lists the models.",
                model=model_id,
                near=near[0] if near else "",
            )
        return found

    def __iter__(self) -> Iterator[RegisteredModel]:
        return iter(self._models.values())

    def __contains__(self, model_id: str) -> bool:
        return model_id in self._models

    def of_entity(self, entity: type[Any]) -> RegisteredModel:
        """Return the model of an entity class."""
        return self.get(entity.__model__.id)
