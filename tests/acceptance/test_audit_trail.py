"""The audit trail from outside: tampering is found and named, a value is restored from a line."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from core.db.sqlite import dbapi2 as sqlite
from tests.acceptance.installation import Installation
from tests.acceptance.test_core_files import CUSTOMER, written

pytestmark = pytest.mark.feature("EX-18")
CUSTOMERS = "/crm_customers/customers"


def tamper(installation: Installation, statement: str) -> None:
    """Change the table as the owner of the database could."""
    with sqlite.connect(installation.folder / "banyan.db") as database:
        for name in ("update", "delete"):
            database.execute(f"DROP TRIGGER core_audit_entry_{name}")
        assert database.execute(statement).rowcount > 0


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        ("UPDATE core_audit_entry SET action = 'nothing' WHERE id = {id}", "line {id} of .*: was altered"),
        ("UPDATE core_audit_entry SET actor_name = 'x' WHERE id = {id}", "line {id} of .*: was altered"),
        (
            "DELETE FROM core_audit_entry WHERE id = {id}",
            "line {next} .*: does not follow .*missing before it: {id}",
        ),
        (
            "INSERT INTO core_audit_entry SELECT {inserted}, at, actor_id, actor_name, branch_id, action, model,"
            " row_id, detail, request_id, previous_hash, hash FROM core_audit_entry WHERE id = {id}",
            "line {inserted} of .*: does not follow",
        ),
        ("DELETE FROM core_audit_entry WHERE id > {id}", "the trail of .*: does not end where it should"),
    ],
)
def test_what_was_done_to_the_trail_is_found_and_named(installation: Installation, statement: str, named: str) -> None:
    with sqlite.connect(installation.folder / "banyan.db") as database:
        numbers = [number for (number,) in database.execute("SELECT id FROM core_audit_entry ORDER BY id")]
    facts = {"id": numbers[-3], "next": numbers[-2], "inserted": numbers[-1] + 1}

    tamper(installation, statement.format(**facts))

    assert re.search(named.format(**facts), installation.run("audit", "verify", status=1))


def test_an_end_cut_off_together_with_its_record_is_found_by_an_anchor(
    installation: Installation, tmp_path: Path
) -> None:
    anchor = tmp_path / "anchor.json"
    anchor.write_text(installation.run("audit", "anchor"), "utf-8")
    assert json.loads(anchor.read_text("utf-8"))
    tamper(installation, "DELETE FROM core_audit_entry")
    with sqlite.connect(installation.folder / "banyan.db") as database:
        database.execute("DELETE FROM core_audit_head")

    assert "is sound: 0 lines" in installation.run("audit", "verify")
    assert "ends before the anchored line" in installation.run("audit", "verify", "--anchor", anchor, status=1)


def test_a_value_is_restored_from_a_line_and_that_is_a_line_too(installation: Installation, tmp_path: Path) -> None:
    rows = [("K1", "陈美芳", "个人", "", "", "", "海宁")]
    installation.load(written(tmp_path / "客户.csv", CUSTOMER, *rows), "customer")
    with installation.served() as site, site.signed_in("haining") as manager, site.signed_in("pinghu") as clerk:
        record = manager.get(f"/api/v1{CUSTOMERS}").json()["items"][0]["id"]
        for version, job in enumerate(("教师", "医生"), 1):
            body = {"occupation": job, "version": version}
            assert manager.patch(f"/api/v1{CUSTOMERS}/{record}", json=body).status_code == 200
        line = re.search(r'href="/audit/(\d+)"', manager.get("/audit?action=customer.changed").text)[1]
        page = manager.get(f"/audit/{line}").text
        assert "教师" in page
        assert "医生" in page
        restore = f"/audit/{line}/restore/occupation"
        assert restore in page
        assert clerk.get(f"/audit/{line}").status_code == 403
        assert clerk.post(restore).status_code == 403
        assert manager.post(f"/audit/{line}/restore/name").status_code == 404

        assert manager.post(restore).status_code == 303

        assert manager.get(f"/api/v1{CUSTOMERS}/{record}").json()["occupation"] == "教师"
        assert "Value restored" in manager.get("/audit").text
    assert "is sound" in installation.run("audit", "verify")
