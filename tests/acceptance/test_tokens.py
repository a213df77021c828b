"""Interface tokens from outside: made on the page, used by a program, narrower than their owner."""

from __future__ import annotations

import re
from pathlib import Path

import httpx2
import pytest
from prometheus_client.parser import text_string_to_metric_families

from core.db.sqlite import dbapi2 as sqlite
from tests.acceptance.installation import Installation, Site
from tests.acceptance.test_core_files import CUSTOMER, written

pytestmark = pytest.mark.feature("CO-12")
API = "/api/v1/crm_customers/customers"
MANAGERS = "/api/v1/crm_customers/account_managers"
VIEW, EDIT = "may:crm_customers.customer.view", "may:crm_customers.customer.edit"


@pytest.fixture
def site(installation: Installation, tmp_path: Path):
    rows = [(f"K{n}", f"客户{n}", "个人", "", "", "", branch) for n, branch in enumerate(("海宁", "平湖"))]
    installation.load(written(tmp_path / "客户.csv", CUSTOMER, *rows), "customer")
    with installation.served() as served:
        yield served


def made(client: httpx2.Client, **form: str) -> str:
    """Make a token on the page; it stands there once."""
    answer = client.post("/profile/tokens/new", data={"name": "script", "days": "30", "per_minute": "300", **form})
    found = re.search(r"banyan_[\w-]{43}", answer.text)
    assert found, answer.text
    assert found[0] not in client.get("/profile").text
    return found[0]


def program(site: Site, token: str) -> httpx2.Client:
    client = site.client()
    client.headers["Authorization"] = f"Bearer {token}"
    return client


def names(client: httpx2.Client) -> set[str]:
    answer = client.get(API, params={"fields": "name"})
    assert answer.status_code == 200, answer.text
    return {item["name"] for item in answer.json()["items"]}


def figures(text: str) -> dict[tuple[str, str], float]:
    """Samples of the text format: (name, route or state or kind) to value, added up over the other labels."""
    found: dict[tuple[str, str], float] = {}
    for sample in (sample for family in text_string_to_metric_families(text) for sample in family.samples):
        label = sample.labels.get("route") or sample.labels.get("state") or sample.labels.get("kind") or ""
        found[sample.name, label] = found.get((sample.name, label), 0) + sample.value
    return found


def test_a_monitoring_program_reads_figures_that_name_no_record(site: Site) -> None:
    with site.signed_in("anna") as admin, site.signed_in("pinghu") as clerk:
        watching = program(site, made(admin, **{"may:core.metrics.view": "yes"}))
        assert admin.get("/crm_customers/customers/1").status_code == 200
        assert admin.get("/no/such/13800138000").status_code == 404
        answer = watching.get("/metrics")
        refused = [site.client().get("/metrics"), clerk.get("/metrics"), watching.get(API)]

    assert answer.headers["content-type"].startswith("text/plain; version=")
    seen = figures(answer.text)
    assert seen["banyan_request_seconds_count", "/crm_customers/customers/{id:int}"] == 1
    assert seen["banyan_request_seconds_count", "other"] >= 1
    assert seen["banyan_plugin", "ready"] >= 1
    assert seen["banyan_jobs", "done"] >= 0
    assert seen["banyan_processes", "web"] >= 1
    assert seen["process_resident_memory_bytes", ""] > 0
    assert "13800138000" not in answer.text
    assert [each.status_code for each in refused] == [401, 403, 403]


def test_a_token_may_no_more_than_it_says_and_its_owner_may(installation: Installation, site: Site) -> None:
    with site.signed_in("anna") as admin, site.signed_in("pinghu") as clerk:
        reading, clerks = program(site, made(admin, **{VIEW: "yes"})), program(site, made(clerk, **{VIEW: "yes"}))
        assert names(reading) == {"客户0", "客户1"}
        assert names(clerks) == {"客户1"}
        assert reading.post(MANAGERS, json={"code": "x", "name": "x"}).status_code == 403
        assert reading.get("/api/v1/core/users").status_code == 403
        installation.run("user", "disable", "pinghu")
        assert clerks.get(API).status_code == 401


def test_a_token_of_one_branch_sees_that_branch_only(site: Site) -> None:
    with site.signed_in("anna") as admin, site.signed_in("pinghu") as clerk:
        assert names(program(site, made(admin, branch="330481", **{VIEW: "yes"}))) == {"客户0"}
        foreign = {"name": "x", "days": "1", "per_minute": "9", "branch": "330481", VIEW: "yes"}
        assert clerk.post("/profile/tokens/new", data=foreign).status_code == 403


def test_a_token_is_refused_past_its_calls_per_minute(site: Site) -> None:
    with site.signed_in("anna") as admin:
        client = program(site, made(admin, per_minute="3", **{VIEW: "yes"}))
    answers = [client.get(API) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
    assert 0 < int(answers[-1].headers["retry-after"]) <= 61


def test_an_ended_token_is_refused_at_once_and_a_made_up_one_always(site: Site) -> None:
    with site.signed_in("anna") as admin:
        client = program(site, made(admin, **{VIEW: "yes"}))
        assert client.get(API).status_code == 200
        page = admin.get("/profile").text
        assert client.headers["Authorization"][7:20] in page
        assert admin.post(re.search(r'action="(/profile/tokens/\d+/end)"', page)[1]).status_code == 303
        assert client.get(API).status_code == 401
        assert program(site, "banyan_" + "A" * 43).get(API).status_code == 401


def test_a_token_is_no_session_and_a_session_no_token(site: Site) -> None:
    with site.signed_in("anna") as admin:
        token = made(admin, **{VIEW: "yes"})
        cookie = dict(admin.cookies)
        client = program(site, token)
        answer = client.get(API)
        assert "set-cookie" not in answer.headers
        assert client.get("/profile").status_code == 303
        for name, value in cookie.items():
            assert program(site, value).get(API).status_code == 401
            with site.client(cookies={name: token}) as browser:
                assert browser.get("/profile").status_code == 303
        # A wrong token is not made good by a session sent along.
        assert admin.get(API, headers={"Authorization": "Bearer banyan_wrong"}).status_code == 401


def test_what_a_program_changes_stands_in_the_trail_under_its_token(installation: Installation, site: Site) -> None:
    with site.signed_in("anna") as admin:
        token = made(admin, **{VIEW: "yes", EDIT: "yes"})
        client = program(site, token)
        record = client.get(API, params={"fields": "name", "limit": 1}).json()["items"][0]["id"]
        changed = client.patch(f"{API}/{record}", json={"occupation": "教师", "version": 1})
        assert changed.status_code == 200, changed.text
        assert token[:13] in admin.get("/audit").text


def test_only_the_hash_and_the_beginning_of_a_token_are_stored(installation: Installation, site: Site) -> None:
    with site.signed_in("anna") as admin:
        token = made(admin, **{VIEW: "yes"})
    with sqlite.connect(installation.folder / "banyan.db") as database:
        stored = repr(database.execute("SELECT * FROM core_api_token").fetchall())
    assert token[:13] in stored
    assert token[13:] not in stored
    assert token.encode() not in b"".join(file.read_bytes() for file in installation.folder.glob("*.log"))
