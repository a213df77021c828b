"""What plugins contribute through hooks: frozen dataclasses, no logic."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import TYPE_CHECKING, Any, Literal

from core.registry.fields import Choice, Label

if TYPE_CHECKING:
    from sqlalchemy import Select
    from starlette.requests import Request
    from starlette.responses import Response

    from core.db.session import ScopedSession
    from core.registry.filters import Asked
    from core.security.actors import Actor

PUBLIC = "public"
"""Permission of a route that anybody may call."""
SIGNED_IN = "signed-in"
"""Permission of a route that every signed-in person may call."""


@dataclass(frozen=True)
class Permission:
    """A right that roles can hold; ``name`` is ``<plugin>.<noun>.<verb>``."""

    name: str
    label: Label


@dataclass(frozen=True)
class Role:
    """A suggested set of permissions; administrators may change it."""

    id: str
    label: Label
    permissions: tuple[str, ...]


@dataclass(frozen=True)
class Route:
    """An address of a plugin, mounted under ``/<plugin>``; a route without permission cannot be declared.

    Args:
        path: Starlette path such as ``/customers/{id:int}``.
        view: Called with the request; synchronous.
        permission: A permission name, ``SIGNED_IN`` or ``PUBLIC``.
        methods: HTTP methods.
    """

    path: str
    view: Callable[[Request], Response]
    permission: str
    methods: tuple[str, ...] = ("GET",)


@dataclass(frozen=True)
class MenuItem:
    """An entry of the side menu; in the group ``settings`` it stands on the page of settings instead."""

    id: str
    label: Label
    url: str
    permission: str
    icon: str = "circle"
    group: str = "work"
    order: int = 100
    tab: bool = False


@dataclass(frozen=True)
class Slot:
    """A named place in a screen that other plugins may fill: ``<plugin>.<screen>.<place>``."""

    id: str
    label: Label


@dataclass(frozen=True)
class Panel:
    """What a plugin shows in a slot.

    Args:
        id: ``<plugin>.<name>``.
        slot: The slot's id.
        title: Head of the panel.
        template: Template rendered with the result of ``load``.
        load: Called with (session, context of the slot); ``None`` means there is nothing to show.
        permission: Needed to see it.
        order: Smaller stands higher.
    """

    id: str
    slot: str
    title: Label
    template: str
    load: Callable[[ScopedSession, Mapping[str, Any]], Mapping[str, Any] | None]
    permission: str
    order: int = 100


@dataclass(frozen=True)
class Column:
    """A further column of a model's list, filled for a whole page at once.

    Args:
        model: Model id of the list.
        id: Name unique among the model's columns; ``<plugin>_<name>`` for a foreign list. A column with the name of a
            field stands in for it where the reader lacks the permission of the field.
        label: Column head.
        load_many: Called with (session, ids of the page); returns a value per id.
        kind: How values are shown (a field kind, or ``class``).
        listed: Shown unless the user chooses otherwise.
    """

    model: str
    id: str
    label: Label
    load_many: Callable[[ScopedSession, Sequence[int]], Mapping[int, Any]]
    kind: str = "text"
    permission: str = ""
    listed: bool = False
    order: int = 100


@dataclass(frozen=True)
class Filter:
    """A further filter of a model's list: ``matching`` gives a select of the model's ids.

    Args:
        model: Model id of the list.
        id: Name in filters, ``<id>:value``.
        matching: Returns a select of ids of the model.
        kind: ``text``, or the field kind of days or numbers whose values are read as those of fields are.
        permission: Needed to ask it besides that of the list.
    """

    model: str
    id: str
    label: Label
    matching: Callable[[Asked], Select[Any]]
    kind: str = "text"
    aliases: tuple[str, ...] = ()
    permission: str = ""


@dataclass(frozen=True)
class Action:
    """A button on the page of one record, generated or hand-made.

    Args:
        id: ``<plugin>.<name>``.
        model: Model id of the record.
        label: What the button says.
        url: Address with ``{id}`` for the record's id.
        permission: Needed to see it; the address checks for itself.
        icon: Icon of the button.
        post: Send a POST with the form token instead of following a link.
        order: Smaller stands further left.
    """

    id: str
    model: str
    label: Label
    url: str
    permission: str
    icon: str = "plus"
    post: bool = False
    order: int = 100


@dataclass(frozen=True)
class ListView:
    """A tab above a model's list: a filter under a name, with the number of its rows.

    Args:
        model: Model id of the list.
        id: ``<plugin>.<name>``; stands in the address.
        label: Name of the tab.
        query: Filter text; a view whose filter a reader may not ask for is not offered to them.
        sort: Order, as in the address; empty takes the model's.
        permission: Needed besides that of the list.
        order: Smaller stands further left.
    """

    model: str
    id: str
    label: Label
    query: str
    sort: str = ""
    permission: str = ""
    order: int = 100


@dataclass(frozen=True)
class BulkInput:
    """What a bulk action asks for before it runs.

    Args:
        name: Name of the value.
        label: What people call it.
        options: Gives (value, text) pairs to choose from; without it a text is typed.
        kind: ``text`` or ``date`` where a text is typed.
        required: Whether it may stay empty.
    """

    name: str
    label: Label
    options: Callable[[ScopedSession], Sequence[tuple[str, str]]] | None = None
    kind: Literal["text", "date"] = "text"
    required: bool = True


Inputs = Mapping[str, str]
"""What was typed or chosen for a bulk action, and ``run``: the number of the run."""


@dataclass(frozen=True)
class BulkAction:
    """A change of many records at once, with preview and undo.

    Records are handed over in pieces; ``read`` and ``write`` run inside the unit of work of a piece, as the person who
    chose the records. A state is any JSON value; the core keeps it, compares it and hands it back to undo.

    Args:
        model: Model id of the list; empty for the lists of every plugin's models.
        id: ``<plugin>.<name>``.
        label: Name of the button.
        permission: Needed besides that of the list.
        inputs: What is asked for.
        read: Called with (session, model id, ids, inputs); returns the present state of each record.
        after: The state that the inputs ask for, the same for all records.
        write: Called with (session, model id, state by id, inputs); brings the records into these states.
        icon: Icon of the button.
    """

    model: str
    id: str
    label: Label
    permission: str
    inputs: tuple[BulkInput, ...]
    read: Callable[[ScopedSession, str, Sequence[int], Inputs], Mapping[int, Any]]
    after: Callable[[Inputs], Any]
    write: Callable[[ScopedSession, str, Mapping[int, Any], Inputs], None]
    icon: str = "pencil"
    order: int = 100


@dataclass(frozen=True)
class HomeCard:
    """A part of the home page.

    Args:
        place: ``top`` (process links), ``main`` or ``side``.
        load: Called with (session, actor); ``None`` hides the card.
    """

    id: str
    place: Literal["top", "main", "side"]
    title: Label
    template: str
    load: Callable[[ScopedSession, Actor], Mapping[str, Any] | None]
    permission: str
    order: int = 100


@dataclass(frozen=True)
class SearchHit:
    """One result of the search box."""

    url: str
    title: str
    detail: str = ""
    icon: str = "circle"
    badge: str = ""


@dataclass(frozen=True)
class SearchSource:
    """A provider of the search box; ``find`` gets (session, text as typed, limit).

    ``kinds`` are the kinds of document that the plugin puts into the search index: they go when its data are dropped.
    """

    id: str
    label: Label
    find: Callable[[ScopedSession, str, int], Sequence[SearchHit]]
    permission: str
    order: int = 100
    kinds: tuple[int, ...] = ()


@dataclass(frozen=True)
class Job:
    """A background function: called with a `core.jobs.context.JobContext`; knows nothing of Celery.

    Args:
        name: ``<plugin>.<what it does>``.
        run: The function.
        label: For people.
        attempts: After how many a job is parked.
        quiet: A run that went well leaves no row: for what looks every minute whether there is anything to do.
    """

    name: str
    run: Callable[..., Any]
    label: Label
    attempts: int = 5
    quiet: bool = False


@dataclass(frozen=True)
class Schedule:
    """A job that runs by the clock (cron expression, installation time zone)."""

    job: str
    cron: str
    on: bool = True


@dataclass(frozen=True)
class Setting:
    """A value that administrators set: on screen, for the installation or for a branch, or in ``config.toml``.

    Args:
        name: Key in the table ``[plugins.<plugin>]`` of the file; with the plugin before it, its name on screen.
        label: What people call it.
        default: Holds where nothing is set; also says the type: text, whole number, number or truth value.
        hint: What it does, with its unit.
        options: The values of a text that can be chosen; none means any text.
        minimum: Smallest number.
        maximum: Largest number.
        per_branch: A branch may have a value of its own, which those below it inherit; `setting` is asked for a branch.
    """

    name: str
    label: Label
    default: str | int | float | bool
    hint: Label | None = None
    options: tuple[Choice, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    per_branch: bool = False


@dataclass(frozen=True)
class HealthCheck:
    """A check of `banyan doctor`: ``run`` gets the suite, returns (ok, text)."""

    id: str
    run: Callable[[Any], tuple[bool, str]]


@dataclass(frozen=True)
class AuditAction:
    """What an action of the audit trail is called.

    Args:
        name: ``<noun>.<verb>`` as it is recorded.
        label: For people.
        facts: Names of the facts recorded with it, as far as the core does not know them.
        words: What codes among the facts mean to people.
    """

    name: str
    label: Label
    facts: Mapping[str, Label] = dataclass_field(default_factory=dict)
    words: Mapping[str, Label] = dataclass_field(default_factory=dict)


@dataclass(frozen=True)
class Blocker:
    """What stands against switching a plugin off, such as open documents, and what a person can do about it."""

    label: Label
    cure: Label
