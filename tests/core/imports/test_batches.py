"""Batches survive whatever cuts them off: every row is merged once, a second start goes on where the first ended."""

import os
import random
import signal
from datetime import date

import pytest
from sqlalchemy import select, text

from core.errors import ConflictError
from core.imports import running
from core.imports.batches import Importer
from core.imports.models import ImportBatch, ImportReject
from core.imports.note_columns import NOTE_COLUMNS
from core.imports.rehearsal import rehearse
from core.imports.rejects import rejects_csv
from core.security.actors import Actor, system_actor
from core.security.branches import add_branch
from plugins.crm_customers.demo import write_portfolio
from tests import forked
from tests.core.imports.loud_import import import_aloud

ACTOR = system_actor("test")
TABLES = ("customer", "contact_point", "customer_source", "policy", "policy_term", "vehicle", "insured_item")


class CutOffError(Exception):
    """Stands for a lost worker."""


@pytest.fixture
def enabled_plugins():
    return ("crm_customers",)


@pytest.fixture(scope="module")
def portfolio(tmp_path_factory):
    return write_portfolio(tmp_path_factory.mktemp("portfolio"), date(2026, 11, 21), 300, 100)


@pytest.fixture
def policies(portfolio):
    return next(file for file in portfolio.files if file.profile == "policy")


@pytest.fixture
def claims(portfolio):
    return next(file for file in portfolio.files if file.profile == "claim")


@pytest.fixture
def installed(any_suite):
    with any_suite.database.write(ACTOR) as session:
        city = add_branch(session, "330400", "嘉兴", None, "0573")
        for code in ("330402", "330411"):
            add_branch(session, code, code, city, "0573")
    return any_suite


@pytest.fixture
def small_chunks(monkeypatch):
    monkeypatch.setattr(running, "CHUNK_GROUPS", 20)


def contents(suite) -> dict[str, int]:
    with suite.database.reader.connect() as connection:
        return {
            name: connection.execute(text(f"SELECT count(*) FROM crm_customers_{name}")).scalar() for name in TABLES
        }


def load(importer, file, **options):
    return importer.run(importer.start(ACTOR, file.path, file.path.name, file.profile, "330402"), **options)


def test_a_run_cut_off_after_every_chunk_ends_like_one_that_was_not(installed, policies, small_chunks):
    importer, runs = Importer(installed), 0

    def cut_off() -> bool:
        raise CutOffError

    while True:
        runs += 1
        try:
            report = load(importer, policies, should_stop=cut_off)
            break
        except CutOffError:
            continue
    assert runs > 3
    assert report.state == "done"
    assert report.counts.read == policies.rows
    assert report.counts.same == policies.same
    assert report.counts.rejected == sum(policies.rejected.values())
    with installed.database.read(ACTOR) as session:
        assert len(session.scalars(select(ImportBatch)).all()) == 1
    assert contents(installed)["policy"] == report.counts.new


def test_a_stopped_run_says_so_and_keeps_what_it_wrote(installed, policies, small_chunks):
    report = load(Importer(installed), policies, should_stop=lambda: True)
    assert report.state == "cancelled"
    assert 0 < contents(installed)["policy"] < policies.rows
    assert contents(installed)["policy"] == report.counts.new


def test_a_batch_that_has_ended_is_only_reported(installed, policies):
    importer = Importer(installed)
    batch = importer.start(ACTOR, policies.path, "p", "policy", "330402")
    first = importer.run(batch)
    assert importer.run(batch).counts == first.counts


def test_two_runners_of_one_batch_do_not_merge_a_row_twice(installed, policies, small_chunks):
    importer, other = Importer(installed), Importer(installed)
    batch = importer.start(ACTOR, policies.path, "p", "policy", "330402")
    state = {"inside": False}

    def let_the_other_run() -> bool:
        if not state["inside"]:
            state["inside"] = True
            other.run(batch)
        return False

    with pytest.raises(ConflictError, match="Another process"):
        importer.run(batch, should_stop=let_the_other_run)
    assert other.batch(batch).state == "done"
    assert contents(installed)["policy"] == other.batch(batch).new


def test_a_dry_run_counts_like_the_run_and_writes_nothing(installed, policies):
    importer = Importer(installed)
    dry = rehearse(importer, ACTOR, policies.path, policies.path.name, "policy", "330402")
    assert set(contents(installed).values()) == {0}
    assert dry.counts == load(importer, policies).counts
    assert sum(reason["rows"] for reason in dry.reasons) == dry.counts.rejected


def test_rows_that_name_a_foreign_branch_are_rejected(installed, policies):
    importer = Importer(installed)
    with installed.database.read(ACTOR) as session:
        other = session.execute(text("SELECT id FROM core_branch WHERE code = '330411'")).scalar()
    clerk = Actor(None, "clerk", frozenset({"core.import.run"}), frozenset({other}), home_branch_id=other)
    report = rehearse(importer, clerk, policies.path, policies.path.name, "policy", None)
    assert report.counts.new == 0
    assert "foreign_branch" in {reason["error"]["code"] for reason in report.reasons}


