"""Tags, notes and attachments from outside: on every record, only for who sees it, nothing that a browser would run."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.acceptance.installation import PASSWORD, Installation, Site
from tests.acceptance.test_bulk_actions import LIST, MODEL, customers, finished, numbers

PDF = b"%PDF-1.7\n" + bytes(range(256)) * 40


@pytest.fixture(scope="module")
def office(module_installation: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Customers of one branch and a reader of it, served."""
    made = module_installation
    made.load(customers(tmp_path_factory.mktemp("files") / "customers.csv", 12), "customer")
    made.run("user", "add", "rita", "--role", "reader", "--branch", "330481", "--password-stdin", typed=PASSWORD)
    with made.served() as site:
        yield site


def record(client: httpx2.Client) -> str:
    return re.findall(rf'href="{LIST}/(\d+)"', client.get(LIST).text)[0]


@pytest.mark.feature("EX-16", "EX-17")
def test_tags_stand_on_the_record_in_the_list_in_filters_and_in_bulk(
    office: Site, module_installation: Installation
) -> None:
    with office.signed_in("haining") as client:
        own = f"/records/{MODEL}/{record(client)}"
        assert client.post(f"{own}/tags", data={"tag": " 要  续保 "}).status_code == 303
        assert "要 续保" in client.get(f"{own}/annotations").text
        assert f'hx-get="{own}/annotations"' in client.get(f"{LIST}/{record(client)}").text
        assert client.get(f'{LIST}?q=tag:"要 续保"&columns=name,tags').text.count("要 续保</td>") == 1

        data = {"action": "core.tag", "all_matching": "yes", "input_tag": "要 续保"}
        run = client.post(f"{LIST}/bulk/run", data=data).headers["location"]
        page = finished(client, run)
        assert (numbers(page)["Changed"], numbers(page)["Already so"]) == ("11", "1")
        assert len(module_installation.rows(MODEL, "number", 'tag:"要 续保"')) == 12
        client.post(f"{run}/undo")
        assert numbers(finished(client, run))["Taken back"] == "11"
        assert len(module_installation.rows(MODEL, "number", 'tag:"要 续保"')) == 1
        client.post(f"{own}/tags", data={"remove": "要 续保"})
        assert module_installation.rows(MODEL, "number", "-tag:empty") == []
        assert client.post(f"{own}/tags", data={"tag": "x" * 41}).status_code == 422


def test_notes_are_written_shown_as_text_and_deleted_by_their_author_only(office: Site) -> None:
    with office.signed_in("haining") as client, office.signed_in("city") as other:
        own = f"/records/{MODEL}/{record(client)}"
        client.post(f"{own}/notes", data={"text": 'ring after six\n"><svg onload=x>'})
        page = client.get(f"{own}/annotations").text
        assert "ring after six" in page
        assert "<svg onload" not in page
        number = re.findall(rf"{own}/notes/(\d+)/delete", page)[0]
        assert other.post(f"{own}/notes/{number}/delete").status_code == 404
        assert client.post(f"{own}/notes/{number}/delete").status_code == 303
        assert "ring after six" not in client.get(f"{own}/annotations").text


def test_a_file_comes_back_as_it_was_as_a_download_that_nothing_renders(office: Site) -> None:
    with office.signed_in("haining") as client:
        own = f"/records/{MODEL}/{record(client)}"
        answer = client.post(f"{own}/attachments", files={"file": ("../身份 证.PDF", PDF)})
        assert answer.status_code == 303
        address, name = re.findall(
            rf'href="({own}/attachments/\d+)" download>([^<]+)', client.get(f"{own}/annotations").text
        )[0]
        got = client.get(address)

        assert name == "身份 证.PDF"
        assert hashlib.sha256(got.content).digest() == hashlib.sha256(PDF).digest()
        assert got.headers["content-disposition"].startswith("attachment;")
        assert got.headers["x-content-type-options"] == "nosniff"
        assert "sandbox" in got.headers["content-security-policy"]
        assert client.post(f"{address}/delete").status_code == 303
        assert client.get(address).status_code == 404


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("page.html", b"<script>alert(1)</script>"),
        ("picture.svg", b"<svg onload='x'/>"),
        ("macro.xlsm", b"PK\x03\x04"),
        ("program.exe", b"MZ"),
        ("bill.pdf", b"<html>"),
        ("list.csv", b"a\0b"),
        ("empty.pdf", b""),
        ("large.pdf", b"%PDF-" + bytes(20 << 20)),
    ],
)
def test_what_could_run_or_lies_or_is_too_large_is_refused(office: Site, name: str, content: bytes) -> None:
    with office.signed_in("haining") as client:
        own = f"/records/{MODEL}/{record(client)}"
        assert client.post(f"{own}/attachments", files={"file": (name, content)}).status_code == 422
        assert name not in client.get(f"{own}/annotations").text


@pytest.mark.feature("CO-06")
def test_another_branch_reaches_nothing_of_a_record_and_a_reader_only_looks(
    office: Site, module_installation: Installation
) -> None:
    with office.signed_in("haining") as client:
        own = f"/records/{MODEL}/{record(client)}"
        client.post(f"{own}/attachments", files={"file": ("a.pdf", PDF)})
        address = re.findall(rf'href="({own}/attachments/\d+)"', client.get(f"{own}/annotations").text)[0]
    sent = [
        ("tags", {"tag": "x"}),
        ("notes", {"text": "x"}),
        ("attachments", {}),
        (f"attachments/{address[-1]}/delete", {}),
    ]
    with office.signed_in("pinghu") as client:
        assert {client.get(each).status_code for each in (f"{own}/annotations", address)} == {404}
        assert {client.post(f"{own}/{path}", data=data).status_code for path, data in sent} == {404}
    with office.signed_in("rita") as client:
        assert {client.get(each).status_code for each in (f"{own}/annotations", address)} == {200}
        assert {client.post(f"{own}/{path}", data=data).status_code for path, data in sent} == {403}
        assert "<form" not in client.get(f"{own}/annotations").text
    with office.signed_in("anna") as client:
        assert client.get("/records/core.user/1/annotations").status_code == 404
    actions = {row["action"] for row in module_installation.rows("core.audit", "action")}
    assert {"attachment.added", "attachment.read"} <= actions


def test_attachments_are_part_of_a_backup(office: Site, module_installation: Installation, tmp_path: Path) -> None:
    with office.signed_in("haining") as client:
        content = PDF + b"for the backup"
        client.post(f"/records/{MODEL}/{record(client)}/attachments", files={"file": ("b.pdf", content)})
    made = module_installation.json("backup", tmp_path / "one.zip")

    assert hashlib.sha256(content).hexdigest() in {name.rpartition("/")[2] for name in made["parts"]}
