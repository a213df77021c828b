"""Signing in and out, sessions, the first administrator."""

from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select, update

from core.db.base import utc_now
from core.security import audit
from core.security.accounts import find_user, set_active, set_password
from core.security.actors import system_actor
from core.security.bootstrap import first_admin_link
from core.security.models import AuditEntry, User, UserSession
from core.web.routing import PLAIN_COOKIE
from tests.core.web.conftest import PASSWORD

ACTOR = system_actor("test")


def test_a_fresh_installation_has_no_account(suite):
    with suite.database.read(ACTOR) as session:
        assert session.scalar(select(User.id)) is None


def test_the_one_time_link_makes_the_first_administrator_once(suite, browser):
    link = first_admin_link(suite, "http://localhost:8000")
    client = browser()
    path = link.removeprefix("http://localhost:8000")
    sent = {"code": path.rpartition("/")[2], "username": "root1", "name": "Ru", "password": PASSWORD, "again": PASSWORD}

    shown, made = client.get(path), client.post("/first", data=sent)

    assert shown.status_code == 200
    assert made.status_code == 303
    assert client.get("/").status_code == 200
    assert browser().post("/first", data={**sent, "username": "other"}).status_code == 404
    assert first_admin_link(suite, "http://localhost:8000") is None


def test_the_one_time_link_ends_after_a_day(suite, browser):
    link = first_admin_link(suite, "")
    with time_machine.travel(utc_now() + timedelta(hours=25), tick=False):
        assert browser().get(link).status_code == 404


def test_a_wrong_password_and_an_unknown_person_get_the_same_answer(browser, people):
    known = browser().post("/login", data={"username": "anna", "password": "wrong"})
    unknown = browser().post("/login", data={"username": "anno", "password": "wrong"})

    assert known.status_code == unknown.status_code == 401
    assert _without_noise(known.text, "anna") == _without_noise(unknown.text, "anno")


def test_signing_in_takes_a_new_secret_and_stores_only_its_hash(suite, browser, people):
    client = browser()
    client.cookies.set(PLAIN_COOKIE, "planted")

    answer = client.post("/login", data={"username": "anna", "password": PASSWORD})

    secret = answer.cookies[PLAIN_COOKIE]
    header = answer.headers["set-cookie"].lower()
    assert secret != "planted"
    assert len(secret) >= 43
    assert "httponly" in header
    assert "samesite=lax" in header
    with suite.database.read(ACTOR) as session:
        stored = session.scalars(select(UserSession)).all()
    assert [len(row.token_hash) for row in stored] == [32]
    assert secret.encode() not in stored[0].token_hash


def test_a_session_ends_with_logout_and_its_cookie_cannot_be_replayed(signed_in, browser):
    client = signed_in("anna")
    secret = client.cookies[PLAIN_COOKIE]

    answer = client.post("/logout")

    assert answer.headers["clear-site-data"]
    replay = browser()
    replay.cookies.set(PLAIN_COOKIE, secret)
    assert replay.get("/").headers["location"] == "/login"


@pytest.mark.parametrize("ending", ["disable", "password"])
def test_all_sessions_end_at_once_when_an_account_is_switched_off_or_its_password_changes(ending, suite, signed_in):
    first, second = signed_in("bo"), signed_in("bo")
    with suite.database.write(ACTOR) as session:
        bo = find_user(session, "bo")
        if ending == "disable":
            set_active(session, bo, active=False)
        else:
            set_password(session, bo, "another fine sentence")

    assert first.get("/").status_code == 303
    assert second.get("/").status_code == 303


@pytest.mark.parametrize(("hours", "alive"), [(1.9, True), (2.1, False)])
def test_a_session_ends_when_idle_for_two_hours(hours, alive, signed_in):
    client = signed_in("anna")
    with time_machine.travel(utc_now() + timedelta(hours=hours), tick=False):
        assert (client.get("/").status_code == 200) is alive


def test_a_session_ends_after_twelve_hours_even_in_use(signed_in, application):
    client = signed_in("anna")
    start = utc_now()
    for hours in range(1, 12):
        with time_machine.travel(start + timedelta(hours=hours), tick=False):
            assert client.get("/").status_code == 200
            application.state.keeper.wait()
    with time_machine.travel(start + timedelta(hours=12, seconds=5), tick=False):
        assert client.get("/").status_code == 303