def test_rejected_rows_come_back_with_the_same_profile_once_their_cause_is_gone(installed, policies, claims, tmp_path):
    importer = Importer(installed)
    early = load(importer, claims)
    assert early.counts.new == 0
    with installed.database.read(ACTOR) as session:
        batch = importer.batch(early.batch)
        content = b"".join(rejects_csv(session, batch.id, batch.summary, importer.library.thaw(batch.profile), "en"))
        assert all(row.cells for row in session.scalars(select(ImportReject).where(ImportReject.batch_id == batch.id)))
    again = tmp_path / "rejects.csv"
    again.write_bytes(content)
    assert all(note in content.decode("utf-8-sig") for note in NOTE_COLUMNS["en"])

    load(importer, policies)
    late = importer.run(importer.start(ACTOR, again, again.name, "claim", "330402"))
    assert late.counts.new == claims.rows - sum(claims.rejected.values())
    with installed.database.reader.connect() as connection:
        kept = connection.execute(text("SELECT attributes FROM crm_customers_claim")).scalars().all()
    assert not any(note in str(attributes) for attributes in kept for note in NOTE_COLUMNS["en"])


def test_processes_killed_anywhere_lose_and_double_nothing(installed, policies, data_folder, database_url):
    rng, outcome, deaths = random.Random(11), "", 0
    said = data_folder / "said"
    os.mkfifo(said)
    streams = (os.devnull, str(said), str(data_folder / "complaints"))
    settings = {**os.environ, "BANYAN_DATA__FOLDER": str(data_folder), "BANYAN_DATABASE__URL": database_url}
    while outcome != "done" and deaths < 12:
        child = forked.start(import_aloud, settings, streams, str(policies.path))
        lines = rng.randrange(1, 9)
        with said.open() as steps:
            for line in steps:
                outcome, lines = line.strip(), lines - 1
                if lines == 0 and deaths < 6:
                    os.killpg(child.pid, signal.SIGKILL)
                    deaths += 1
        child.join()
    assert outcome == "done"
    assert deaths
    with installed.database.read(ACTOR) as session:
        batch = session.scalars(select(ImportBatch)).one()
        assert batch.read == policies.rows == batch.new + batch.changed + batch.same + batch.rejected
        assert contents(installed)["policy"] == batch.new
        rejects = session.scalars(select(ImportReject.row_no).where(ImportReject.batch_id == batch.id)).all()
    assert len(rejects) == len(set(rejects)) == batch.rejected


def test_a_receivable_belongs_to_the_branch_of_its_policy_and_not_to_the_importing_one(installed, tmp_path):
    importer = Importer(installed)
    policy = tmp_path / "承保清单.csv"
    policy.write_text(
        "保单号,投保人,被保险人,签单保费,签单日期,保险起期\nP1,张三,张三,100,2026-01-01,2026-01-02\n", encoding="utf-8"
    )
    due = tmp_path / "应收清单.csv"
    due.write_text("保单号,应收保费,已收保费,缴费期次,应缴日期\nP1,100,0,1,2026-02-01\n", encoding="utf-8")
    importer.run(importer.start(ACTOR, policy, policy.name, "policy", "330402"))

    counts = importer.run(importer.start(ACTOR, due, due.name, "receivable", "330400")).counts

    assert counts.new == 1
    with installed.database.reader.connect() as connection:
        owner = "SELECT code FROM core_branch JOIN crm_customers_receivable r ON r.branch_id = core_branch.id"
        assert connection.execute(text(owner)).scalar() == "330402"


def test_a_clerk_cannot_write_a_receivable_for_the_policy_of_another_branch(installed, tmp_path):
    importer = Importer(installed)
    policy = tmp_path / "承保清单.csv"
    policy.write_text(
        "保单号,投保人,被保险人,签单保费,签单日期,保险起期\nP1,张三,张三,100,2026-01-01,2026-01-02\n", encoding="utf-8"
    )
    due = tmp_path / "应收清单.csv"
    due.write_text("保单号,应收保费,已收保费,缴费期次,应缴日期\nP1,100,0,1,2026-02-01\n", encoding="utf-8")
    importer.run(importer.start(ACTOR, policy, policy.name, "policy", "330402"))
    with installed.database.read(ACTOR) as session:
        other = session.execute(text("SELECT id FROM core_branch WHERE code = '330411'")).scalar()
    clerk = Actor(None, "clerk", frozenset({"*"}), frozenset({other}), home_branch_id=other)

    report = rehearse(importer, clerk, due, due.name, "receivable", "330411")

    assert (report.counts.new, report.counts.rejected) == (0, 1)
