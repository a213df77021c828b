"""What holds for every registered route, plugins' and generated ones included."""

import re
from dataclasses import replace

import pytest
from starlette.routing import Mount, Route

from core.errors import PluginError
from core.plugin.contributions import PUBLIC, SIGNED_IN
from core.plugin.contributions import Route as Declared
from core.web.routing import PLAIN_COOKIE, Endpoint, _mounted

HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}


def declared(application):
    return [route for route in application.routes if isinstance(route, Route) and isinstance(route.endpoint, Endpoint)]


def concrete(route) -> str:
    return re.sub(r"\{(\w+)(?::(\w+))?\}", lambda found: "1" if found[2] == "int" else "x", route.path)


def is_public(route) -> bool:
    return route.endpoint.route.permission == PUBLIC


def test_every_route_names_a_permission_somebody_declared(application, suite):
    from core.security.permissions import all_permissions

    known = {permission.name for permission in all_permissions(suite)} | {PUBLIC, SIGNED_IN}
    assert {route.endpoint.route.permission for route in declared(application)} <= known


def test_a_route_without_permission_stops_the_start(suite, application):
    route = Declared("/naked", lambda request: None, "")
    with pytest.raises(PluginError, match="names no permission"):
        _mounted(suite, application.state.keeper, "core", route)


def test_only_the_documented_routes_are_public(application):
    public = {(route.path, *sorted(route.methods - {"HEAD"})) for route in declared(application) if is_public(route)}
    assert public == {
        ("/login", "GET"),
        ("/login", "POST"),
        ("/login/second", "POST"),
        ("/login/directory", "GET"),
        ("/login/directory/callback", "GET"),
        ("/first-admin/{code}", "GET"),
        ("/reset", "GET"),
        ("/first", "POST"),
    }


def test_strangers_are_sent_to_sign_in_by_every_other_route(application, browser, people):
    client = browser()
    for route in declared(application):
        if is_public(route):
            continue
        method = "POST" if "POST" in route.methods else "GET"
        answer = client.request(method, concrete(route))
        assert (answer.status_code, route.path) == (303, route.path)
        assert answer.headers["location"].startswith("/login")


def test_people_without_roles_reach_nothing_but_their_own_account(application, signed_in):
    client = signed_in("nobody")
    for route in declared(application):
        if route.endpoint.route.permission in {PUBLIC, SIGNED_IN}:
            continue
        method = "POST" if "POST" in route.methods else "GET"
        assert (client.request(method, concrete(route)).status_code, route.path) == (403, route.path)


def test_every_answer_carries_the_security_headers_and_a_fresh_nonce(application, signed_in):
    client, nonces = signed_in("anna"), []
    paths = [concrete(route) for route in declared(application) if "GET" in route.methods]
    for path in [*paths, "/nothing/here", "/static/none", "/livez", "/readyz", "//evil.example"]:
        answer = client.get(path)
        for name, value in HEADERS.items():
            assert (path, answer.headers.get(name)) == (path, value)
        policy = answer.headers["content-security-policy"]
        assert "unsafe" not in policy
        assert policy.startswith("default-src 'none'")
        if "attachment" not in answer.headers.get("content-disposition", ""):
            nonces.append(policy.partition("'nonce-")[2].partition("'")[0])
        kind = answer.headers.get("content-type", "")
        assert kind or answer.status_code == 303
        assert not kind.startswith("text/") or "charset" in kind
        assert answer.status_code < 500, (path, answer.text)
    assert all(nonces)
    assert len(set(nonces)) == len(nonces)


def test_pages_have_no_inline_script_and_no_handler_attributes(application, signed_in):
    client = signed_in("anna")
    for route in declared(application):
        if "GET" in route.methods:
            page = client.get(concrete(route)).text
            assert not re.search(r"<script(?![^>]*\bsrc=)", page), route.path
            assert not re.search(r"<[^>]+\son\w+=", page), route.path
            assert " style=" not in page, route.path


