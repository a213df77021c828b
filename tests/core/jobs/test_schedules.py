"""Jobs by the clock: stored, claimed once, changed by administrators only."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import delete, func, select

from core.db.base import utc_now
from core.errors import InvalidValueError
from core.jobs.models import Job, Schedule
from core.jobs.schedules import next_time, queue_due, sync_schedules
from core.security.actors import system_actor

ACTOR = system_actor("test")


def sync(suite):
    """Store the schedules; those of the core, which run every minute, are left out."""
    sync_schedules(suite)
    with suite.database.write(ACTOR) as session:
        session.execute(delete(Schedule).where(Schedule.plugin == "core"))


def test_cron_is_read_in_china_time():
    assert next_time("30 2 * * *", datetime(2026, 3, 1, 12, tzinfo=UTC)) == datetime(2026, 3, 1, 18, 30, tzinfo=UTC)


def test_a_wrong_cron_expression_is_explained():
    with pytest.raises(InvalidValueError, match="five fields"):
        next_time("every day", utc_now())


def test_a_due_schedule_queues_one_job_for_all_missed_runs_even_with_many_processes(any_suite, rung):
    sync(any_suite)
    with any_suite.database.write(ACTOR) as session:
        session.scalars(select(Schedule)).one().next_at = utc_now() - timedelta(days=3)
    threads = [threading.Thread(target=queue_due, args=(any_suite,)) for _ in range(4)]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with any_suite.database.read(ACTOR) as session:
        assert session.scalar(select(func.count()).select_from(Job)) == 1
        assert session.scalars(select(Schedule)).one().next_at > utc_now()


def test_what_an_administrator_switched_off_stays_off_after_an_upgrade(any_suite, rung):
    sync(any_suite)
    with any_suite.database.write(ACTOR) as session:
        row = session.scalars(select(Schedule)).one()
        row.on_override, row.next_at = False, utc_now() - timedelta(days=1)

    sync(any_suite)

    assert queue_due(any_suite) == 0
