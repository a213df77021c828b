"""Backup and restore by command: every table and file equal, nothing touched unless all is sound and meant."""

from __future__ import annotations

import csv
import json
import re
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from zipfile import ZipFile

import pytest

from core.testing.fixtures import postgres_database
from tests.acceptance.installation import PASSWORD, Installation

pytestmark = pytest.mark.proof

HEAD = ("保单号", "投保人", "被保险人", "签单保费", "签单日期", "保险起期", "保险止期", "险类", "出单机构")
Pair = tuple[Installation, Installation]


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of an embedded installation with people and imported policies; copied, never used itself."""
    folder = tmp_path_factory.mktemp("sample")
    filled(Installation(folder / "data"), folder)
    return folder / "data"


@pytest.fixture
def embedded(sample: Path, tmp_path: Path) -> Pair:
    """A copy of the sample, and an empty place."""
    return Installation(Path(shutil.copytree(sample, tmp_path / "old"))), Installation(tmp_path / "new")


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.services)])
def pair(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Pair]:
    """The same on both kinds of database."""
    if request.param == "sqlite":
        yield request.getfixturevalue("embedded")
        return
    with ExitStack() as left:
        urls = [left.enter_context(contextmanager(postgres_database)()) for _ in range(2)]
        old, new = (
            Installation(tmp_path / name, {"BANYAN_DATABASE__URL": url}) for name, url in zip("on", urls, strict=True)
        )
        filled(old, tmp_path)
        yield old, new


def filled(made: Installation, folder: Path) -> None:
    made.run("init")
    made.run("branch", "add", "3304", "嘉兴", "--area-code", "0573")
    made.run("user", "add", "anna", "--role", "admin", "--password-stdin", typed=PASSWORD)
    file = folder / "policies.csv"
    with file.open("w", encoding="utf-8", newline="") as target:
        rows = [
            (f"P{n}", f"张{n}", f"张{n}", "100", "2026-01-01", "2026-01-01", "2026-12-31", "商业险", "嘉兴")
            for n in range(40)
        ]
        csv.writer(target).writerows([HEAD, *rows])
    made.load(file, "policy")


def keys_of(made: Installation, folder: Path) -> Path:
    made.run("backup", "--keys", folder / "keys-copy.json")
    return folder / "keys-copy.json"


@pytest.mark.feature("CO-13")
def test_every_table_and_file_is_equal_after_restoring_into_an_empty_system(pair: Pair, tmp_path: Path) -> None:
    old, new = pair
    keys = keys_of(old, tmp_path)
    made = json.loads(old.run("backup", tmp_path / "one.zip", "--json"))
    before = {model: old.rows(model) for model in ("crm_customers.customer", "crm_customers.policy")}

    new.run("restore", tmp_path / "one.zip", "--keys", keys)

    # A second backup reads the restored tables anew; only the line that tells of it is added.
    again = json.loads(new.run("backup", tmp_path / "two.zip", "--json"))
    audit = {"core_audit_entry", "core_audit_head", "sqlite_sequence"}
    assert len(made["tables"]) > 40
    assert {name: total for name, total in again["tables"].items() if name not in audit} == {
        name: total for name, total in made["tables"].items() if name not in audit
    }
    assert rows(again, "core_audit_entry") == rows(made, "core_audit_entry") + 1
    files = {name: digest for name, digest in made["parts"].items() if name.startswith("files/")}
    assert files
    assert files.items() <= again["parts"].items()
    assert {model: new.rows(model) for model in before} == before
    checks = {check["id"]: check["ok"] for check in new.json("doctor")["checks"]}
    assert checks["database"]
    assert checks["keys"]


@pytest.mark.feature("CO-13")
def test_what_is_there_is_replaced_only_when_its_name_is_typed_and_is_set_aside(pair: Pair, tmp_path: Path) -> None:
    old, _ = pair
    old.run("backup", tmp_path / "one.zip")
    old.run("user", "add", "late", "--password-stdin", typed=PASSWORD)
    name = old.folder.name
    if "BANYAN_DATABASE__URL" in old.settings:
        name = old.settings["BANYAN_DATABASE__URL"].rpartition("/")[2]

    assert "has people in it" in old.run("restore", tmp_path / "one.zip", status=1)
    assert "not the name" in old.run("restore", tmp_path / "one.zip", "--replace", status=1, typed="no\n")
    assert "late" in old.run("user", "list")
    old.run("restore", tmp_path / "one.zip", "--replace", typed=f"{name}\n")

    assert "late" not in old.run("user", "list")
    assert list((old.folder / "backups").glob("replaced_*/files"))


@pytest.mark.feature("CO-13")
def test_a_damaged_backup_is_refused_and_changes_nothing(embedded: Pair, tmp_path: Path) -> None:
    old, new = embedded
    keys, sound = keys_of(old, tmp_path), tmp_path / "one.zip"
    old.run("backup", sound)
    content = bytearray(sound.read_bytes())
    for place in range(100, len(content) - 100, len(content) // 4):
        flipped = bytearray(content)
        flipped[place] ^= 4
        (tmp_path / "bad.zip").write_bytes(flipped)
        accepted = old.run("restore", tmp_path / "bad.zip", "--check", status=(0, 1))
        # A flipped bit in a time or attribute of the archive itself changes no content.
        assert not accepted or same_content(sound, tmp_path / "bad.zip")
    (tmp_path / "short.zip").write_bytes(content[: len(content) // 2])

    message = new.run("restore", tmp_path / "short.zip", "--keys", keys, status=1)

    assert "damaged" in message
    assert "Traceback" not in message
    assert not (new.folder / "banyan.db").exists()


@pytest.mark.feature("CO-13")
def test_a_changed_value_in_the_database_of_a_backup_is_found(embedded: Pair, tmp_path: Path) -> None:
    old, new = embedded
    keys = keys_of(old, tmp_path)
    old.run("backup", tmp_path / "one.zip")
    with ZipFile(tmp_path / "one.zip") as source, ZipFile(tmp_path / "bad.zip", "w") as target:
        for name in source.namelist():
            content = source.read(name)
            if name == "database.db":
                content = content.replace("张7".encode(), "李7".encode())
            target.writestr(name, content)

    message = new.run("restore", tmp_path / "bad.zip", "--keys", keys, status=1)

    assert "database.db" in message
    assert not (new.folder / "banyan.db").exists()


@pytest.mark.feature("CO-13")
def test_keys_are_no_part_of_a_backup_and_others_do_not_open_it(embedded: Pair, tmp_path: Path) -> None:
    old, new = embedded
    keys = keys_of(old, tmp_path)
    old.run("backup", tmp_path / "one.zip")
    secret = json.loads(keys.read_text())["index"].encode()
    with ZipFile(tmp_path / "one.zip") as archive:
        assert not any(secret in archive.read(name) for name in archive.namelist())

    assert "keys of this backup are missing" in new.run("restore", tmp_path / "one.zip", status=1)
    new.run("init")
    assert "keys of this backup are missing" in new.run("restore", tmp_path / "one.zip", status=1)
    new.run("restore", tmp_path / "one.zip", "--keys", keys)

    assert keys.stat().st_mode & 0o077 == 0
    assert json.loads((new.folder / "keys" / "vault.json").read_text()) == json.loads(keys.read_text())


@pytest.mark.feature("CO-13")
def test_a_backup_is_made_while_people_work_and_is_not_restored_under_them(pair: Pair, tmp_path: Path) -> None:
    old, new = pair
    keys = keys_of(old, tmp_path)
    new.run("init")
    with old.served() as site, site.signed_in("anna") as client:
        old.run("backup", tmp_path / "one.zip")
        assert client.get("/crm_customers/customers").status_code == 200
    with new.served() as site:
        site.client().get("/login")
        assert "in use" in new.run("restore", tmp_path / "one.zip", "--keys", keys, status=1)

    new.run("restore", tmp_path / "one.zip", "--keys", keys)

    assert "anna" in new.run("user", "list")


def test_tables_behind_the_code_are_backed_up_before_an_upgrade(embedded: Pair) -> None:
    old, _ = embedded
    from core.db.sqlite import dbapi2

    with dbapi2.connect(old.folder / "banyan.db") as database:
        database.execute("DROP TABLE core_search")
        for name in ("update", "delete"):
            database.execute(f"DROP TRIGGER core_audit_entry_{name}")
        database.execute("UPDATE alembic_version_core SET version_num = '0001_initial'")
    database.close()

    assert re.search(r"core: 0001_initial -> 0002", old.run("db", "upgrade"))

    (made,) = (old.folder / "backups").glob("before-upgrade-*.zip")
    manifest = json.loads(old.run("restore", made, "--check", "--json"))
    assert manifest["revisions"]["core"] == "0001_initial"
    assert rows(manifest, "crm_customers_policy") == 40


def rows(manifest: dict[str, dict[str, str]], table: str) -> int:
    return int(manifest["tables"][table].split()[0])


def same_content(one: Path, other: Path) -> bool:
    with ZipFile(one) as first, ZipFile(other) as second:
        return {name: first.read(name) for name in first.namelist()} == {
            name: second.read(name) for name in second.namelist()
        }
