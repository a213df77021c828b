"""Which plugin is active in which branch: inherited, with requirements, seen by other processes."""

from pathlib import Path

import pytest

from core.errors import NotFoundError
from core.plugin.activation import Activation
from core.plugin.epochs import FRESH_SECONDS, Epochs
from core.security.actors import system_actor
from core.security.models import Branch

ACTOR = system_actor("test")


@pytest.fixture
def enabled_plugins():
    return ("dummy_good", "dummy_dependent", "dummy_broken_import")


@pytest.fixture
def plugin_paths():
    return (Path(__file__).parents[2] / "dummy_plugins",)


@pytest.fixture
def branches(any_suite):
    """Head office with a branch, which has an office; ids by code."""
    ids = {}
    with any_suite.database.write(ACTOR) as session:
        for code, parent in (("head", None), ("branch", "head"), ("office", "branch")):
            row = Branch(code=code, name=code, parent_id=ids.get(parent), area_code="021")
            session.add(row)
            session.flush()
            ids[code] = row.id
    return ids


def switch(suite, plugin, branch, *, on):
    with suite.database.write(ACTOR) as session:
        suite.activation.switch(session, plugin, branch, on=on)


def test_an_enabled_plugin_is_active_unless_switched_off(any_suite, branches):
    assert any_suite.activation.is_active("dummy_good", branches["office"])
    assert not any_suite.activation.is_active("dummy_broken_import", branches["office"])
    assert not any_suite.activation.is_active("nowhere", branches["office"])


def test_branches_below_follow_unless_they_decide_themselves(any_suite, branches):
    switch(any_suite, "dummy_good", branches["branch"], on=False)

    answers = {code: any_suite.activation.is_active("dummy_good", branch) for code, branch in branches.items()}
    switch(any_suite, "dummy_good", branches["office"], on=True)

    assert answers == {"head": True, "branch": False, "office": False}
    assert any_suite.activation.is_active("dummy_good", branches["office"])


def test_a_plugin_is_off_where_one_that_it_requires_is_off(any_suite, branches):
    switch(any_suite, "dummy_good", branches["office"], on=False)

    assert not any_suite.activation.is_active("dummy_dependent", branches["office"])
    assert any_suite.activation.is_active("dummy_dependent", branches["branch"])


def test_another_process_sees_the_switch_within_a_second(any_suite, branches):
    now = [100.0]
    other = Activation(Epochs(any_suite.database, lambda: now[0]), any_suite.plugins)
    before = other.is_active("dummy_good", branches["office"])
    switch(any_suite, "dummy_good", branches["office"], on=False)

    now[0] += FRESH_SECONDS

    assert before
    assert not other.is_active("dummy_good", branches["office"])


def test_a_plugin_that_does_not_exist_cannot_be_switched(any_suite, branches):
    with pytest.raises(NotFoundError):
        switch(any_suite, "nowhere", branches["office"], on=True)


def test_events_of_a_branch_reach_only_plugins_active_there(any_suite, branches):
    from plugins.dummy_dependent.plugin import left as of_dependent
    from plugins.dummy_good.plugin import plugin

    plugin.left.clear()
    of_dependent.clear()
    switch(any_suite, "dummy_dependent", branches["office"], on=False)

    any_suite.plugins.event("core_user_left", in_branch=branches["office"], user_id=3)

    assert (plugin.left, of_dependent) == ([3], [])