@pytest.mark.parametrize(
    "attack", ["no token", "foreign token", "cross-site", "same-site", "foreign origin", "null origin"]
)
def test_unsafe_requests_that_another_site_caused_change_nothing(attack, application, signed_in, suite):
    client, other = signed_in("anna"), signed_in("bo")
    headers = {
        "no token": {"X-CSRF-Token": ""},
        "foreign token": {"X-CSRF-Token": other.headers["X-CSRF-Token"]},
        "cross-site": {"Sec-Fetch-Site": "cross-site"},
        "same-site": {"Sec-Fetch-Site": "same-site"},
        "foreign origin": {"Origin": "https://evil.example"},
        "null origin": {"Origin": "null"},
    }[attack]
    for route in declared(application):
        if "POST" in route.methods and not is_public(route):
            assert (client.post(concrete(route), headers=headers).status_code, route.path) == (403, route.path)


def test_signing_in_from_another_site_is_refused(browser, people):
    answer = browser().post("/login", data={"username": "anna"}, headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403


@pytest.mark.parametrize("own", [{"Sec-Fetch-Site": "same-origin"}, {"Origin": "http://localhost:8000"}, {}])
def test_own_pages_may_post(own, signed_in):
    assert signed_in("anna").post("/preferences", data={"theme": "dark"}, headers=own).status_code == 303


def test_methods_that_no_route_names_are_refused(application, signed_in):
    client = signed_in("anna")
    by_path = {}
    for route in declared(application):
        by_path.setdefault(concrete(route), set()).update(route.methods)
    for path, methods in by_path.items():
        for method in {"GET", "POST", "PUT", "DELETE", "PATCH", "TRACE", "__class__"} - methods:
            assert (client.request(method, path).status_code, path, method) == (405, path, method)


def test_reading_never_writes_but_the_audit_entry_of_an_export(application, signed_in, suite, monkeypatch):
    client = signed_in("anna")

    def refuse(*_arguments, **_options):
        raise AssertionError("a GET opened a writing session")

    monkeypatch.setattr(suite.database, "write", refuse)
    for route in declared(application):
        if "GET" in route.methods and not route.path.endswith("/export"):
            assert client.get(concrete(route)).status_code < 500, route.path


def test_only_the_known_things_are_mounted(application):
    assert {route.path for route in application.routes if isinstance(route, Mount)} <= {"/static", "/api"}


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "", "a b", "evil.example:8000", "10.0.0.1@evil.example"]
)
def test_foreign_host_names_are_refused(host, browser):
    assert browser().get("/login", headers={"Host": host}).status_code == 400


@pytest.mark.parametrize("host", ["localhost:8000", "127.0.0.1", "192.168.1.20:8000", "[::1]:8000"])
def test_own_host_names_are_served(host, browser):
    assert browser().get("/login", headers={"Host": host}).status_code == 200


def test_a_body_over_the_limit_is_refused_before_it_is_read(browser, signed_in):
    assert browser().post("/login", content=b"x" * 70_000).status_code == 413
    too_much = signed_in("anna").post("/preferences", content=b"x" * (2 * 1024 * 1024 + 1))
    assert too_much.status_code == 413


def test_every_cookie_is_closed_to_scripts_and_other_sites(signed_in, browser, people):
    from tests.core.web.conftest import PASSWORD

    answers = [
        browser().post("/login", data={"username": "anna", "password": PASSWORD}),
        signed_in("anna").post("/preferences", data={"locale": "en", "keys": "off"}),
        signed_in("anna").post("/logout"),
    ]
    for answer in answers:
        for header in answer.headers.get_list("set-cookie"):
            assert "httponly" in header.lower()
            assert "samesite=lax" in header.lower()
            assert "path=/" in header.lower()
            assert "domain" not in header.lower()


def test_over_tls_the_session_cookie_is_bound_to_the_host(suite, people):
    from starlette.testclient import TestClient

    from core.web.application import build_application
    from core.web.routing import SECURE_COOKIE
    from tests.core.web.conftest import PASSWORD

    server = replace(suite.settings.server, base_url="https://crm.example")
    suite.settings = replace(suite.settings, server=server)
    client = TestClient(build_application(suite), base_url="https://crm.example", follow_redirects=False)

    answer = client.post("/login", data={"username": "anna", "password": PASSWORD})

    header = answer.headers["set-cookie"].lower()
    assert SECURE_COOKIE in answer.cookies
    assert PLAIN_COOKIE not in answer.cookies
    assert "secure" in header
    assert answer.headers["strict-transport-security"] == "max-age=31536000; includeSubDomains"
    assert client.get("/login", headers={"Host": "10.0.0.1"}).status_code == 400
