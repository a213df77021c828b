"""Fields that administrators add to customers: in lists, forms, files and the interface at once, without restart."""

import json
import re
from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import select

from core.custom.changes import Wish, add_field, find_field, purge_field, set_removed
from core.custom.fields import CustomFields
from core.errors import ConflictError, InvalidValueError
from core.plugin.epochs import FRESH_SECONDS, Epochs
from core.registry.definitions import definition_of
from core.registry.query import ListQuery, fetch_page
from core.registry.records import change_record
from core.security.actors import system_actor
from core.security.models import AuditEntry
from core.testing.people import add_sample

pytest_plugins = ["core.testing.people"]

MODEL = "crm_customers.customer"
LIST = "/crm_customers/customers"
SYSTEM = system_actor("test of custom fields")
TONES = "kind | Kind | 亲切\ndry | Dry | 平淡"
FORM = {"model": MODEL, "code": "hobby", "label_en": "Hobby", "label_zh": "爱好", "kind": "text"}
KINDS = {
    "hobby": ("text", "golf"),
    "staff": ("number", "12.5"),
    "turnover": ("amount", "1000.10"),
    "founded": ("date", "2001-02-03"),
    "vip": ("yes_no", "yes"),
    "tone": ("choice", "dry"),
}


@pytest.fixture
def enabled_plugins():
    return ("crm_customers",)


def add(suite, code, kind="text", **more):
    with suite.database.write(SYSTEM) as session:
        options = TONES if kind == "choice" else ""
        return add_field(suite, session, Wish(MODEL, code, code.title(), f"字段{code}", kind, options, **more)).id


@pytest.fixture
def customers(any_suite):
    """Three customers with a field of each kind; the first has all values, the second some, the third none."""
    suite = any_suite
    for code, (kind, _) in KINDS.items():
        add(suite, code, kind)
    with suite.database.write(SYSTEM) as session:
        model = suite.registry.get(MODEL)
        numbers = [add_sample(session, model, name=name, number=name) for name in ("甲", "乙", "丙")]
    put(suite, numbers[0], {f"custom_{code}": value for code, (_, value) in KINDS.items()})
    put(suite, numbers[1], {"custom_hobby": "tennis", "custom_staff": "3", "custom_founded": "2020-01-01"})
    return suite, numbers


def put(suite, number, values):
    with suite.database.write(SYSTEM) as session:
        version = getattr(session.get_one(suite.registry.get(MODEL).entity, number), "version", None)
        change_record(suite, session, suite.registry.get(MODEL), number, {**values, "version": version})


def listed(suite, query="", sort=(), columns=("name",), actor=SYSTEM, **more):
    definition = definition_of(suite, suite.registry.get(MODEL), actor)
    with suite.database.read(actor) as session:
        asked = ListQuery(columns, definition.filters.parse(query), sort, **more)
        return fetch_page(session, definition, asked)


@pytest.mark.feature("CO-17", "EX-52")
def test_values_of_every_kind_are_shown_found_and_sorted_on_both_databases(customers):
    suite, (one, two, three) = customers
    names = tuple(f"custom_{code}" for code in KINDS)
    page = listed(suite, columns=("name", *names), sort=("id",))
    assert [page.values[name][0] for name in names] == [
        "golf", Decimal("12.5"), Decimal("1000.10"), date(2001, 2, 3), True, "dry",
    ]  # fmt: skip
    assert [page.values[name][2] for name in names] == [None] * 6
    for query, found in {
        "custom_hobby:olf": [one],
        "爱好:golf 字段staff:>12": [],
        "字段hobby:golf 字段staff:>12": [one],
        "custom_staff:<10": [two],
        "custom_turnover:1000.10": [one],
        "custom_founded:>2010-01-01": [two],
        "custom_vip:yes": [one],
        "custom_tone:dry": [one],
        "custom_hobby:empty": [three],
        "-custom_hobby:golf": [two, three],
    }.items():
        if query.startswith("爱好"):
            with pytest.raises(InvalidValueError):
                listed(suite, query)
            continue
        assert listed(suite, query, ("id",)).ids == found, query
    for name, ordered in {"staff": [two, one, three], "hobby": [one, two, three], "founded": [one, two, three]}.items():
        assert listed(suite, "", (f"custom_{name}",)).ids == ordered
    assert listed(suite, "", ("-custom_staff",)).ids == [one, two, three]


