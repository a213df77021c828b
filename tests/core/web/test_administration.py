"""Administration on screen: people, rights, branches, one's own account, the trail."""

import re
from pathlib import Path

from sqlalchemy import select

from core.security.actors import system_actor
from core.security.models import Branch, User, UserSession
from core.web.audit_labels import declared_actions
from tests.core.web.conftest import PASSWORD, token_of

ACTOR = system_actor("look")
ROOT = Path(__file__).resolve().parents[3]


def test_a_new_person_gets_a_role_and_signs_in(signed_in, browser, suite):
    admin = signed_in("anna")
    form = {"username": "dora", "name": "朵拉", "password": "four brown horses", "branch": "330402"}
    made = admin.post("/users/new", data=form)
    granted = admin.post(
        made.headers["location"] + "/grants", data={"role": "reader", "branch": "330402", "subtree": "yes"}
    )

    assert granted.status_code == 303
    assert "朵拉" in admin.get(made.headers["location"]).text
    answer = browser().post("/login", data={"username": "dora", "password": "four brown horses"})
    assert answer.status_code == 303


def test_a_refused_form_keeps_what_was_typed_and_says_why(signed_in):
    answer = signed_in("anna").post("/users/new", data={"username": "A B", "name": "Somebody", "password": "short"})
    assert answer.status_code == 422
    assert 'value="Somebody"' in answer.text
    assert "at least 12 characters" in answer.text


def test_a_one_time_code_sets_a_new_password_once(signed_in, browser, people):
    admin, other = signed_in("anna"), signed_in("bo")
    code = re.search(r"/reset: ([\w-]{32})", admin.post(f"/users/{people.users['bo']}/reset").text)[1]
    form = {"code": code, "username": "bo", "password": "four brown horses", "again": "four brown horses"}

    assert browser().post("/first", data={**form, "username": "mi"}).status_code == 404
    assert browser().post("/first", data=form).status_code == 303
    assert browser().post("/first", data=form).status_code == 404
    assert other.get("/").status_code == 303
    assert browser().post("/login", data={"username": "bo", "password": "four brown horses"}).status_code == 303


def test_switching_an_account_off_ends_its_sessions(signed_in, people):
    admin, other = signed_in("anna"), signed_in("bo")
    admin.post(f"/users/{people.users['bo']}/active")
    assert other.get("/").status_code == 303
    assert admin.post(f"/users/{people.users['anna']}/active").status_code == 403


def test_a_branch_is_added_below_another(signed_in, suite, people):
    admin = signed_in("anna")
    form = {"code": "33040299", "name": "新营业部", "parent": "330402", "area_code": "0573"}
    assert admin.post("/branches/new", data=form).status_code == 303
    assert admin.post("/branches/new", data=form).status_code == 422
    with suite.database.read(ACTOR) as session:
        parent = session.scalar(select(Branch.parent_id).where(Branch.code == "33040299"))
    assert parent == people.branches["north"]


def test_one_ends_ones_own_sessions_but_nobody_elses(signed_in, suite, people):
    here, there, other = signed_in("bo"), signed_in("bo"), signed_in("mi")
    with suite.database.read(ACTOR) as session:
        rows = session.scalars(select(UserSession).order_by(UserSession.id)).all()
    mine, foreign = rows[1].id, rows[2].id

    assert here.post(f"/profile/sessions/{mine}/end").status_code == 303
    assert here.post(f"/profile/sessions/{foreign}/end").status_code == 404
    assert there.get("/").status_code == 303
    assert other.get("/").status_code == 200


def test_changing_ones_password_asks_for_the_present_one(signed_in, browser):
    client = signed_in("bo")
    new = {"password": "four brown horses", "again": "four brown horses"}
    assert client.post("/profile/password", data={**new, "present": "wrong"}).status_code == 422
    assert client.post("/profile/password", data={**new, "present": PASSWORD}).status_code == 303
    assert client.get("/").status_code == 303


def test_working_as_another_branch_is_possible_only_within_the_own_scope(signed_in, people):
    client = signed_in("anna")
    client.post("/preferences", data={"branch": str(people.branches["south"])})
    assert "秀洲" in client.get("/search").text.partition('class="top"')[2].partition("popover")[0]
    clerk = signed_in("bo")
    clerk.post("/preferences", data={"branch": str(people.branches["south"])})
    assert "秀洲" not in clerk.get("/search").text


def test_a_manager_sees_the_trail_of_the_own_branch_only(signed_in, people):
    signed_in("anna").post("/branches/new", data={"code": "9", "name": "九"})
    page = signed_in("mi").get("/audit")
    assert page.status_code == 200
    assert "Branch added</a></th>" not in page.text


def test_each_session_has_its_own_form_token(signed_in):
    assert token_of(signed_in("bo")) != token_of(signed_in("bo"))


def test_the_password_hash_is_in_no_page(signed_in, suite):
    client = signed_in("anna")
    with suite.database.read(ACTOR) as session:
        stored = session.scalar(select(User.password_hash).where(User.username == "anna"))
    for path in ("/users", "/users/1", "/core/users", "/core/users/1", "/audit", "/profile"):
        assert stored not in client.get(path).text


def test_the_trail_names_actions_and_is_narrowed_by_action_person_record_and_day(signed_in, people):
    client = signed_in("anna")
    client.post(f"/users/{people.users['bo']}/active")
    page = client.get("/audit", params={"action": "user.disable"}).text
    chinese = client.get("/audit", params={"action": "user.disable"}, headers={"Accept-Language": "zh-CN"}).text
    of_bo = client.get("/audit", params={"model": "core.user", "row": people.users["bo"], "action": "user.disable"})

    assert "Account switched off</a></th>" in page
    assert "Signed in</a></th>" not in page
    assert f'<a href="/users/{people.users["bo"]}">' in page
    assert "停用账号" in chinese
    assert "Account switched off" in of_bo.text
    for empty in ({"who": "nobody"}, {"since": "2999-01-01"}, {"until": "2001-01-01"}, {"row": "987654"}):
        assert "No entries." in client.get("/audit", params=empty).text


def test_every_action_that_code_writes_has_a_name(suite):
    written = {
        action
        for path in (ROOT / "core").rglob("*.py")
        for action in re.findall(r'audit(?:\.record)?\(\s*\w+,\s*"([a-z_.]+)"', path.read_text("utf-8"))
    }
    assert {"login.accepted", "value.unmask"} <= written
    assert written <= declared_actions(suite).keys()
