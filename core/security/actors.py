"""The actor: on whose behalf something runs, with which permissions and branches."""

from __future__ import annotations

from dataclasses import dataclass

from core.errors import PermissionDeniedError


@dataclass(frozen=True)
class Actor:
    """A person or a named system task.

    Args:
        user_id: The person, ``None`` for a system task.
        name: For screens and the audit trail.
        permissions: Names such as ``crm_customers.customer.view``; ``*`` grants all, ``*.view`` that verb on every
            plugin's models, never on the core's own.
        branch_ids: Branches whose rows the actor sees and writes.
        sees_all_branches: No branch rule applies.
        home_branch_id: Branch of new records and of the start page.
        reason: Why a system task runs; written to the audit trail.
        locale: ``zh_CN`` or ``en``.
        token: Prefix of the interface token by which a program acts; empty for people; written to the audit trail.
    """

    user_id: int | None
    name: str
    permissions: frozenset[str] = frozenset()
    branch_ids: frozenset[int] = frozenset()
    sees_all_branches: bool = False
    home_branch_id: int | None = None
    reason: str = ""
    locale: str = "zh_CN"
    token: str = ""

    def may(self, permission: str) -> bool:
        """Whether the actor holds a permission."""
        if permission in self.permissions or "*" in self.permissions:
            return True
        owner, _, rest = permission.partition(".")
        return owner != "core" and f"*.{rest.rpartition('.')[2]}" in self.permissions

    def require(self, permission: str) -> None:
        """Refuse unless the actor holds a permission.

        Raises:
            PermissionDeniedError: The permission is missing.
        """
        if not self.may(permission):
            raise PermissionDeniedError(
                "permission_missing",
                "This needs the permission {permission}.",
                "Ask an administrator for a role that has it.",
                permission=permission,
            )


SYSTEM = "system"
"""Name of the actor of system tasks."""


def system_actor(reason: str) -> Actor:
    """Return the actor of a system task, which sees all branches; the reason is audited."""
    return Actor(None, SYSTEM, frozenset({"*"}), sees_all_branches=True, reason=reason)