def test_pages_follow_each_other_across_the_rows_without_a_value(customers):
    suite, (one, two, three) = customers
    first = listed(suite, sort=("-custom_founded",), limit=1)
    second = listed(suite, sort=("-custom_founded",), limit=1, after=first.ids[0])
    third = listed(suite, sort=("-custom_founded",), limit=1, after=second.ids[0])
    back = listed(suite, sort=("-custom_founded",), limit=2, before=third.ids[0])
    assert (first.ids, second.ids, third.ids, back.ids) == ([two], [one], [three], [two, one])


@pytest.mark.feature("CO-17")
def test_an_administrator_adds_a_field_and_people_use_it_at_once(client_as, suite, make_record, branch_tree):
    admin = client_as("admin")
    number = make_record(MODEL, name="王小明")
    assert admin.post("/custom-fields/new", data=FORM).status_code == 303
    form = admin.get(f"{LIST}/{number}/edit").text
    assert "Hobby" in form
    version = re.search(r'name="version" value="(\d+)"', form)[1]
    sent = {"name": "王小明", "kind": "person", "version": version}
    refused = admin.post(f"{LIST}/{number}/edit", data={**sent, "custom_hobby": "x" * 501})
    assert refused.status_code == 422
    assert "At most 500 characters." in refused.text
    assert admin.post(f"{LIST}/{number}/edit", data={**sent, "custom_hobby": "golf"}).status_code == 303

    assert "golf" in admin.get(f"{LIST}/{number}").text
    assert "golf" in admin.get(f"{LIST}?q=custom_hobby:golf&columns=name,custom_hobby&sort=custom_hobby").text
    assert "golf" in admin.get(f"{LIST}/export?format=csv&columns=name,custom_hobby").text
    history = admin.get(f"{LIST}/{number}/history").text
    assert "Hobby — → golf" in history
    answer = admin.get(f"/api/v1/crm_customers/customers/{number}").json()
    assert answer["custom_hobby"] == "golf"
    schemas = admin.get("/api/v1/openapi.json").json()["components"]["schemas"]
    assert "custom_hobby" in schemas["CrmCustomersCustomer"]["properties"]
    body = {"custom_hobby": "chess", "version": int(version) + 1}
    changed = admin.patch(f"/api/v1/crm_customers/customers/{number}", json=body)
    assert (changed.status_code, changed.json().get("custom_hobby")) == (200, "chess"), changed.text
    unknown = admin.patch(
        f"/api/v1/crm_customers/customers/{number}", json={**body, "version": int(version) + 2, "custom_none": "x"}
    )
    assert unknown.status_code == 422


def test_what_is_wrong_with_a_field_is_told_at_its_input(client_as, suite):
    admin = client_as("admin")
    for wrong, name in (
        ({"code": "Hobby!"}, "code"),
        ({"label_zh": " "}, "label_zh"),
        ({"kind": "choice", "options": "one"}, "options"),
        ({"kind": "choice", "options": "a | A | 甲\na | B | 乙"}, "options"),
        ({"kind": "date", "personal": "yes"}, "personal"),
    ):
        answer = admin.post("/custom-fields/new", data={**FORM, **wrong})
        assert answer.status_code == 422
        assert f'id="{name}-error"' in answer.text
    assert suite.custom_fields.of(MODEL, None) == ()
    assert admin.post("/custom-fields/new", data=FORM).status_code == 303
    taken = admin.post("/custom-fields/new", data={**FORM, "branch": "330402"})
    assert taken.status_code == 422
    assert "There is already a field hobby" in taken.text


