"""Events in the outbox: delivered once to each plugin, in order, and never lost."""

from contextlib import suppress

import pytest
from sqlalchemy import select

from core.jobs.models import Outbox, OutboxDelivery
from core.jobs.outbox import emit, relay
from core.security.actors import system_actor

ACTOR = system_actor("test")


@pytest.fixture
def left():
    from plugins.dummy_good.plugin import plugin

    plugin.left.clear()
    return plugin.left


def send(suite, *numbers):
    with suite.database.write(ACTOR) as session:
        for number in numbers:
            emit(session, "core_user_left", {"user_id": number})


def test_an_event_is_delivered_exactly_once_however_often_the_relay_runs(any_suite, left, rung):
    send(any_suite, 4)

    assert relay(any_suite) == 1
    assert relay(any_suite) == 0
    assert left == [4]
    assert rung == [0]


def test_an_event_of_a_change_that_was_rolled_back_is_not_sent(any_suite, left, rung):
    with suppress(ZeroDivisionError), any_suite.database.write(ACTOR) as session:
        emit(session, "core_user_left", {"user_id": 5})
        raise ZeroDivisionError

    relay(any_suite)

    assert left == []


def test_a_plugin_that_fails_gets_its_later_events_only_after_five_attempts(any_suite, left, rung):
    send(any_suite, 1, -1, 2)

    for _ in range(4):
        relay(any_suite)
    before = list(left)
    relay(any_suite)

    assert before == [1]
    assert left == [1, 2]
    with any_suite.database.read(ACTOR) as session:
        given_up = session.scalars(select(OutboxDelivery).where(OutboxDelivery.done.is_(False))).one()
        waiting = session.scalars(select(Outbox).where(Outbox.delivered_at.is_(None))).all()
    assert "no such person" in given_up.error
    assert waiting == []
