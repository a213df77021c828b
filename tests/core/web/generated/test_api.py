"""The JSON interface: reading, writing, errors, description, rights."""

from __future__ import annotations

from typing import Any

import pytest

from core.commands.models import as_text, dictionary
from core.security.actors import system_actor
from core.security.models import User
from core.security.tokens import make_token
from tests.core.registry.sample_models import Boat

API = "/api/v1/demo/boats"


@pytest.fixture
def program(browser: Any, boats: Any, suite: Any, people: Any) -> Any:
    """A program with a token of a person."""

    def make(username: str) -> Any:
        with suite.database.write(system_actor("test")) as session:
            token = make_token(session, session.get(User, people.users[username]), "test")
        client = browser()
        client.headers["Authorization"] = f"Bearer {token}"
        return client

    return make


def test_pages_follow_each_other(program: Any) -> None:
    client = program("bo")

    first = client.get(API, params={"sort": "name", "fields": "name,premium", "limit": 40}).json()
    second = client.get(API, params={"sort": "name", "fields": "name", "limit": 40, "after": first["next"]}).json()

    assert first["items"][0] == {"id": 1, "name": "Boat 01", "premium": "1.50"}
    assert (len(first["items"]), len(second["items"]), second["next"], first["previous"]) == (40, 20, None, None)


def test_one_filter_language_everywhere(program: Any) -> None:
    found = program("bo").get(API, params={"q": "保费:<=2.5 kind:帆船", "fields": "name"}).json()

    assert {item["name"] for item in found["items"]} == {"Boat 01", "Boat 02"}


def test_a_record_is_made_changed_and_read(program: Any, boats: Any) -> None:
    client = program("bo")
    body = {"branch_id": boats["north"], "name": "Neu", "premium": "12.50", "loss_ratio": "0.8", "insured": True}

    made = client.post(API, json=body)
    number = made.json()["id"]
    changed = client.patch(f"{API}/{number}", json={"name": "Renamed", "version": 1})
    stale = client.patch(f"{API}/{number}", json={"name": "Late", "version": 1})
    read = client.get(f"{API}/{number}").json()

    assert (made.status_code, changed.status_code, stale.status_code) == (201, 200, 409)
    assert (read["name"], read["version"], read["loss_ratio"], read["insured"]) == ("Renamed", 2, "0.8", True)
    assert "secret" not in read


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": "x", "branch_id": 1, "secret": "y"}, "secret"),
        ({"name": "x", "branch_id": 1, "id": 5}, "id"),
        ({"name": {"$gt": ""}, "branch_id": 1}, "name"),
        ({"name": ["x"], "branch_id": 1}, "name"),
        ({"name": 5, "branch_id": 1}, "name"),
        ({"branch_id": 1}, "name"),
        ({"name": "x" * 41, "branch_id": 1}, "name"),
        ({"name": "x", "branch_id": 1, "kind": "rocket"}, "kind"),
        ({"name": "x", "branch_id": 1, "premium": "NaN"}, "premium"),
        ({"name": "x", "branch_id": 1, "owner_id": 99}, "owner_id"),
    ],
)
def test_a_wrong_body_names_the_field(program: Any, body: dict[str, Any], field: str) -> None:
    answer = program("bo").post(API, json=body)

    assert answer.status_code == 422
    assert field in answer.json()["fields"]
    assert {"code", "message", "cure", "fields", "request_id"} == answer.json().keys()


@pytest.mark.parametrize(
    "query", ["q=secret:x", "sort=secret", "fields=secret", "sort=phone", "limit=201", "limit=0", "after=x", "q=%22"]
)
def test_hidden_and_broken_parameters_are_refused(program: Any, query: str) -> None:
    answer = program("anna").get(f"{API}?{query}")

    assert answer.status_code == 422
    assert "s3cr3t" not in answer.text


def test_values_are_masked(program: Any) -> None:
    client = program("anna")

    assert client.get(f"{API}/1").json()["phone"] == "138****5678"
    assert "13812345678" not in client.get(f"{API}?fields=phone").text


def test_another_branch_is_as_good_as_absent(program: Any, boats: Any, suite: Any) -> None:
    client = program("bo")

    foreign, absent = client.get(f"{API}/100"), client.get(f"{API}/987654")
    assert foreign.status_code == absent.status_code == 404
    assert foreign.json()["message"] == absent.json()["message"]
    assert client.patch(f"{API}/100", json={"name": "x", "version": 1}).status_code == 404
    assert client.post(API, json={"name": "x", "branch_id": boats["south"]}).status_code == 403
    assert all(item["branch_id"] == boats["north"] for item in client.get(f"{API}?fields=branch_id").json()["items"])


def test_rights_are_needed(program: Any, browser: Any) -> None:
    assert browser().get(API).status_code == 401
    assert program("nobody").get(API).status_code == 403
    assert program("ce").post(API, json={"name": "x", "branch_id": 1}).status_code == 403
    wrong = browser()
    wrong.headers["Authorization"] = "Bearer banyan_nothing"
    assert wrong.get(API).json()["code"] == "not_signed_in"


def test_a_browser_needs_its_form_token(signed_in: Any, boats: Any, suite: Any) -> None:
    client = signed_in("bo")
    body = {"name": "x", "branch_id": boats["north"]}

    accepted = client.post(API, json=body)
    del client.headers["X-CSRF-Token"]
    refused = client.post(API, json=body)

    assert (accepted.status_code, refused.status_code) == (201, 403)
    with suite.database.read(system_actor("test")) as session:
        assert session.query(Boat).filter(Boat.name == "x").count() == 1


def test_unknown_addresses_and_methods_have_the_same_form(program: Any) -> None:
    client = program("bo")

    assert client.get("/api/v1/demo/nothing").json()["code"] == "no_such_page"
    assert client.delete(f"{API}/1").status_code == 405
    assert client.get(f"{API}/{2**70}").status_code in {404, 422}
    assert client.post("/api/v1/core/users", json={}).status_code == 405


def test_the_description_lists_only_active_plugins(program: Any, suite: Any) -> None:
    client = program("bo")
    whole = client.get("/api/v1/openapi.json").json()
    suite.plugins.is_active = lambda plugin_id, branch_id: plugin_id == "core"
    without = client.get("/api/v1/openapi.json").json()

    operation = whole["paths"]["/v1/demo/boats"]["post"]
    name = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
    schema = whole["components"]["schemas"][name]
    assert schema["additionalProperties"] is False
    assert "secret" not in str(whole)
    assert "name" in schema["required"]
    assert not any("demo" in path for path in without["paths"])
    assert client.get(API).status_code == 404


def test_the_dictionary_lists_every_field(suite: Any, application: Any) -> None:
    found = dictionary(suite.registry, "demo.boat")[0]

    assert found["permissions"][-1] == "demo.boat.unmask"
    kind = next(field for field in found["fields"] if field["name"] == "kind")
    assert kind["options"]["sail"] == {"en": "Sailing boat", "zh": "帆船"}
    assert next(field for field in found["fields"] if field["name"] == "owner_id")["target"] == "demo.owner"
    assert "demo.boat  Boat / 船  /demo/boats" in as_text([found])
