"""Inherited tests: what the plugin shows is guarded, vanishes where it is off, and works on an empty installation."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

import pytest
from sqlalchemy import select
from starlette.routing import BaseRoute
from starlette.routing import Route as StarletteRoute
from starlette.testclient import TestClient

from core.errors import BanyanError, InvalidValueError
from core.imports.library import ImportLibrary
from core.imports.targets import ImportTarget
from core.jobs.runner import can_run
from core.plugin.contributions import PUBLIC, SIGNED_IN
from core.registry.definitions import definition_of, views_of
from core.registry.filters import Asked
from core.security.actors import Actor, system_actor
from core.security.models import User
from core.security.permissions import actor_of, all_permissions
from core.testing.examined import Examined, complain
from core.testing.people import add_person, make_branches, open_client, quick_hasher, run_now, sign_in_client
from core.web.api import Gate
from core.web.api_endpoints import build_endpoints
from core.web.routing import Endpoint

GUARDED = (
    "core_routes", "core_menu_items", "core_panels", "core_actions", "core_home_cards", "core_search_sources",
)  # fmt: skip
OPTIONALLY_GUARDED = ("core_columns", "core_list_views")
NOBODY = 2**31 - 1
"""Id of a record that does not exist."""


class SurfaceTests:
    """Routes, menus, panels, columns, filters, jobs, search, import and interface of the plugin."""

    def test_every_contribution_asks_for_a_known_permission(self, examined: Examined) -> None:
        known = {permission.name for permission in all_permissions(examined.suite)} | {PUBLIC, SIGNED_IN}
        asked = [(hook, each, each.permission) for hook in GUARDED for each in examined.declared(hook)]
        optional = ((hook, each) for hook in OPTIONALLY_GUARDED for each in examined.declared(hook))
        asked += [(hook, each, each.permission) for hook, each in optional if each.permission]
        complain(
            (f"{hook}: {name_of(each)} asks for {wish!r}" for hook, each, wish in asked if wish not in known),
            "declare it by core_permissions, or use <model>.view, .edit, .export or .import",
        )

    def test_menu_entries_ask_for_what_their_pages_ask_for(self, examined: Examined, application: Any) -> None:
        routes = {route.path: route.endpoint.route.permission for route in _own_routes(examined, application, "GET")}
        complain(
            (
                f"core_menu_items: {each.id} asks for {each.permission}, its page {each.url} for {routes[path]}"
                for each in examined.declared("core_menu_items")
                if (path := each.url.partition("?")[0]) in routes and routes[path] != each.permission
            ),
            "name the same permission, so that nobody is led to a page that refuses them",
        )

    def test_strangers_get_nothing(self, examined: Examined, application: Any) -> None:
        with open_client(application) as client:
            complain(_open_to_strangers(examined, application, client),
                "give the route a permission; one that is meant for everybody stands under /public/",
            )  # fmt: skip

    def test_pages_fail_for_nobody_who_may_see_them(self, examined: Examined, administrators: dict[str, Any]) -> None:
        found = []
        for route in _own_routes(examined, administrators["application"], "GET"):
            answer = administrators["north"].get(_concrete(route))
            found += [f"GET {route.path}: {answer.status_code}"] if answer.status_code >= 500 else []
        complain(found, "look into the log; a record that does not exist raises NotFoundError")

    def test_a_branch_where_it_is_off_reaches_nothing(self, examined: Examined, administrators: dict[str, Any]) -> None:
        if examined.manifest.scope == "system":
            pytest.skip("a system plugin is on everywhere")
        north = administrators["branches"]["north"]
        with _switched_off(examined, north), _actor(examined, "kit-north") as actor:
            found = list(_reached(examined, administrators, actor))
        complain(found, "contribute it under the plugin's own name, and leave the decision to the core")

    def test_contributions_work_on_an_empty_installation(self, examined: Examined, administrators: Any) -> None:
        with _actor(examined, "kit-north") as actor, examined.suite.database.read(actor) as session:
            complain(_failing(examined, session), "answer with nothing: None, an empty list or mapping")

    def test_columns_and_filters_are_for_lists_that_exist(self, examined: Examined) -> None:
        hooks = ("core_columns", "core_filters", "core_list_views", "core_actions")
        complain(
            (
                f"{hook}: {name_of(each)} is for {each.model}"
                for hook in hooks
                for each in examined.declared(hook)
                if each.model not in examined.suite.registry
            ),
            "`banyan models` lists the models; require the plugin that has it",
        )

    def test_panels_stand_in_slots_that_exist(self, examined: Examined) -> None:
        known = {slot.id for _, slot in examined.suite.plugins.collect("core_slots")}
        known |= {f"{model.id}.side" for model in examined.suite.registry}
        complain(
            (
                f"core_panels: {each.id} wants {each.slot}"
                for each in examined.declared("core_panels")
                if each.slot not in known
            ),
            "docs/slots in the plugin guide, and <model>.side of every model",
        )

    def test_schedules_name_own_jobs_at_possible_times(self, examined: Examined) -> None:
        from core.db.base import utc_now
        from core.jobs.schedules import next_time

        jobs, found = {job.name for job in examined.declared("core_jobs")}, []
        for each in examined.declared("core_schedules"):
            found += [f"core_schedules: {each.job} is no job of the plugin"] if each.job not in jobs else []
            try:
                next_time(each.cron, utc_now())
            except BanyanError as error:
                found.append(f"core_schedules: {each.job}: {error}")
        complain(found, "declare the job by core_jobs; five fields, such as 30 2 * * *")

    def test_scheduled_jobs_can_run_again_and_again(self, examined: Examined) -> None:
        found = []
        for name in dict.fromkeys(each.job for each in examined.declared("core_schedules")):
            for turn in ("first", "second"):
                outcome = run_now(examined.suite, name)
                last = (outcome.error.strip().splitlines() or [""])[-1]
                found += [f"{name}: the {turn} run ended {outcome.state}: {last}"] if outcome.state != "done" else []
        complain(found, "a job may be repeated at any time: work from the state in the database")

    def test_import_profiles_can_be_read(self, examined: Examined) -> None:
        from core.imports.profile_file import load_profiles

        catalogue = ImportLibrary(examined.suite).catalogue
        problems = []
        for folder in examined.declared("core_import_profiles"):
            read, refused = load_profiles(folder, catalogue)
            problems += [str(each) for each in refused]
            problems += [] if read or refused else [f"{examined.file(folder)} holds no profile"]
        complain(problems, "docs/profiles.md describes every key")

    def test_imports_fill_every_column_that_needs_a_value(self, examined: Examined) -> None:
        targets = ImportLibrary(examined.suite).targets
        complain(
            (
                f"{target.model.id}: {name} has no value in an imported row"
                for target in targets.values()
                if target.model.owner == examined.plugin_id and _writes_plainly(target)
                for name in _unfilled(target)
            ),
            "give the column a server_default or let it be empty, or name it in ImportTarget.defaults or .links",
        )

    def test_settings_are_labelled_and_have_defaults(self, examined: Examined) -> None:
        from core.testing.check_manifest import is_bilingual

        found = []
        for each in examined.declared("core_settings"):
            found += [] if each.name.isidentifier() else [f"setting {each.name!r} is no name"]
            found += [] if is_bilingual(each.label) else [f"setting {each.name} has no label in both languages"]
            found += [] if type(each.default) in {str, int, float, bool} else [f"setting {each.name} has no default"]
        complain(found, "declare Setting(name, Label(en, zh), default)")


def _writes_plainly(target: ImportTarget) -> bool:
    """Whether rows are written as declared; a target with a way of its own knows what it fills."""
    return (type(target).load, type(target).new_rows) == (ImportTarget.load, ImportTarget.new_rows)


def _unfilled(target: ImportTarget) -> Iterator[str]:
    given = {"id", "branch_id", *target.defaults, *target.link_columns, *target.own_columns}
    given |= {name for name, field in target.model.fields.items() if field.imported and field.required}
    for column in target.table.columns:
        if column.name not in given and not column.nullable and column.server_default is None:
            yield column.name


def name_of(contribution: Any) -> str:
    """Return what messages call a contribution."""
    return str(next((value for key in ("id", "name", "path", "job") if (value := getattr(contribution, key, ""))), "?"))


@contextmanager
def signed_in_administrators(examined: Examined, application: Any) -> Iterator[dict[str, Any]]:
    """Give a client of an administrator whose branch is ``north``, besides ``branches`` and ``application``."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("core.security.passwords._hasher", quick_hasher())
        branches = make_branches(examined.suite)
        with examined.suite.database.write(system_actor("test data")) as session:
            user = add_person(session, "kit-north", "admin", None, branches["head"])
            user.home_branch_id = branches["north"]
        with open_client(application) as client:
            north = sign_in_client(client, "kit-north")
            yield {"north": north, "branches": branches, "application": application}


