"""Permissions and roles: what exists, what a person holds, keeping shipped roles current."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import event, select, update

from core.db.session import Database, ScopedSession
from core.errors import NotFoundError, PermissionDeniedError
from core.plugin.contributions import Permission
from core.plugin.contributions import Role as ShippedRole
from core.plugin.models import Epoch
from core.registry.fields import Label
from core.registry.models import Registry
from core.security.actors import Actor, system_actor
from core.security.branches import below
from core.security.models import Branch, Grant, Role, SecondFactor, Setting, User

if TYPE_CHECKING:
    from core.app import Suite

VERBS = (
    ("view", Label("view", "查看")),
    ("edit", Label("edit", "编辑")),
    ("export", Label("export", "导出")),
    ("import", Label("import", "导入")),
)
ACCESS_EPOCH = "access"
"""Epoch that grows whenever roles, grants, branches, second factors or settings change."""
UNMASK = ("unmask", Label("show masked values", "查看脱敏内容"))

CORE_ROLES = (
    ShippedRole("admin", Label("Administrator", "系统管理员"), ("*",)),
    ShippedRole(
        "branch_manager",
        Label("Branch manager", "机构负责人"),
        (
            "*.view",
            "*.edit",
            "*.export",
            "*.import",
            "*.unmask",
            "core.user.view",
            "core.branch.view",
            "core.audit.view",
            "core.import.run",
            "core.import.undo",
        ),
    ),
    ShippedRole("clerk", Label("Clerk", "业务人员"), ("*.view", "*.edit", "*.unmask", "core.import.run")),
    ShippedRole("reader", Label("Reader", "只读用户"), ("*.view",)),
)
"""Roles of the core; ``*.<verb>`` is that verb on every plugin's models, never on the core's own."""


@dataclass(frozen=True)
class Access:
    """What the grants of one person add up to."""

    permissions: frozenset[str]
    branch_ids: frozenset[int]
    sees_all_branches: bool


def model_permissions(registry: Registry) -> list[Permission]:
    """Return the permissions that follow from the registered models."""
    found = []
    for model in registry:
        masked = any(field.mask for field in model.fields.values())
        for verb, label in (*VERBS, UNMASK) if masked else VERBS:
            name = model.declaration.plural
            found.append(Permission(f"{model.id}.{verb}", Label(f"{name.en}: {label.en}", f"{name.zh}：{label.zh}")))
    return found


def all_permissions(suite: Suite) -> list[Permission]:
    """Return every permission: derived from models, and declared by the core and plugins."""
    declared = [permission for _, permission in suite.plugins.collect("core_permissions")]
    return [*model_permissions(suite.registry), *declared]


def sync_roles(session: ScopedSession, roles: Iterable[ShippedRole]) -> None:
    """Add shipped roles and renew those that no administrator has changed.

    Args:
        session: A write session.
        roles: `CORE_ROLES` and what plugins suggest.
    """
    known = {role.code: role for role in session.scalars(select(Role))}
    for shipped in roles:
        permissions = sorted(shipped.permissions)
        role = known.get(shipped.id)
        if role is None:
            role = Role(code=shipped.id, label_en=shipped.label.en, label_zh=shipped.label.zh, permissions=permissions)
            session.add(role)
        elif role.permissions == role.shipped and role.permissions != permissions:
            role.permissions = permissions
        if role.shipped != permissions:
            role.shipped = permissions
    session.flush()


def access_of(session: ScopedSession, user_id: int) -> Access:
    """Add up the grants of a person.

    Args:
        session: A session of a system actor.
        user_id: The person.
    """
    grants = session.execute(
        select(Grant.branch_id, Grant.subtree, Role.permissions)
        .join(Role, Role.id == Grant.role_id)
        .where(Grant.user_id == user_id)
    ).all()
    pairs = [(row.id, row.parent_id) for row in session.execute(select(Branch.id, Branch.parent_id))]
    branches: set[int] = set()
    for grant in grants:
        if grant.branch_id is not None:
            branches |= below(pairs, grant.branch_id) if grant.subtree else {grant.branch_id}
    everywhere = any(grant.branch_id is None for grant in grants)
    return Access(
        frozenset(name for grant in grants for name in grant.permissions),
        frozenset(own for own, _ in pairs) if everywhere else frozenset(branches),
        everywhere,
    )


def actor_of(session: ScopedSession, user: User, locale: str = "") -> Actor:
    """Return the actor that a person is, with today's rights.

    Args:
        session: A session of a system actor.
        user: The person; must be active.
        locale: Language of texts; default the person's own.

    Raises:
        PermissionDeniedError: The person was deactivated.
    """
    if not user.active:
        raise PermissionDeniedError("user_disabled", "The account {name} is switched off.", name=user.username)
    return build_actor(user.id, user.name, user.home_branch_id, locale or user.locale, access_of(session, user.id))


def build_actor(user_id: int, name: str, home: int | None, locale: str, access: Access) -> Actor:
    """Put an actor together; without a home branch the first of the scope stands in."""
    if home not in access.branch_ids and access.branch_ids:
        home = min(access.branch_ids)
    return Actor(
        user_id, name, access.permissions, access.branch_ids, access.sees_all_branches, home, locale=locale or "zh_CN"
    )


def give_grant(session: ScopedSession, user: User, role: Role, branch: Branch | None, *, subtree: bool = True) -> Grant:
    """Give a person a role at a branch, or for the whole installation without branch.

    Raises:
        PermissionDeniedError: The giver lacks a permission of the role or does not reach all of the branches.
    """
    actor = session.actor
    if actor is None:
        raise PermissionDeniedError("no_actor", "Only a person or a named task can give rights.")
    missing = [name for name in role.permissions if not actor.may(name)]
    rows = session.execute(select(Branch.id, Branch.parent_id))
    reached = below([(row.id, row.parent_id) for row in rows], branch.id) if branch and subtree else frozenset()
    outside = branch is None or not ({branch.id} | reached) <= actor.branch_ids
    if missing or (outside and not actor.sees_all_branches):
        raise PermissionDeniedError(
            "grant_beyond_own",
            "You can only give rights that you hold yourself.",
            "Ask an administrator of the whole installation.",
        )
    same = select(Grant).where(Grant.user_id == user.id, Grant.role_id == role.id)
    at = Grant.branch_id.is_(None) if branch is None else Grant.branch_id == branch.id
    grant = session.scalar(same.where(at))
    if grant is None:
        grant = Grant(user_id=user.id, role_id=role.id, branch_id=branch.id if branch else None)
        session.add(grant)
    grant.subtree = subtree
    session.flush()
    return grant


def give_role(session: ScopedSession, user: User, role_code: str, branch: Branch | None) -> Grant:
    """Give a person the role with a code.

    Args:
        session: A write session.
        user: The person.
        role_code: Code of the role.
        branch: The grant holds there and below; none means the whole installation.

    Raises:
        NotFoundError: There is no such role.
    """
    return give_grant(session, user, find_role(session, role_code), branch)


def find_role(session: ScopedSession, code: str) -> Role:
    """Return the role with a code.

    Raises:
        NotFoundError: There is none; names the nearest, or all.
    """
    roles = {role.code: role for role in session.scalars(select(Role).order_by(Role.code))}
    if code not in roles:
        near = difflib.get_close_matches(code, roles, n=1)
        raise NotFoundError(
            "unknown_role",
            "There is no role {role}.",
            "Did you mean {near}?",
            role=code,
            near=near[0] if near else ", ".join(roles),
        )
    return roles[code]


def reaches(database: Database, actor: Actor, user_id: int) -> bool:
    """Whether an actor holds all rights of an account, in all of its branches."""
    with database.read(system_actor("compare rights")) as session:
        theirs = access_of(session, user_id)
        home = session.scalar(select(User.home_branch_id).where(User.id == user_id))
    branches = theirs.branch_ids | ({home} if home is not None else set())
    within = actor.sees_all_branches or (not theirs.sees_all_branches and branches <= actor.branch_ids)
    return within and all(actor.may(name) for name in theirs.permissions)


def require_reach(database: Database, actor: Actor, user_id: int) -> None:
    """Refuse to administer an account with more rights than the actor holds: its password would give them away.

    Raises:
        PermissionDeniedError: The account reaches beyond the actor's branches or permissions.
    """
    if not reaches(database, actor, user_id):
        raise PermissionDeniedError(
            "account_beyond_own", "This account reaches beyond your own rights.", "Ask an administrator above you."
        )


@event.listens_for(ScopedSession, "before_flush")
def _end_cached_rights(session: ScopedSession, _context: object, _instances: object) -> None:
    """Raise the epochs whenever rights change, in the same transaction, so that no process keeps old ones."""
    changed = [*session.new, *session.deleted, *(row for row in session.dirty if session.is_modified(row))]
    if any(isinstance(row, (Role, Grant, Branch, SecondFactor, Setting)) for row in changed):
        _grow(session, ACCESS_EPOCH)
    if any(isinstance(row, Branch) for row in changed):
        _grow(session, "activation")


def _grow(session: ScopedSession, name: str) -> None:
    connection, table = session.connection(), Epoch.metadata.tables[Epoch.__tablename__]
    grown = connection.execute(update(table).where(table.c.name == name).values(value=table.c.value + 1))
    if grown.rowcount == 0:
        connection.execute(table.insert().values(name=name, value=1))