def test_a_field_of_a_branch_exists_only_there_and_below(client_as, suite, branch_tree, make_record):
    make_record(MODEL, name="王小明")
    boss = client_as("admin", "north")
    assert boss.post("/custom-fields/new", data=FORM).status_code == 403
    assert boss.post("/custom-fields/new", data={**FORM, "branch": "3304"}).status_code == 403
    assert boss.post("/custom-fields/new", data={**FORM, "branch": "330402"}).status_code == 303
    assert boss.get(f"{LIST}?q=custom_hobby:golf").status_code == 200
    south = client_as("admin", "south")
    for address in (f"{LIST}?q=custom_hobby:golf", f"{LIST}?sort=custom_hobby"):
        assert south.get(address).status_code == 422
    assert "custom_hobby" not in south.get("/api/v1/openapi.json").text
    assert "Hobby" not in south.get("/custom-fields").text
    number = suite.custom_fields.of(MODEL, None)[0].id
    assert south.post(f"/custom-fields/{number}/removed", data={"removed": "yes"}).status_code == 404
    assert client_as("clerk", "north").get("/custom-fields").status_code == 403


def test_personal_values_are_masked_everywhere_and_shown_for_a_reason(client_as, suite, make_record):
    admin = client_as("admin")
    number = make_record(MODEL, name="王小明")
    admin.post("/custom-fields/new", data={**FORM, "personal": "yes"})
    put(suite, number, {"custom_hobby": "secret thing"})
    for address in (
        f"{LIST}/{number}", f"{LIST}/{number}/edit", f"{LIST}/{number}/history", f"{LIST}?columns=name,custom_hobby",
        f"/api/v1/crm_customers/customers/{number}",
    ):  # fmt: skip
        answer = admin.get(address)
        assert (answer.status_code, "secret thing" in answer.text) == (200, False), address
    assert admin.get(f"{LIST}?sort=custom_hobby").status_code == 422
    assert listed(suite, columns=("custom_hobby",)).values["custom_hobby"] == ["***"]
    with suite.database.read(SYSTEM) as session:
        details = session.scalars(select(AuditEntry.detail)).all()
    assert "secret thing" not in json.dumps(details, ensure_ascii=False)
    shown = admin.post(f"/unmask/{MODEL}/{number}/custom_hobby", data={"reason": "call back"})
    assert "secret thing" in shown.text


def test_a_removed_field_is_gone_and_comes_back_with_its_values_until_purged(customers):
    suite, (one, *_) = customers
    number = next(each.id for each in suite.custom_fields.of(MODEL, None) if each.field.name == "custom_hobby")
    with suite.database.write(SYSTEM) as session:
        with pytest.raises(ConflictError):
            purge_field(suite, session, find_field(session, number))
        set_removed(suite, session, find_field(session, number), removed=True)
    with pytest.raises(InvalidValueError):
        listed(suite, "custom_hobby:golf")
    with suite.database.write(SYSTEM) as session:
        set_removed(suite, session, find_field(session, number), removed=False)
    assert listed(suite, "custom_hobby:golf").ids == [one]
    with suite.database.write(SYSTEM) as session:
        set_removed(suite, session, find_field(session, number), removed=True)
        assert purge_field(suite, session, find_field(session, number)) == 2
    add(suite, "hobby")
    assert listed(suite, "custom_hobby:golf").ids == []


def test_a_required_field_is_asked_for(client_as, suite, make_record):
    number = make_record(MODEL, name="王小明")
    add(suite, "hobby", required=True)
    add(suite, "turnover", "amount")
    sent = {"name": "王小明", "version": "1", "custom_hobby": "", "custom_turnover": "1.001"}
    refused = client_as("admin").post(f"{LIST}/{number}/edit", data=sent)
    assert refused.status_code == 422
    assert "This field is required." in refused.text
    assert "At most 2 decimal places." in refused.text


def test_another_process_sees_a_new_field_within_a_second(any_suite):
    now = [0.0]
    other = CustomFields(Epochs(any_suite.database, lambda: now[0]))
    assert other.of(MODEL, None) == ()
    add(any_suite, "hobby")
    assert other.of(MODEL, None) == ()
    now[0] += FRESH_SECONDS
    assert [each.field.name for each in other.of(MODEL, None)] == ["custom_hobby"]
