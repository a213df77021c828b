"""Own addresses only; languages; toasts."""

import pytest

from core.i18n import choose_locale, localised
from core.security.branches import NotFoundError
from core.web.requests import safe_path
from tests.core.web.conftest import PASSWORD

ELSEWHERE = [
    "https://evil.example", "http:evil.example", "//evil.example", "///evil.example", "////evil.example",
    "/\\evil.example", "\\\\evil.example", "\\/evil.example", "/\\/evil.example", "javascript:alert(1)",
    "data:text/html,x", " //evil.example", "\t//evil.example", "/\t/evil.example", "/\n/evil.example", "\r\n/evil",
    "/x\r\nSet-Cookie: a=b", "", "evil.example", "./x", "../x", "?next=/", "#x", "/x\\..\\y",
    "http://localhost:8000@evil.example", "@evil.example", "%2f%2fevil.example", "/\x00/evil.example",
    "/ /evil.example", "ftp://x", "vbscript:x", "//\\evil.example", "/\x7f/x", "https:/evil.example",
]  # fmt: skip


@pytest.mark.parametrize("wish", ELSEWHERE)
def test_addresses_elsewhere_become_the_start_page(wish):
    assert safe_path(wish) == "/"


@pytest.mark.parametrize("wish", ["/", "/crm_customers/customers?q=保费:>3000&sort=-due", "/users/1#roles", "/a//b"])
def test_own_addresses_are_kept(wish):
    assert safe_path(wish) == wish


@pytest.mark.parametrize("wish", ELSEWHERE)
def test_signing_in_never_leads_elsewhere(wish, browser, people):
    answer = browser().post("/login", data={"username": "anna", "password": PASSWORD, "next": wish})
    assert answer.headers["location"] == "/"


def test_signing_in_leads_back_to_the_page_that_was_asked_for(browser, people):
    client = browser()
    asked = client.get("/audit?action=login.refused")
    assert asked.headers["location"] == "/login?next=%2Faudit%3Faction%3Dlogin.refused"
    answer = client.post(
        "/login", data={"username": "anna", "password": PASSWORD, "next": "/audit?action=login.refused"}
    )
    assert answer.headers["location"] == "/audit?action=login.refused"


def test_an_expired_session_sends_htmx_to_sign_in_by_a_full_navigation(browser, people):
    answer = browser().get("/users", headers={"HX-Request": "true"})
    assert (answer.status_code, answer.headers["hx-redirect"]) == (401, "/login")


def test_an_error_answers_htmx_with_a_toast_and_a_program_with_json(signed_in):
    client = signed_in("ce")
    fragment = client.get("/users", headers={"HX-Request": "true"})
    assert (fragment.status_code, fragment.headers["hx-retarget"]) == (403, "#toasts")
    assert "<html" not in fragment.text
    plain = client.get("/users", headers={"Accept": "application/json"})
    assert plain.json()["error"]["code"] == "permission_missing"


def test_an_unexpected_error_shows_a_number_and_no_detail(signed_in, application, monkeypatch):
    from core.builtin import style

    client = signed_in("anna")
    route = next(each for each in application.routes if getattr(each, "path", "") == "/style")
    broken = style.core_routes()[0].__class__("/style", lambda request: 1 / 0, "signed-in")
    monkeypatch.setattr(route.endpoint, "route", broken)

    answer = client.get("/style")

    assert answer.status_code == 500
    assert answer.headers["x-request-id"] in answer.text
    assert "ZeroDivision" not in answer.text


@pytest.mark.parametrize(
    ("header", "locale"),
    [("zh-TW", "zh_CN"), ("zh-Hans-CN,en;q=0.9", "zh_CN"), ("en-GB,zh;q=0.9", "en"), ("fr,en;q=0.3,zh;q=0.4", "zh_CN"),
     ("", "zh_CN"), ("*", "zh_CN"), (";;q=,", "zh_CN"), ("en;q=1.0", "en")],
)  # fmt: skip
def test_the_browser_chooses_the_language(header, locale):
    assert choose_locale("", accept_language=header) == locale


def test_the_own_choice_comes_before_the_browsers():
    assert choose_locale("", "en", accept_language="zh") == "en"


def test_errors_are_told_in_the_readers_language():
    error = NotFoundError(
        "unknown_branch", "There is no branch {branch}.", "Did you mean {near}?", branch="X", near="Y"
    )
    assert localised(error, "en") == ("There is no branch X.", "Did you mean Y?")
    assert "X" in localised(error, "zh_CN")[0]
    assert localised(error, "zh_CN")[0] != localised(error, "en")[0]