def _own_routes(examined: Examined, application: Any, method: str) -> list[Any]:
    return [route for route in _declared(application.routes) if route.endpoint.plugin_id == examined.plugin_id
            and method in (route.methods or ())]  # fmt: skip


def _declared(routes: list[BaseRoute]) -> Iterator[Any]:
    for route in routes:
        if isinstance(route, StarletteRoute) and isinstance(route.endpoint, Endpoint):
            yield route


def _concrete(route: StarletteRoute) -> str:
    return re.sub(r"\{(\w+)(?::(\w+))?\}", lambda found: str(NOBODY) if found[2] == "int" else "x", route.path)


def _open_to_strangers(examined: Examined, application: Any, client: TestClient) -> Iterator[str]:
    for method in ("GET", "POST"):
        for route in _own_routes(examined, application, method):
            if route.path.startswith(f"/{examined.plugin_id}/public/"):
                continue
            answer = client.request(method, _concrete(route))
            if answer.status_code not in {303, 401, 403, 404} or "/login" not in answer.headers.get(
                "location", "/login"
            ):
                yield f"{method} {route.path} answers {answer.status_code} to strangers"


@contextmanager
def _switched_off(examined: Examined, branch_id: int) -> Iterator[None]:
    def switch(*, on: bool) -> None:
        with examined.suite.database.write(system_actor("test of switching")) as session:
            examined.suite.activation.switch(session, examined.plugin_id, branch_id, on=on)

    switch(on=False)
    try:
        yield
    finally:
        switch(on=True)


