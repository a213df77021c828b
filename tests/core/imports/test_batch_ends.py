"""How a batch ends: stopped early, broken off by its reader, or with rows that point to later ones of their file."""

from pathlib import Path

import pytest
from sqlalchemy import text

from core.errors import ImportFileError
from core.imports import batches, running
from core.imports.batches import Importer
from core.imports.rejects import rejects_csv
from core.imports.stage import stage_file
from core.imports.undo import undo_batch
from core.security.actors import system_actor
from core.security.branches import add_branch

ACTOR = system_actor("test")
HEAD = "保单号,投保人,被保险人,签单保费,签单日期,保险起期,批单号,批改类型,批改保费\n"
STAGED_AT_A_TIME = 2_000


@pytest.fixture
def enabled_plugins():
    return ("crm_customers",)


@pytest.fixture
def installed(any_suite, monkeypatch):
    monkeypatch.setattr(running, "CHUNK_GROUPS", 50)
    with any_suite.database.write(ACTOR) as session:
        add_branch(session, "330402", "南湖", None, "0573")
    return any_suite


def policy(number: int) -> str:
    return f"P{number},张三{number},张三{number},100,2026-01-01,2026-01-02,,,\n"


def endorsement(number: int, policy_no: str) -> str:
    return f"{policy_no},,,,2026-03-01,,E{number},68停驶延期,20\n"


def write(folder: Path, rows: list[str]) -> Path:
    file = folder / "承保清单.csv"
    file.write_text(HEAD + "".join(rows), encoding="utf-8")
    return file


def load(importer: Importer, file: Path, **options):
    return importer.run(importer.start(ACTOR, file, file.name, "policy", "330402"), **options)


def count(suite, table: str) -> int:
    with suite.database.reader.connect() as connection:
        return connection.execute(text(f"SELECT count(*) FROM {table}")).scalar()


def whole(counts) -> tuple[int, int, int, int]:
    return counts.new, counts.changed, counts.same, counts.rejected


def test_an_endorsement_long_before_its_policy_finds_it(installed, tmp_path):
    rows = [endorsement(1, "P150"), endorsement(2, "P999"), *(policy(number) for number in range(200))]
    file, importer = write(tmp_path, rows), Importer(installed)

    report = load(importer, file)

    assert whole(report.counts) == (201, 0, 0, 1)
    with installed.database.reader.connect() as connection:
        found = "SELECT p.policy_no FROM crm_customers_endorsement e JOIN crm_customers_policy p ON p.id = e.policy_id"
        assert connection.execute(text(found)).scalars().all() == ["P150"]
        refused = connection.execute(text("SELECT row_no, cells FROM core_import_reject")).all()
    assert [row.row_no for row in refused] == [2]
    assert refused[0].cells
    assert whole(load(importer, file).counts) == (0, 0, 201, 1)
    assert undo_batch(installed, importer.library.targets, ACTOR, report.batch).kept_count == 0
    assert count(installed, "crm_customers_endorsement") == 0


def test_a_run_cut_off_before_its_late_rows_merges_them_when_it_goes_on(installed, tmp_path):
    file = write(tmp_path, [endorsement(1, "P60"), endorsement(2, "P61"), *(policy(number) for number in range(100))])
    importer, runs = Importer(installed), 0

    def cut_off() -> bool:
        raise InterruptedError

    while True:
        runs += 1
        try:
            report = load(importer, file, should_stop=cut_off)
            break
        except InterruptedError:
            assert runs < 20
    assert whole(report.counts) == (102, 0, 0, 0)
    assert count(installed, "crm_customers_endorsement") == 2


def test_rows_of_one_key_far_apart_are_merged_together_while_the_file_is_read(installed, tmp_path, monkeypatch):
    rows = [policy(number) for number in range(3 * STAGED_AT_A_TIME)]
    rows.append(rows[0])
    merged_early: list[int] = []
    merge_ready = running.BatchRun.merge_ready

    def watch(run, path, total):
        merge_ready(run, path, total)
        merged_early.append(run.counts.read)

    monkeypatch.setattr(running.BatchRun, "merge_ready", watch)
    monkeypatch.setattr(running, "CHUNK_GROUPS", 1_000)

    report = load(Importer(installed), write(tmp_path, rows))

    assert whole(report.counts) == (len(rows) - 1, 0, 1, 0)
    assert merged_early[0] > 0


def test_a_run_stopped_while_its_file_is_read_knows_all_rows_the_file_cannot_give(installed, tmp_path):
    rows = [policy(number) for number in range(2 * STAGED_AT_A_TIME)]
    rows[3 * STAGED_AT_A_TIME // 2] = ",张三,张三,100,2026-01-01,2026-01-02,,,\n"
    importer = Importer(installed)

    report = load(importer, write(tmp_path, rows), should_stop=lambda: True)

    assert report.state == "cancelled"
    assert report.counts.new == count(installed, "crm_customers_policy") == 50
    assert (report.summary["read"], report.counts.rejected) == (len(rows), 1)
    with installed.database.read(ACTOR) as session:
        batch = importer.batch(report.batch)
        content = b"".join(
            rejects_csv(session, batch.id, batch.summary, importer.library.thaw(batch.profile), "en")
        ).decode("utf-8-sig")
    assert content.startswith("保单号,投保人")
    assert len(content.splitlines()) == 2


def test_a_reader_that_dies_the_second_time_fails_the_batch_which_can_be_undone(installed, tmp_path, monkeypatch):
    def dies(kept, profile, staging, options, on_progress, on_ready):
        def once(total: int) -> None:
            on_ready(total)
            raise ImportFileError("file_too_large", "Reading the file was stopped.")

        return stage_file(kept, profile, staging, options, on_progress, once)

    importer = Importer(installed)
    file = write(tmp_path, [policy(number) for number in range(100)])
    monkeypatch.setattr(batches, "stage_file", dies)

    with pytest.raises(ImportFileError, match="was stopped"):
        load(importer, file)

    assert (importer.batch(1).state, importer.batch(1).error["code"]) == ("failed", "file_too_large")
    assert count(installed, "crm_customers_policy") == 100
    assert undo_batch(installed, importer.library.targets, ACTOR, 1).kept_count == 0
    assert count(installed, "crm_customers_policy") == 0
