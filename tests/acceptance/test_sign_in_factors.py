"""The second factor and running sessions, from outside: browser forms over HTTP, and the command line."""

from __future__ import annotations

import base64
import html
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
import segno
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from tests.acceptance.installation import PASSWORD, Installation, Site

pytestmark = pytest.mark.feature("CO-05")
FACTOR = "/profile/second-factor"
TOTP_FACTS = {"algorithm": ["SHA1"], "digits": ["6"], "period": ["30"]}


def code_of(secret: str, steps: int = 0) -> str:
    """What an authenticator app shows now, or some steps of 30 s later."""
    generator = TOTP(base64.b32decode(secret), 6, SHA1(), 30)
    return generator.generate(int(time.time()) + 30 * steps).decode()


def hidden(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found, page[:800]
    return found[1]


def set_up(client: httpx2.Client) -> tuple[str, list[str]]:
    """Set a second factor up; returns its secret and the recovery codes."""
    page = client.get(FACTOR).text
    secret = re.search(r'<code id="secret">([A-Z2-7 ]+)</code>', page)[1].replace(" ", "")
    form = {"offer": hidden(page, "offer"), "code": code_of(secret), "present": PASSWORD}
    answer = client.post(FACTOR, data=form)
    assert answer.status_code == 200, answer.text
    codes = re.findall(r"<li><code>([a-z2-7-]{19})</code>", answer.text)
    assert len(set(codes)) == 10
    return secret, codes


def first_step(client: httpx2.Client, username: str = "haining") -> str:
    client.cookies.clear()
    answer = client.post("/login", data={"username": username, "password": PASSWORD})
    assert answer.status_code == 200
    assert not answer.cookies
    return hidden(answer.text, "ticket")


def second_step(client: httpx2.Client, ticket: str, code: str) -> int:
    return client.post("/login/second", data={"ticket": ticket, "code": code}).status_code


@contextmanager
def with_factor(site: Site) -> Iterator[tuple[str, list[str]]]:
    with site.signed_in("haining") as client:
        yield set_up(client)


def test_a_password_alone_opens_nothing_once_a_second_factor_is_set_up(site: Site) -> None:
    with with_factor(site) as (secret, _), site.client() as client:
        ticket = first_step(client)
        assert client.get("/").status_code == 303
        assert second_step(client, ticket, "000000") == 401
        assert second_step(client, ticket, code_of(secret, 1)) == 303
        assert client.get("/").status_code == 200


def test_the_picture_holds_the_address_that_the_app_reads(site: Site) -> None:
    with site.signed_in("haining") as client:
        page = client.get(FACTOR).text

    address = html.unescape(re.search(r'href="(otpauth://[^"]+)"', page)[1])
    secret = re.search(r'<code id="secret">([A-Z2-7 ]+)</code>', page)[1].replace(" ", "")
    assert parse_qs(urlsplit(address).query) == {"secret": [secret], "issuer": ["Banyan"], **TOTP_FACTS}
    drawn = re.search(r'<svg[^>]*class="qr".*?</svg>', page, re.DOTALL)[0]
    lines = re.findall(r'd="([^"]+)"', drawn)
    assert lines == re.findall(r'd="([^"]+)"', segno.make_qr(address, error="m").svg_inline(border=4, light="#fff"))


def test_each_code_signs_in_once(site: Site) -> None:
    with with_factor(site) as (secret, recovery), site.client() as client:
        # The code that confirmed the set-up counts as used.
        assert second_step(client, first_step(client), code_of(secret)) == 401
        later = code_of(secret, 1)
        assert second_step(client, first_step(client), later) == 303
        assert second_step(client, first_step(client), later) == 401
        assert second_step(client, first_step(client), recovery[0]) == 303
        assert second_step(client, first_step(client), recovery[0]) == 401


def test_five_wrong_codes_close_the_second_step_for_a_while(site: Site) -> None:
    with with_factor(site) as (secret, _), site.client() as client:
        ticket = first_step(client)
        assert [second_step(client, ticket, f"00000{n}") for n in range(5)] == [401] * 5
        refused = client.post("/login/second", data={"ticket": ticket, "code": code_of(secret, 1)})
        assert refused.status_code == 429
        assert 0 < int(refused.headers["retry-after"]) <= 901


def test_a_ticket_cannot_be_made_up_or_used_after_the_password_changed(installation: Installation, site: Site) -> None:
    with with_factor(site) as (_, recovery), site.client() as client:
        ticket = first_step(client)
        assert second_step(client, ticket[:-8] + "AAAAAAA=", recovery[0]) == 401
        installation.run("user", "password", "haining", "--password-stdin", typed="four brown horses\n")
        assert second_step(client, ticket, recovery[0]) == 401


def test_no_secret_and_no_recovery_code_stands_in_the_database(installation: Installation, site: Site) -> None:
    with with_factor(site) as (secret, recovery):
        stored = b"".join(file.read_bytes() for file in installation.folder.glob("banyan.db*"))
        for kept in (secret, base64.b32decode(secret), *recovery, *(code.replace("-", "") for code in recovery)):
            assert (kept if isinstance(kept, bytes) else kept.encode()) not in stored


def test_a_role_that_needs_it_goes_nowhere_else_before_it_is_set_up(site: Site) -> None:
    with site.signed_in("anna") as admin, site.signed_in("haining") as manager:
        assert admin.post("/second-factor", data={"role:branch_manager": "yes"}).status_code == 303
        refused = manager.get("/crm_customers/customers")
        assert (refused.status_code, refused.headers["location"]) == (303, FACTOR)
        assert manager.post("/profile/password").headers["location"] == FACTOR
        assert manager.get("/api/v1/crm_customers/customers").status_code == 403
        set_up(manager)
        assert manager.get("/crm_customers/customers").status_code == 200


def test_an_administrator_resets_a_lost_one_and_the_trail_says_so(site: Site) -> None:
    with with_factor(site), site.signed_in("anna") as admin, site.client() as client:
        people = admin.get("/users").text
        place = re.search(r'href="(/users/\d+)"[^>]*>Haining', people)[1]
        assert "Reset the second factor" in admin.get(place).text
        assert admin.post(f"{place}/second-factor/end").status_code == 303
        assert client.post("/login", data={"username": "haining", "password": PASSWORD}).status_code == 303
        trail = admin.get("/audit").text
        assert "Second factor taken away" in trail
        assert "Second factor set up" in trail


def test_a_clerk_resets_nobodys(site: Site) -> None:
    with with_factor(site), site.signed_in("pinghu") as clerk:
        for user_id in range(1, 6):
            assert clerk.post(f"/users/{user_id}/second-factor/end").status_code == 403


def test_the_command_line_resets_a_lost_one(installation: Installation, site: Site) -> None:
    with with_factor(site), site.client() as client:
        installation.run("user", "reset-second-factor", "haining")
        assert client.post("/login", data={"username": "haining", "password": PASSWORD}).status_code == 303


def test_signing_out_everywhere_ends_every_browser_and_an_administrator_can_do_it_too(site: Site) -> None:
    with site.signed_in("haining") as here, site.signed_in("haining") as there, site.signed_in("anna") as admin:
        assert here.get("/profile").text.count('action="/profile/sessions/') == 3
        assert here.post("/profile/sessions/end").status_code == 303
        assert here.get("/").status_code == there.get("/").status_code == 303
        with site.signed_in("haining") as again:
            place = re.search(r'href="(/users/\d+)"[^>]*>Haining', admin.get("/users").text)[1]
            one = re.search(rf'action="({place}/sessions/\d+/end)"', admin.get(place).text)[1]
            assert again.post(one.replace("/users/", "/users/9")).status_code in {403, 404}
            assert admin.post(one).status_code == 303
            assert again.get("/").status_code == 303


def test_nobody_ends_sessions_of_people_with_more_rights(site: Site) -> None:
    with site.signed_in("anna") as admin, site.signed_in("haining") as manager:
        place = re.search(r'href="(/users/\d+)"[^>]*>Anna', admin.get("/users").text)[1]
        assert manager.post(f"{place}/sessions/end").status_code == 403
        assert admin.get("/").status_code == 200


def test_a_new_password_ends_the_other_browsers(site: Site) -> None:
    form = {"present": PASSWORD, "password": "four brown horses", "again": "four brown horses"}
    with site.signed_in("haining") as here, site.signed_in("haining") as there:
        assert here.post("/profile/password", data=form).status_code == 303
        assert there.get("/").status_code == 303