@contextmanager
def _actor(examined: Examined, username: str) -> Iterator[Actor]:
    with examined.suite.database.read(system_actor("test")) as session:
        yield actor_of(session, session.scalars(select(User).where(User.username == username)).one())


def _reached(examined: Examined, administrators: dict[str, Any], actor: Actor) -> Iterator[str]:
    suite, plugin_id, client = examined.suite, examined.plugin_id, administrators["north"]
    for method in ("GET", "POST"):
        for route in _own_routes(examined, administrators["application"], method):
            status = client.request(method, _concrete(route)).status_code
            if route.endpoint.route.permission != PUBLIC and status != 404:
                yield f"{method} {route.path} answers {status}"
    if f'href="/{plugin_id}/' in client.get("/").text:
        yield "the menu or the start page has links to it"
    yield from _reached_in_interface(examined, administrators)
    yield from _reached_in_lists(examined, actor)
    shown = administrators["application"].state.templates.shown_panels
    yield from (f"panel {each.id}" for panel in examined.declared("core_panels")
                for owner, each in shown(panel.slot, actor) if owner == plugin_id)  # fmt: skip
    for job in examined.declared("core_jobs"):
        if can_run(suite, job.name, job.name.partition(".")[0], actor.home_branch_id):
            yield f"job {job.name} would run"
    offered = ImportLibrary(suite).offered(actor.home_branch_id)
    for name, (profile, _) in offered.items():
        if any(record.model.id.startswith(f"{plugin_id}.") for record in profile.records):
            yield f"import profile {name} is offered"


def _reached_in_interface(examined: Examined, administrators: dict[str, Any]) -> Iterator[str]:
    own = [model for model in examined.suite.registry if model.owner == examined.plugin_id]
    if not own:
        return
    gate = Gate(examined.suite, administrators["application"].state.keeper)
    with TestClient(build_endpoints(gate, own), base_url="http://localhost:8000") as interface:
        interface.cookies.update(administrators["north"].cookies)
        if interface.get("/v1/openapi.json").json()["paths"]:
            yield "the description of the interface has its models"
        for model in own:
            status = interface.get(f"/v1{model.url}").status_code
            if status != 404:
                yield f"GET /api/v1{model.url} answers {status}"


def _reached_in_lists(examined: Examined, actor: Actor) -> Iterator[str]:
    own = {id(each) for hook in ("core_columns", "core_filters", "core_list_views") for each in examined.declared(hook)}
    for model in examined.suite.registry:
        definition = definition_of(examined.suite, model, actor)
        columns = [column.contributed for column in definition.columns.values() if column.contributed]
        filters = [term.filter for term in definition.filters.terms.values() if term.filter]
        views = views_of(examined.suite, definition, actor)
        found: list[Any] = [*columns, *filters, *views]
        for each in found:
            if id(each) in own:
                yield f"{type(each).__name__.lower()} {each.id} of {model.id}"


def _failing(examined: Examined, session: Any) -> Iterator[str]:
    calls: list[tuple[str, Any]] = []
    for each in examined.declared("core_columns"):
        calls += [
            (f"column {each.id}", lambda each=each, ids=ids: each.load_many(session, ids)) for ids in ([], [NOBODY])
        ]
    for each in examined.declared("core_panels"):
        calls.append((f"panel {each.id}", lambda each=each: each.load(session, {"record_id": NOBODY})))
    for each in examined.declared("core_home_cards"):
        calls.append((f"card {each.id}", lambda each=each: each.load(session, session.actor)))
    for each in examined.declared("core_search_sources"):
        calls.append((f"search source {each.id}", lambda each=each: each.find(session, "王% '", 5)))
    for each in examined.declared("core_filters"):
        calls.append((f"filter {each.id}", lambda each=each: _ask(session, each)))
    for name, call in calls:
        try:
            call()
        except Exception as error:
            session.rollback()
            yield f"{name}: {type(error).__name__}: {error}".splitlines()[0]


def _ask(session: Any, given: Any) -> None:
    """Ask a filter for some value of its kind; that it refuses a value is an answer."""
    values = {"date": date(2026, 1, 2), "integer": 3, "decimal": 3, "money": 3}
    value = values.get(given.kind, "yes")
    asked = Asked("=", str(value), session, lambda column: column == value)
    try:
        session.execute(given.matching(asked)).all()
    except InvalidValueError:
        return
