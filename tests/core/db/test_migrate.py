"""Upgrading the database: order, refusals, failing revisions, locks; on both databases."""

import threading
from pathlib import Path

import pytest
from sqlalchemy import inspect, text

from core.app import build_suite
from core.db import migrate
from core.db.base import Base
from core.db.migrate import Source, current, pending, sources, upgrade
from core.db.migration_lock import upgrade_lock
from core.db.revisions import drift, make_revision
from core.errors import DatabaseStateError, NotFoundError
from core.testing.fixtures import make_settings

DUMMIES = Path(__file__).parents[2] / "dummy_plugins"

SECOND = '''"""Second."""

import sqlalchemy as sa
from alembic import op

revision = "0002_more"
down_revision = "0001_initial"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("dummy_good_thing") as batch:
        batch.add_column(sa.Column("colour", sa.String(20), nullable=True))
    {after}


def downgrade() -> None:
    pass
'''


@pytest.fixture
def installation(data_folder, database_url, monkeypatch, tmp_path):
    """A suite with the sound plugin, on an empty database; the core's revisions are left out."""
    suite = build_suite(make_settings(data_folder, ("dummy_good",), (DUMMIES,), database_url))
    folder = tmp_path / "revisions"
    folder.mkdir()
    first = (DUMMIES / "dummy_good" / "migrations" / "0001_initial.py").read_text()
    (folder / "0001_initial.py").write_text(first)
    monkeypatch.setattr(migrate, "sources", lambda plugins: [Source("dummy_good", folder)])
    yield suite, folder
    suite.close()


def columns(suite):
    return {column["name"] for column in inspect(suite.database.writer).get_columns("dummy_good_thing")}


def test_an_empty_database_is_brought_to_the_newest_revision_once(installation):
    suite, _ = installation

    first = upgrade(suite.database, suite.plugins)
    second = upgrade(suite.database, suite.plugins)

    assert [(each.owner, each.before, each.after) for each in first] == [("dummy_good", "", "0001_initial")]
    assert second == []
    assert current(suite.database) == {"dummy_good": "0001_initial"}
    assert pending(suite.database, suite.plugins) == []


def test_the_tables_after_the_upgrade_are_those_of_the_models(installation):
    suite, folder = installation

    upgrade(suite.database, suite.plugins)

    assert drift(suite.database.url, Source("dummy_good", folder)) == []


def test_a_second_revision_keeps_the_rows(installation):
    suite, folder = installation
    upgrade(suite.database, suite.plugins)
    with suite.database.writer.begin() as connection:
        connection.execute(text("INSERT INTO dummy_good_thing (id, name) VALUES (7, 'kept')"))
    (folder / "0002_more.py").write_text(SECOND.format(after="pass"))

    upgrade(suite.database, suite.plugins)

    assert "colour" in columns(suite)
    with suite.database.reader.connect() as connection:
        assert connection.execute(text("SELECT name FROM dummy_good_thing")).scalars().all() == ["kept"]


def test_a_failing_revision_leaves_nothing_behind_and_can_be_repeated(installation):
    suite, folder = installation
    upgrade(suite.database, suite.plugins)
    (folder / "0002_more.py").write_text(SECOND.format(after='raise ValueError("broken")'))

    with pytest.raises(DatabaseStateError, match="after 0001_initial: broken"):
        upgrade(suite.database, suite.plugins)

    assert "colour" not in columns(suite)
    assert current(suite.database) == {"dummy_good": "0001_initial"}
    (folder / "0002_more.py").write_text(SECOND.format(after="pass"))
    assert [each.after for each in upgrade(suite.database, suite.plugins)] == ["0002_more"]


def test_a_database_newer_than_the_code_is_refused(installation):
    suite, _ = installation
    upgrade(suite.database, suite.plugins)
    with suite.database.writer.begin() as connection:
        connection.execute(text("UPDATE alembic_version_dummy_good SET version_num = '0009_future'"))

    with pytest.raises(DatabaseStateError, match="0009_future"):
        upgrade(suite.database, suite.plugins)


def test_tables_without_a_version_are_refused(installation):
    suite, _ = installation
    Base.metadata.tables["dummy_good_thing"].create(suite.database.writer)

    with pytest.raises(DatabaseStateError, match="no record of their version"):
        upgrade(suite.database, suite.plugins)


def test_versions_of_plugins_that_are_gone_disturb_nobody(installation):
    suite, _ = installation
    with suite.database.writer.begin() as connection:
        connection.execute(text("CREATE TABLE alembic_version_gone (version_num VARCHAR(32))"))
        connection.execute(text("INSERT INTO alembic_version_gone VALUES ('0003_last')"))

    upgrade(suite.database, suite.plugins)

    assert current(suite.database) == {"dummy_good": "0001_initial", "gone": "0003_last"}


def test_of_two_upgrades_at_once_one_waits_and_finds_nothing_to_do(installation):
    suite, _ = installation
    results = []
    threads = [
        threading.Thread(target=lambda: results.append(upgrade(suite.database, suite.plugins))) for _ in range(2)
    ]

    with upgrade_lock(suite.database):
        for thread in threads:
            thread.start()
    for thread in threads:
        thread.join()

    assert sorted(map(len, results)) == [0, 1]


def test_a_second_upgrade_gives_up_after_its_wait(installation):
    suite, _ = installation

    with upgrade_lock(suite.database), pytest.raises(DatabaseStateError, match="Another upgrade"):  # noqa: SIM117 -- order matters
        with upgrade_lock(suite.database, wait=0.0):
            pytest.fail("the lock was given twice")


def test_every_revision_shipped_has_a_name_that_fits_alembic(installation):
    suite, _ = installation

    for source in sources(suite.plugins):
        assert all(len(name) <= 32 for name in source.revisions)


@pytest.mark.parametrize("message", ["initial", "Add a very long description of what is changed here"])
def test_a_revision_is_written_from_the_models_with_own_tables_only(data_folder, tmp_path, message):
    suite = build_suite(make_settings(data_folder, ("dummy_good",), (DUMMIES,)))
    source = Source("dummy_good", tmp_path / "new")

    written = make_revision([], source, message)

    content = written.read_text()
    assert written.stem == source.revisions[0]
    assert len(written.stem) <= 32
    assert content.count("create_table(") == 1
    assert "dummy_good_thing" in content
    assert "core_" not in content
    with pytest.raises(NotFoundError, match="nothing to write"):
        make_revision([], source, "again")
    suite.close()
