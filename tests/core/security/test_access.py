"""Branches, roles, grants: what adds up to whose rights."""

import pytest
from sqlalchemy import select

from core.errors import ConflictError, InvalidInputError, NotFoundError, PermissionDeniedError, TooManyRequestsError
from core.plugin.contributions import Role as Shipped
from core.registry.fields import Label
from core.security.accounts import add_user, find_user
from core.security.actors import Actor, system_actor
from core.security.branches import add_branch, find_branch, subtree_ids, tree
from core.security.limits import count_attempt
from core.security.models import Role
from core.security.permissions import CORE_ROLES, access_of, actor_of, give_grant, require_reach, sync_roles

SYSTEM = system_actor("test")


@pytest.fixture
def session(suite):
    with suite.database.write(SYSTEM) as session:
        sync_roles(session, CORE_ROLES)
        head = add_branch(session, "3304", "嘉兴分公司")
        north = add_branch(session, "330402", "南湖支公司", head, "0573")
        add_branch(session, "33040201", "南湖营业部", north)
        add_branch(session, "330411", "秀洲支公司", head)
        yield session


def _role(session, code):
    return session.scalars(select(Role).where(Role.code == code)).one()


def test_branches_form_a_tree_in_the_order_of_codes(session):
    assert [(depth, branch.code) for depth, branch in tree(session)] == [
        (0, "3304"), (1, "330402"), (2, "33040201"), (1, "330411")
    ]  # fmt: skip


def test_a_branch_is_found_by_code_or_name_and_an_unknown_one_names_the_nearest(session):
    assert find_branch(session, "330411").name == "秀洲支公司"
    assert find_branch(session, " 南湖支公司 ").code == "330402"
    with pytest.raises(NotFoundError, match="Did you mean 秀洲支公司"):
        find_branch(session, "秀州支公司")


@pytest.mark.parametrize(
    ("code", "name", "area"), [("", "x", ""), ("1", "", ""), ("1", "x", "573"), ("1", "x", "05731")]
)
def test_a_wrong_branch_is_refused(code, name, area, session):
    with pytest.raises(InvalidInputError):
        add_branch(session, code, name, None, area)


def test_a_branch_code_is_taken_once(session):
    with pytest.raises(ConflictError):
        add_branch(session, "3304", "another")


def test_scopes_are_the_union_of_grants_with_or_without_branches_below(session):
    user = add_user(session, "anna", "Anna", None)
    north, south = find_branch(session, "330402"), find_branch(session, "330411")
    give_grant(session, user, _role(session, "clerk"), north, subtree=False)
    give_grant(session, user, _role(session, "reader"), south)
    assert access_of(session, user.id).branch_ids == {north.id, south.id}

    give_grant(session, user, _role(session, "clerk"), north, subtree=True)
    assert access_of(session, user.id).branch_ids == subtree_ids(session, north.id) | {south.id}


def test_a_grant_without_branch_reaches_branches_made_later(session):
    user = add_user(session, "anna", "Anna", None)
    give_grant(session, user, _role(session, "admin"), None)
    added = add_branch(session, "3305", "湖州分公司")
    actor = actor_of(session, user)
    assert actor.sees_all_branches
    assert added.id in actor.branch_ids


def test_a_disabled_person_is_no_actor(session):
    user = add_user(session, "anna", "Anna", None)
    user.active = False
    with pytest.raises(PermissionDeniedError):
        actor_of(session, user)


def test_a_verb_on_all_models_never_covers_those_of_the_core():
    clerk = Actor(1, "Clerk", frozenset({"*.view", "*.edit"}))
    assert clerk.may("crm_customers.customer.edit")
    assert not clerk.may("crm_customers.customer.export")
    assert not clerk.may("core.user.edit")


def test_nobody_gives_more_than_they_hold(suite, session):
    north, south = find_branch(session, "330402"), find_branch(session, "330411")
    user = add_user(session, "anna", "Anna", None)
    manager = Actor(99, "M", frozenset({"*.view", "core.user.edit"}), subtree_ids(session, north.id))
    session.actor = manager
    give_grant(session, user, _role(session, "reader"), north)
    for role, branch in (("reader", south), ("reader", None), ("clerk", north), ("admin", north)):
        with pytest.raises(PermissionDeniedError):
            give_grant(session, user, _role(session, role), branch)


def test_nobody_administers_an_account_with_more_rights(suite, session):
    north = find_branch(session, "330402")
    boss, clerk = add_user(session, "boss", "Boss", None, north), add_user(session, "clerk", "Clerk", None, north)
    give_grant(session, boss, _role(session, "admin"), north)
    give_grant(session, clerk, _role(session, "reader"), north)
    session.commit()
    manager = Actor(99, "M", frozenset({"*.view", "core.user.edit"}), subtree_ids(session, north.id))
    require_reach(suite.database, manager, clerk.id)
    with pytest.raises(PermissionDeniedError):
        require_reach(suite.database, manager, boss.id)


def test_shipped_roles_are_renewed_unless_an_administrator_changed_them(session):
    kept, changed = Shipped("kept", Label("K", "K"), ("a.b.view",)), Shipped("changed", Label("C", "C"), ("a.b.view",))
    sync_roles(session, [kept, changed])
    _role(session, "changed").permissions = ["a.b.edit"]
    session.flush()

    sync_roles(session, [Shipped(role.id, role.label, ("a.b.view", "a.b.export")) for role in (kept, changed)])

    assert _role(session, "kept").permissions == ["a.b.export", "a.b.view"]
    assert _role(session, "changed").permissions == ["a.b.edit"]


@pytest.mark.parametrize("username", ["", "a", "A B", "ä", "x" * 65, "-x"])
def test_a_wrong_user_name_is_refused(username, session):
    with pytest.raises(InvalidInputError):
        add_user(session, username, "Name", None)


def test_user_names_are_unique_whatever_their_case_and_unknown_ones_name_the_nearest(session):
    add_user(session, "anna", "Anna", None)
    with pytest.raises(ConflictError):
        add_user(session, "ANNA", "Anna", None)
    with pytest.raises(NotFoundError, match="Did you mean anna"):
        find_user(session, "ana")


def test_a_limit_refuses_the_try_after_the_last_allowed_one(session):
    from datetime import timedelta

    assert [count_attempt(session, "k", 3, timedelta(hours=1)) for _ in range(3)] == [1, 2, 3]
    with pytest.raises(TooManyRequestsError):
        count_attempt(session, "k", 3, timedelta(hours=1))
    assert count_attempt(session, "other", 3, timedelta(hours=1)) == 1