def test_the_time_of_use_is_stored_at_most_once_a_minute(suite, signed_in, application):
    client = signed_in("anna")
    started = _seen_at(suite)
    client.get("/")
    application.state.keeper.wait()
    assert _seen_at(suite) == started
    with time_machine.travel(utc_now() + timedelta(seconds=61), tick=False):
        client.get("/")
        application.state.keeper.wait()
        assert _seen_at(suite) > started


def test_twenty_tries_an_hour_on_one_account_are_allowed_and_the_limit_outlives_a_restart(suite, people, browser):
    from starlette.testclient import TestClient

    from core.web.application import build_application

    client = browser()
    answers = [client.post("/login", data={"username": "anna", "password": "x"}).status_code for _ in range(20)]
    after = client.post("/login", data={"username": "anna", "password": PASSWORD})

    assert answers == [401] * 20
    assert after.status_code == 429
    assert 0 < int(after.headers["retry-after"]) <= 3601
    with TestClient(build_application(suite), base_url="http://localhost:8000") as restarted:
        assert restarted.post("/login", data={"username": "anna", "password": PASSWORD}).status_code == 429
    with time_machine.travel(utc_now() + timedelta(hours=1, seconds=1), tick=False):
        assert client.post("/login", data={"username": "anna", "password": PASSWORD}).status_code == 303


def test_guesses_from_elsewhere_do_not_lock_out_the_owner(people, application):
    from starlette.testclient import TestClient

    stranger = TestClient(
        application, base_url="http://localhost:8000", client=("10.0.0.66", 1), follow_redirects=False
    )
    owner = TestClient(application, base_url="http://localhost:8000", client=("10.0.0.5", 1), follow_redirects=False)
    for _ in range(21):
        last = stranger.post("/login", data={"username": "anna", "password": "x"})

    assert last.status_code == 429
    assert owner.post("/login", data={"username": "anna", "password": PASSWORD}).status_code == 303


def test_a_hundred_tries_an_hour_from_one_address_are_allowed_in_all(people, browser):
    client = browser()
    answers = [client.post("/login", data={"username": f"user{n}", "password": "x"}).status_code for n in range(101)]
    assert answers == [401] * 100 + [429]


def test_changed_rights_hold_from_the_next_request(suite, signed_in, people):
    from core.security.models import Grant

    client = signed_in("anna")
    assert client.get("/users").status_code == 200
    with suite.database.write(ACTOR) as session:
        session.delete(session.scalars(select(Grant).where(Grant.user_id == people.users["anna"])).one())
    assert client.get("/users").status_code == 403


def test_accepted_and_refused_sign_ins_are_audited_without_the_password(suite, browser, people):
    browser().post("/login", data={"username": "anna", "password": "wrong secret"})
    browser().post("/login", data={"username": "anna", "password": PASSWORD})

    with suite.database.read(ACTOR) as session:
        entries = session.scalars(select(AuditEntry).where(AuditEntry.action.like("login.%"))).all()
        assert [entry.action for entry in entries] == ["login.refused", "login.accepted"]
        assert not any("secret" in str(entry.detail) for entry in entries)
        assert audit.verify(session) == []


def test_a_hash_with_old_parameters_is_renewed_at_sign_in(suite, browser, people):
    from argon2 import PasswordHasher

    old = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash(PASSWORD)
    with suite.database.write(ACTOR) as session:
        session.execute(update(User).where(User.username == "anna").values(password_hash=old))

    browser().post("/login", data={"username": "anna", "password": PASSWORD})

    with suite.database.read(ACTOR) as session:
        stored = session.scalar(select(User.password_hash).where(User.username == "anna"))
    assert "m=1024" in stored


def test_the_language_follows_the_person_then_the_browser(signed_in, browser):
    assert 'lang="zh-CN"' in browser().get("/login", headers={"Accept-Language": "zh-TW,en;q=0.5"}).text
    assert 'lang="en"' in browser().get("/login", headers={"Accept-Language": "fr, en;q=0.5"}).text
    client = signed_in("anna")
    client.post("/preferences", data={"locale": "zh_CN", "next": "/style"})
    assert 'lang="zh-CN"' in client.get("/style").text


def _seen_at(suite):
    with suite.database.read(ACTOR) as session:
        return session.scalar(select(UserSession.seen_at))


def _without_noise(page: str, username: str) -> str:
    import re

    return re.sub(r'(nonce="|inlineScriptNonce:)[\w-]+', "", page).replace(username, "")
