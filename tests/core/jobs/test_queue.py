"""The job table: put in, run, fail, retry, park, cancel; on both databases."""

import threading
from contextlib import suppress
from datetime import timedelta

import pytest

from core.db.base import utc_now
from core.errors import ConflictError
from core.jobs import queue
from core.jobs.models import CANCELLED, DONE, FAILED, PARKED, QUEUED, RUNNING
from core.jobs.runner import run_job
from core.jobs.sweeper import sweep
from core.security.actors import system_actor

ACTOR = system_actor("test")
LONG_AGO = timedelta(hours=1)


def test_a_job_runs_once_with_its_result_and_progress(any_suite, queue_job, job_row, rung, tmp_path):
    trace = tmp_path / "trace"
    job_id = queue_job("append", file=str(trace), steps=3)

    first = run_job(any_suite, job_id)
    second = run_job(any_suite, job_id)

    job = job_row(job_id)
    assert (first, second) == (DONE, None)
    assert (job.state, job.result, job.progress_done, job.total) == (DONE, {"steps": 3}, 3, 3)
    assert trace.read_text().splitlines() == [str(job_id)]
    assert rung == [job_id]


def test_the_bell_does_not_ring_for_work_that_was_rolled_back(any_suite, rung):
    with suppress(ZeroDivisionError), any_suite.database.write(ACTOR) as session:
        queue.enqueue(session, "dummy_good.append", {}, key=None, actor=ACTOR, branch_id=None)
        raise ZeroDivisionError

    assert rung == []


def test_a_second_job_of_the_same_key_is_the_first_one(queue_job, rung):
    assert queue_job("append", key="import:7") == queue_job("append", key="import:7")
    assert queue_job("append") != queue_job("append")


def test_of_many_workers_that_want_a_job_one_gets_it(any_suite, queue_job, rung, tmp_path):
    trace = tmp_path / "trace"
    job_id = queue_job("append", file=str(trace))
    results = []
    threads = [threading.Thread(target=lambda: results.append(run_job(any_suite, job_id))) for _ in range(6)]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(results, key=str) == [None] * 5 + [DONE]
    assert len(trace.read_text().splitlines()) == 1


def test_a_broken_job_is_tried_again_later_and_parked_after_five_attempts(
    any_suite, queue_job, job_row, change_row, rung
):
    job_id = queue_job("fail")
    pauses = []

    for _ in range(4):
        assert run_job(any_suite, job_id) == QUEUED
        assert run_job(any_suite, job_id) is None, "not before its pause is over"
        pauses.append((job_row(job_id).run_after - utc_now()).total_seconds())
        change_row(job_id, run_after=utc_now() - LONG_AGO)
    last = run_job(any_suite, job_id)

    assert last == PARKED
    assert "ZeroDivisionError: broken on purpose" in job_row(job_id).error
    assert [round(pause, -1) or 5 for pause in pauses] == sorted(round(pause, -1) or 5 for pause in pauses)
    assert pauses[0] == pytest.approx(5, abs=2)
    assert pauses[3] == pytest.approx(40, abs=2)


def test_an_expected_refusal_ends_the_job_at_once_with_its_message(any_suite, queue_job, job_row, rung):
    job_id = queue_job("refuse")

    assert run_job(any_suite, job_id) == FAILED
    assert job_row(job_id).error == "The thing x is gone."


def test_a_failed_job_can_be_repeated_but_not_a_running_one(any_suite, queue_job, job_row, change_row, rung):
    job_id = queue_job("refuse")
    run_job(any_suite, job_id)

    with any_suite.database.write(ACTOR) as session:
        queue.retry(session, job_id)

    assert job_row(job_id).state == QUEUED
    assert rung == [job_id, job_id]
    with pytest.raises(ConflictError), any_suite.database.write(ACTOR) as session:
        queue.retry(session, job_id)


def test_a_waiting_job_is_cancelled_at_once(any_suite, queue_job, job_row, rung, tmp_path):
    job_id = queue_job("append", file=str(tmp_path / "trace"))

    with any_suite.database.write(ACTOR) as session:
        queue.cancel(session, job_id)

    assert job_row(job_id).state == CANCELLED
    assert run_job(any_suite, job_id) is None
    assert not (tmp_path / "trace").exists()


def test_a_job_interrupted_by_a_stopping_worker_waits_again_without_losing_an_attempt(
    any_suite, queue_job, job_row, rung, tmp_path
):
    job_id = queue_job("append", file=str(tmp_path / "trace"))

    assert run_job(any_suite, job_id, stopping=lambda: True) == QUEUED
    assert job_row(job_id).attempt == 0
    assert run_job(any_suite, job_id) == DONE


def test_a_worker_that_lost_its_lease_does_not_overwrite_the_outcome(any_suite, queue_job, job_row, change_row, rung):
    job_id = queue_job("append")
    with any_suite.database.write(ACTOR) as session:
        first = queue.claim(session, job_id)
    change_row(job_id, lease_until=utc_now() - LONG_AGO)
    with any_suite.database.write(ACTOR) as session:
        second = queue.claim(session, job_id)

    with any_suite.database.write(ACTOR) as session:
        assert not queue.settle(session, first, state=FAILED)
        assert queue.settle(session, second, state=DONE)

    assert job_row(job_id).state == DONE


def test_a_job_of_a_disabled_plugin_is_parked_and_goes_on_when_it_is_back(
    any_suite, queue_job, job_row, rung, tmp_path, monkeypatch
):
    job_id = queue_job("append", file=str(tmp_path / "trace"))
    monkeypatch.setattr(any_suite.activation, "is_active", lambda plugin, branch: False)

    assert run_job(any_suite, job_id) == PARKED
    sweep(any_suite)
    assert job_row(job_id).state == PARKED
    monkeypatch.undo()
    any_suite.database.bell = rung.append
    sweep(any_suite)

    assert job_row(job_id).state == QUEUED
    assert run_job(any_suite, job_id) == DONE


def test_a_job_that_kills_every_worker_is_parked_for_a_person(any_suite, queue_job, job_row, change_row, rung):
    job_id = queue_job("die")
    change_row(job_id, state=RUNNING, attempt=5, lease_until=utc_now() - LONG_AGO, lease_token="dead")

    sweep(any_suite)

    assert job_row(job_id).state == PARKED
    assert "died 5 times" in job_row(job_id).error


def test_the_sweep_rings_for_forgotten_and_orphaned_jobs_but_not_for_fresh_ones(any_suite, queue_job, change_row, rung):
    forgotten, orphaned, fresh = queue_job("append"), queue_job("append"), queue_job("append")
    change_row(forgotten, created_at=utc_now() - LONG_AGO)
    change_row(orphaned, state=RUNNING, attempt=1, lease_until=utc_now() - LONG_AGO)
    rung.clear()

    sweep(any_suite)
    sweep(any_suite)

    assert rung == [forgotten, orphaned]
    assert fresh not in rung
