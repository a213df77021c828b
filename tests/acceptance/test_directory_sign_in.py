"""Signing in by the company's directory, from outside: a browser's way over HTTP, and a directory that answers."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from joserfc.jwk import RSAKey

from tests.acceptance.directory_server import CLIENT, SECRET, DirectoryServer, directory_server
from tests.acceptance.installation import Installation, Site

pytestmark = pytest.mark.feature("CO-05")
START, CALLBACK = "/login/directory", "/login/directory/callback"


@pytest.fixture(scope="module")
def served_directory() -> Iterator[DirectoryServer]:
    with directory_server() as server:
        yield server


@pytest.fixture
def directory(served_directory: DirectoryServer, monkeypatch: pytest.MonkeyPatch) -> DirectoryServer:
    monkeypatch.setattr(served_directory, "claims", {})
    return served_directory


@pytest.fixture(scope="module")
def site(module_installation: Installation, served_directory: DirectoryServer) -> Iterator[Site]:
    installation, directory = module_installation, served_directory
    known = {"ISSUER": directory.issuer, "CLIENT_ID": CLIENT, "CLIENT_SECRET": SECRET, "NAME": "集团账号"}
    installation.settings.update({f"BANYAN_DIRECTORY__{name}": value for name, value in known.items()})
    with installation.served() as served:
        yield served


def set_out(client: httpx2.Client, directory: DirectoryServer, target: str = "/crm_customers/customers") -> str:
    """Go to the directory; returns the state that comes back."""
    answer = client.get(START, params={"next": target})
    assert answer.status_code == 303, answer.text
    address = urlsplit(answer.headers["location"])
    asked = {name: values[0] for name, values in parse_qs(address.query).items()}
    assert f"{address.scheme}://{address.netloc}{address.path}" == f"{directory.issuer}/authorize"
    assert (asked["response_type"], asked["client_id"], asked["code_challenge_method"]) == ("code", CLIENT, "S256")
    assert asked["redirect_uri"] == f"{str(client.base_url).rstrip('/')}{CALLBACK}"
    directory.challenge, directory.nonce = asked["code_challenge"], asked["nonce"]
    return asked["state"]


def came_back(client: httpx2.Client, directory: DirectoryServer, **claims: object) -> httpx2.Response:
    """Go there and back with a token of these claims; ``code`` and ``state`` may be other ones."""
    state = str(claims.pop("state", None) or set_out(client, directory))
    directory.claims = {"preferred_username": "haining", **claims}
    return client.get(CALLBACK, params={"state": state, "code": "good"})


def test_who_has_an_account_is_in_and_lands_on_the_page_wanted(site: Site, directory: DirectoryServer) -> None:
    with site.client() as client:
        assert f'href="{START}?next=%2F"' in client.get("/login").text
        assert "集团账号" in client.get("/login").text
        answer = came_back(client, directory)
        assert (answer.status_code, answer.headers["location"]) == (303, "/crm_customers/customers")
        assert client.get("/").status_code == 200


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "of another sign-in"},
        {"nonce": None},
        {"aud": "another program"},
        {"aud": [CLIENT, "another program"], "azp": "another program"},
        {"iss": "http://127.0.0.1:1"},
        {"exp": 1_700_000_000},
        {"sub": None},
        {"state": "of another browser"},
        {"preferred_username": "nobody", "sub": "72"},
    ],
    ids=lambda claims: next(iter(claims)),
)
def test_an_answer_that_is_not_for_this_sign_in_opens_nothing(
    site: Site, directory: DirectoryServer, claims: dict[str, object]
) -> None:
    with site.client() as client:
        if "state" in claims:
            set_out(client, directory)
        answer = came_back(client, directory, **claims)
        assert answer.status_code in {401, 502}, answer.text
        assert "<form" in answer.text
        assert client.get("/").status_code == 303


def test_a_token_signed_by_somebody_else_opens_nothing(
    site: Site, directory: DirectoryServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(directory, "signing", RSAKey.generate_key(2048, {"kid": "one"}))
    with site.client() as client:
        assert came_back(client, directory).status_code == 502
        assert client.get("/").status_code == 303


def test_a_name_that_went_to_somebody_else_opens_no_account(
    module_installation: Installation, site: Site, directory: DirectoryServer
) -> None:
    def status(sub: str, username: str = "pinghu") -> int:
        with site.client() as client:
            return came_back(client, directory, sub=sub, preferred_username=username).status_code

    assert [status("52"), status("53"), status("52", "renamed")] == [303, 401, 303]
    module_installation.run("user", "unlink-directory", "pinghu")
    assert status("53") == 303


def test_an_account_that_is_off_stays_off(
    module_installation: Installation, site: Site, directory: DirectoryServer
) -> None:
    module_installation.run("user", "disable", "anna")
    with site.client() as client:
        assert came_back(client, directory, sub="62", preferred_username="anna").status_code == 401


def test_an_answer_is_good_once_and_for_the_browser_that_asked(site: Site, directory: DirectoryServer) -> None:
    with site.client() as client, site.client() as stranger:
        state = set_out(client, directory)
        assert came_back(stranger, directory, state=state).status_code == 401
        assert came_back(client, directory, state=state).status_code == 303
        client.post("/logout")
        assert came_back(client, directory, state=state).status_code == 401


def test_a_directory_that_is_another_one_leaves_passwords(
    site: Site, directory: DirectoryServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(directory, "facts", lambda: {"issuer": "https://somebody.example"})
    with site.client() as client:
        answer = client.get(START)
        assert answer.status_code == 502
        assert 'name="password"' in answer.text
