"""Running an installation: first and second start, health, the database gone, and two addresses in the settings."""

from __future__ import annotations

import json
import re
import subprocess
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from core.testing.fixtures import postgres_database, redis_database
from tests.acceptance.installation import COMMAND, PASSWORD, PATIENCE, ROOT, Installation, free_port
from tests.acceptance.test_core_files import POLICY, policy, written


def started(installation: Installation, port: int) -> tuple[str, str]:
    """Start everything with `banyan up`, without demonstration data, and stop it; returns what it said and answered."""
    command = [*COMMAND, "up", "--port", str(port), "--no-demo"]
    process = subprocess.Popen(
        command, env=installation.environment, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    said = []
    try:
        assert process.stdout is not None
        for line in process.stdout:
            said.append(line)
            if "Banyan is ready" in line:
                break
        answer = httpx2.get(f"http://127.0.0.1:{port}/login", timeout=PATIENCE).text
    finally:
        process.terminate()
        process.wait(40)
    return "".join(said) + (process.stdout.read() if process.stdout else ""), answer


def test_one_command_sets_up_an_empty_folder_and_a_second_start_goes_on_with_what_is_there(tmp_path: Path) -> None:
    made = Installation(tmp_path / "data")

    first, _ = started(made, free_port())
    made.run("branch", "add", "3304", "嘉兴", "--area-code", "0573")
    tables = made.contents()
    second, page = started(made, free_port())

    assert re.search(r"http://127\.0\.0\.1:\d+/first-admin/[\w-]{32}", first), first
    assert "Banyan is ready" in second
    assert "<form" in page
    changed = {name for name, rows in made.contents().items() if rows != tables[name]}
    assert changed <= {"core_setting", "core_schedule", "core_one_time_code", "core_audit_entry", "core_audit_head"}


def test_doctor_tells_for_people_and_machines_what_is_sound_and_what_is_not(installation: Installation) -> None:
    sound = json.loads(installation.run("doctor", "--json"))
    keys = installation.folder / "keys" / "vault.json"
    keys.chmod(0o644)
    open_to_others = json.loads(installation.run("doctor", "--json", status=(0, 1)))
    keys.chmod(0o600)
    (installation.folder / "banyan.db").rename(installation.folder / "elsewhere.db")
    for rest in installation.folder.glob("banyan.db-*"):
        rest.unlink()
    text = Installation(installation.folder, {"LC_ALL": "C.UTF-8"}).run("doctor", status=(0, 1))

    assert sound["ok"], sound
    assert {"python", "sqlite", "database", "keys", "disk", "broker", "jobs.lag", "plugin.crm_customers"} <= {
        check["id"] for check in sound["checks"]
    }
    assert [check["id"] for check in open_to_others["checks"] if not check["ok"]] == ["keys"]
    assert "FAIL database" in text


def test_readiness_ends_with_the_database_while_the_process_lives(installation: Installation) -> None:
    with installation.served() as site:
        before = [httpx2.get(f"{site.url}/{path}").status_code for path in ("livez", "readyz")]
        (installation.folder / "banyan.db").write_bytes(b"not a database any more" * 1000)
        gone = [httpx2.get(f"{site.url}/{path}", timeout=PATIENCE).status_code for path in ("livez", "readyz")]

    assert before == [200, 200]
    assert gone == [200, 503]


@pytest.mark.services
def test_two_addresses_in_the_settings_file_are_all_that_leaves_the_embedded_defaults(tmp_path: Path) -> None:
    with contextmanager(postgres_database)() as url, contextmanager(redis_database)() as broker:
        settings = tmp_path / "config.toml"
        settings.write_text(f'[database]\nurl = "{url}"\n[broker]\nurl = "{broker}"\n', "utf-8")
        made = Installation(tmp_path / "data", {"BANYAN_CONFIG": str(settings)})
        made.run("init")
        made.run("branch", "add", "3304", "嘉兴", "--area-code", "0573")
        person = ("haining", "--role", "branch_manager", "--branch", "3304", "--password-stdin")
        made.run("user", "add", *person, typed=PASSWORD)
        row = policy("P1", "陈美芳", "100", "2026-01-01", "2026-12-31", "嘉兴")
        report = made.load(written(tmp_path / "保单.csv", POLICY, row), "policy")
        checks = {check["id"]: check["text"] for check in json.loads(made.run("doctor", "--json"))["checks"]}
        with made.served() as site, site.signed_in("haining") as client:
            page = client.get("/crm_customers/customers").text

    assert report["new"] == 1
    assert "陈美芳" in page
    assert checks["database"].startswith("postgresql")
    assert "redis" in checks["broker"].lower() or "Transport" in checks["broker"]
    assert not (tmp_path / "data" / "banyan.db").exists()


@pytest.mark.parametrize(("trusted", "noted"), [("", "127.0.0.1"), ("127.0.0.1,10.0.0.0/8", "203.0.113.9")])
def test_who_calls_is_taken_from_a_proxy_that_is_trusted_and_from_nobody_else(
    installation: Installation, trusted: str, noted: str
) -> None:
    installation.settings["BANYAN_SERVER__TRUSTED_PROXIES"] = trusted
    with installation.served() as site, site.client() as stranger:
        wrong = {"username": "anna", "password": "guess"}
        answer = stranger.post("/login", data=wrong, headers={"X-Forwarded-For": "203.0.113.9, 10.1.2.3"})
        assert answer.status_code == 401

    refused = [row for row in installation.contents()["core_audit_entry"] if "login.refused" in str(row)]
    assert [noted in str(row) for row in refused] == [True]


def test_a_wrong_proxy_address_is_named(installation: Installation) -> None:
    installation.settings["BANYAN_SERVER__TRUSTED_PROXIES"] = "proxy.internal"

    said = installation.run("branch", "list", status=1)

    assert "server.trusted_proxies" in said
    assert "proxy.internal" in said
