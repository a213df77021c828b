"""Archives of plugins: byte-equal on PostgreSQL too, with the files attached to records, numbers never given twice."""

import hashlib
import shutil
from contextlib import closing
from pathlib import Path
from zipfile import ZipFile

import psycopg
import pytest

from core.db.sqlite import dbapi2
from core.testing.fixtures import postgres_database
from tests.acceptance import shop
from tests.acceptance.installation import Installation

pytestmark = [pytest.mark.feature("CO-09"), pytest.mark.proof]
TEXT = b"the terms of the order"
NAME = hashlib.sha256(TEXT).hexdigest()


@pytest.fixture
def installed(template: Path, tmp_path: Path) -> Installation:
    """An installation with the shop 1.0, some orders, and a file attached to the first."""
    installation = Installation(Path(shutil.copytree(template, tmp_path / "data")))
    shop.lay_out(installation, "1.0")
    installation.run("plugin", "install", "dummy_shop", "--yes")
    shop.fill(installation)
    file = stored(installation)
    file.parent.mkdir(parents=True)
    file.write_bytes(TEXT)
    with database(installation) as connection, connection:
        connection.execute(
            "INSERT INTO core_attachment (model, row_id, name, kind, size, sha256, author_id, at) "
            "VALUES ('dummy_shop.order', 1, 'terms.txt', 'text/plain', ?, ?, 1, '2026-03-04 05:06:07')",
            (len(TEXT), NAME),
        )
    return installation


def database(installation):
    return closing(dbapi2.connect(str(installation.folder / "banyan.db")))


def stored(installation):
    return installation.folder / "files" / NAME[:2] / NAME


def test_files_attached_to_records_go_along_and_come_back(installed):
    before = installed.contents()["core_attachment"]

    installed.run("plugin", "uninstall", "dummy_shop", "--archive", "--yes")
    (archive,) = (installed.folder / "archives").glob("dummy_shop-*.zip")
    between = installed.contents()["core_attachment"]
    stored(installed).unlink()
    installed.run("plugin", "restore", "dummy_shop", "--yes")

    with ZipFile(archive) as bundle:
        assert bundle.read(f"files/{NAME}") == TEXT
    assert (len(before), between) == (1, [])
    assert installed.contents()["core_attachment"] == before
    assert stored(installed).read_bytes() == TEXT


def test_a_damaged_file_in_an_archive_is_refused_and_nothing_is_changed(installed):
    installed.run("plugin", "uninstall", "dummy_shop", "--archive", "--yes")
    (archive,) = (installed.folder / "archives").glob("dummy_shop-*.zip")
    with ZipFile(archive) as bundle:
        parts = {name: bundle.read(name) for name in bundle.namelist()}
    with ZipFile(archive, "w") as bundle:
        for name, content in parts.items():
            bundle.writestr(name, content + b"!" if name.startswith("files/") else content)

    said = installed.run("plugin", "restore", "dummy_shop", "--yes", status=1)

    assert "is damaged" in said
    assert installed.contents()["core_attachment"] == []


def test_numbers_go_on_after_a_restore_even_those_of_deleted_rows(installed):
    with database(installed) as connection, connection:
        connection.execute("DELETE FROM dummy_shop_line")
        connection.execute("DELETE FROM dummy_shop_order WHERE id > 2")

    installed.run("plugin", "uninstall", "dummy_shop", "--archive", "--yes")
    installed.run("plugin", "restore", "dummy_shop", "--yes")

    with database(installed) as connection, connection:
        new = "INSERT INTO dummy_shop_order (name, branch_id) VALUES ('new', 1) RETURNING id"
        (number,) = connection.execute(new).fetchone()
        new = "INSERT INTO dummy_shop_line (order_id, text) VALUES (?, 'x') RETURNING id"
        (line,) = connection.execute(new, (number,)).fetchone()
    assert (number, line) == (7, 7)


@pytest.mark.services
def test_on_postgresql_an_archive_comes_back_byte_by_byte(tmp_path):
    for url in postgres_database():
        installation = Installation(tmp_path / "data", {"BANYAN_DATABASE__URL": url})
        installation.folder.mkdir()
        shop.lay_out(installation, "1.0")
        installation.run("init")
        installation.run("branch", "add", "3304", "嘉兴", "--area-code", "0573")
        installation.run("plugin", "install", "dummy_shop", "--yes")
        with psycopg.connect(url) as connection:
            connection.execute(
                "INSERT INTO dummy_shop_order (name, amount, at, facts, seal, branch_id) SELECT '订单' || n, n * 100, "
                "'2026-03-04 05:06:07.123456+00', jsonb_build_object('n', n, 'text', '\"1\"'), '\\x00ff', 1 "
                "FROM generate_series(1, 2500) n"
            )
            connection.execute("INSERT INTO dummy_shop_order (name, branch_id, facts) VALUES ('x''\"%\\', 1, '\"1\"')")
            lines = "INSERT INTO dummy_shop_line (order_id, above_id, text) VALUES (1, 2, E'a\\n'), (2, 1, '')"
            connection.execute(lines)
            connection.execute("DELETE FROM dummy_shop_order WHERE id = 2500")
            before = copied(connection)

        installation.run("plugin", "uninstall", "dummy_shop", "--archive", "--yes")
        with psycopg.connect(url) as connection:
            gone = connection.execute("SELECT to_regclass('dummy_shop_order')").fetchone()
        installation.run("plugin", "restore", "dummy_shop", "--yes")

        with psycopg.connect(url) as connection:
            after = copied(connection)
            number = connection.execute(
                "INSERT INTO dummy_shop_order (name, branch_id) VALUES ('new', 1) RETURNING id"
            ).fetchone()
        assert gone == (None,)
        assert len(before[0]) > 100_000
        assert after == before
        assert number == (2502,)


def copied(connection):
    """Return the tables of the shop as PostgreSQL itself writes them out, and their foreign keys."""
    found = []
    for table in ("dummy_shop_order", "dummy_shop_line"):
        with connection.cursor().copy(f"COPY (SELECT * FROM {table} ORDER BY id) TO STDOUT") as rows:
            found.append(b"".join(bytes(block) for block in rows))
    keys = "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conname LIKE '%dummy_shop%' ORDER BY 1"
    return [*found, connection.execute(keys).fetchall()]
