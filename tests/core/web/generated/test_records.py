"""Generated records and forms: what is shown, what can be set, conflicts, branches, audit."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from core.plugin.hookspecs import hookimpl
from core.security.actors import Actor, system_actor
from core.security.models import AuditEntry
from tests.core.registry.sample_models import Boat

BOATS = "/demo/boats"


def stored(suite: Any, number: int) -> Boat:
    with suite.database.read(system_actor("test")) as session:
        found = session.get(Boat, number)
        assert found
        return found


def audited(suite: Any) -> list[AuditEntry]:
    with suite.database.read(system_actor("test")) as session:
        return list(session.scalars(select(AuditEntry).where(AuditEntry.model == "demo.boat").order_by(AuditEntry.id)))


def whole_form(north: int, **changes: str) -> dict[str, str]:
    form = {"branch_id": str(north), "name": "New boat", "premium": "1,234.50", "kind": "sail", "due_on": "2026-12-01"}
    return form | {"loss_ratio": "80", "owner_id": "1", "note": "", "phone": ""} | changes


def test_a_record_shows_its_fields_masked_and_linked(signed_in: Any, boats: Any) -> None:
    page = signed_in("bo").get(f"{BOATS}/7").text

    assert "<h1>Boat 07</h1>" in page
    assert "7.50" in page
    assert 'href="/demo/owners/1"' in page
    assert "138****5678" in page
    assert "13812345678" not in page
    assert 'action="/unmask/demo.boat/7/phone"' in page


def test_a_record_is_made_in_the_own_branch_and_audited(signed_in: Any, boats: Any, suite: Any) -> None:
    answer = signed_in("bo").post(f"{BOATS}/new", data=whole_form(boats["north"], phone="13900001111"))
    number = int(answer.headers["location"].rpartition("/")[2])
    made, entry = stored(suite, number), audited(suite)[-1]

    assert (made.name, str(made.premium), str(made.loss_ratio)) == ("New boat", "1234.50", "0.8000")
    assert (made.branch_id, made.owner_id, made.insured) == (boats["north"], 1, False)
    assert (entry.action, entry.row_id, entry.branch_id) == ("boat.created", number, boats["north"])
    assert "13900001111" not in str(entry.detail)


def test_the_form_shows_all_errors_and_keeps_what_was_typed(signed_in: Any, boats: Any, suite: Any) -> None:
    wrong = whole_form(boats["north"], name="", premium="much", kind="rocket", due_on="soon", owner_id="77", crew="1.5")
    answer = signed_in("bo").post(f"{BOATS}/new", data=wrong)

    assert answer.status_code == 422
    for field in ("name", "premium", "kind", "due_on", "owner_id", "crew"):
        assert f'id="{field}-error"' in answer.text, field
    assert 'value="much"' in answer.text
    assert audited(suite) == []


@pytest.mark.parametrize("name", ["id", "version", "secret", "created_at", "password_hash", "__class__", "metadata"])
def test_fields_out_of_the_form_are_refused(signed_in: Any, boats: Any, suite: Any, name: str) -> None:
    client = signed_in("bo")

    made = client.post(f"{BOATS}/new", data=whole_form(boats["north"], **{name: "1"}))
    changed = client.post(f"{BOATS}/1/edit", data=whole_form(boats["north"], **{"version": "1", name: "9"}))

    assert made.status_code == 422
    assert changed.status_code in {409, 422}
    assert stored(suite, 1).name == "Boat 01"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("name", "x" * 41),
        ("premium", "1" * 30),
        ("premium", "1.234"),
        ("premium", "NaN"),
        ("loss_ratio", "99999999"),
        ("crew", "2147483648"),
        ("due_on", "0000-00-00"),
        ("owner_id", "9" * 30),
        ("seen_at", "yesterday"),
    ],
)
def test_values_the_database_cannot_hold_are_refused(
    signed_in: Any, boats: Any, suite: Any, name: str, value: str
) -> None:
    answer = signed_in("bo").post(f"{BOATS}/new", data=whole_form(boats["north"], **{name: value}))

    assert answer.status_code == 422
    assert f'id="{name}-error"' in answer.text


def test_a_change_is_written_versioned_and_audited(signed_in: Any, boats: Any, suite: Any) -> None:
    client = signed_in("bo")
    form = whole_form(boats["north"], version="1", name="Renamed", premium="1.50")

    answer = client.post(f"{BOATS}/1/edit", data=form)
    made, entry = stored(suite, 1), audited(suite)[-1]

    assert answer.status_code == 303
    assert (made.name, made.version, made.phone) == ("Renamed", 2, "13812345678")
    assert entry.detail["fields"]["name"] == ["Boat 01", "Renamed"]
    assert "premium" not in entry.detail["fields"]


def test_the_second_of_two_changes_is_told_of_the_first(signed_in: Any, boats: Any, suite: Any) -> None:
    first, second = signed_in("bo"), signed_in("mi")
    form = whole_form(boats["north"], version="1")

    assert first.post(f"{BOATS}/1/edit", data={**form, "name": "First"}).status_code == 303
    late = second.post(f"{BOATS}/1/edit", data={**form, "name": "Second"})

    assert late.status_code == 409
    assert 'value="Second"' in late.text
    assert 'name="version" value="2"' in late.text
    assert stored(suite, 1).name == "First"


def test_nobody_writes_into_another_branch(signed_in: Any, boats: Any, suite: Any) -> None:
    client, south = signed_in("bo"), str(boats["south"])

    assert client.post(f"{BOATS}/new", data=whole_form(boats["south"])).status_code == 403
    moved = client.post(f"{BOATS}/1/edit", data=whole_form(boats["south"], version="1"))
    foreign = client.post(f"{BOATS}/100/edit", data=whole_form(boats["north"], version="1"))

    assert (moved.status_code, foreign.status_code) == (403, 404)
    assert stored(suite, 1).branch_id == boats["north"]
    assert stored(suite, 100).branch_id == int(south)
    assert audited(suite) == []


def test_a_reader_cannot_write(signed_in: Any, boats: Any, suite: Any) -> None:
    client = signed_in("ce")

    assert client.get(f"{BOATS}/100").status_code == 200
    assert client.post(f"{BOATS}/100/edit", data=whole_form(boats["south"], version="1")).status_code == 403
    assert client.get(f"{BOATS}/new").status_code == 403


def test_a_plugin_can_refuse_a_change(signed_in: Any, boats: Any, suite: Any) -> None:
    class Refusal:
        @hookimpl
        def core_authorize(self, actor: Actor, permission: str, record: Boat) -> str | None:
            return "the season is over" if permission == "demo.boat.edit" and record.name == "Boat 01" else None

    suite.plugins.register("core", Refusal(), "refusal")
    answer = signed_in("bo").post(f"{BOATS}/1/edit", data=whole_form(boats["north"], version="1"))

    assert answer.status_code == 403
    assert "the season is over" in answer.text
    assert stored(suite, 1).name == "Boat 01"


def test_people_and_roles_have_no_generated_form(signed_in: Any, boats: Any) -> None:
    client = signed_in("anna")

    assert client.get("/core/users").status_code == 200
    assert client.get("/core/users/1/edit").status_code == 404
    assert client.post("/core/roles/new", data={"code": "x"}).status_code in {404, 405}
