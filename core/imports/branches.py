"""Find the branch that a file row names, within what the importing actor may write."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import TYPE_CHECKING

from sqlalchemy import select

from core.errors import BanyanError, InvalidValueError, NotFoundError
from core.security.branches import find_branch
from core.security.models import Branch

if TYPE_CHECKING:
    from core.db.session import ScopedSession
    from core.security.actors import Actor


class BranchNames:
    """Branches by code and name.

    Args:
        branches: (id, code, name) of all active branches.
        default_id: Branch of rows that name none.
        allowed: Branches the actor may write, or none for all.
    """

    def __init__(
        self, branches: Iterable[tuple[int, str, str]], default_id: int, allowed: frozenset[int] | None
    ) -> None:
        self.by_text: dict[str, int] = {}
        for branch_id, code, name in branches:
            self.by_text[name] = branch_id
            self.by_text[code] = branch_id
        self.default_id = default_id
        self.allowed = allowed
        self._found: dict[str | None, int | BanyanError] = {None: default_id}

    def find(self, text: str | None) -> int:
        """Return the branch id for a code or name; none gives the default.

        Raises:
            InvalidValueError: ``unknown_branch`` or ``foreign_branch``.
        """
        found = self._found.get(text)
        if found is None:
            found = self._found[text] = self._search(text or "")
        if isinstance(found, BanyanError):
            raise found
        return found

    def check(self, branch_id: int) -> BanyanError | None:
        """Return why a branch may not be written by the actor, or none."""
        if self.allowed is None or branch_id in self.allowed:
            return None
        name = next((text for text, found in self.by_text.items() if found == branch_id), str(branch_id))
        return _foreign(name)

    def _search(self, text: str) -> int | BanyanError:
        branch_id = self.by_text.get(text)
        if branch_id is None:
            near = difflib.get_close_matches(text, self.by_text, n=1)
            cure = "Did you mean {near}?" if near else "Register the branch, or map it in the profile."
            return InvalidValueError(
                "unknown_branch", "There is no branch {branch}.", cure, branch=text, near=near[0] if near else ""
            )
        return branch_id if self.allowed is None or branch_id in self.allowed else _foreign(text)


def _foreign(branch: str) -> InvalidValueError:
    return InvalidValueError(
        "foreign_branch",
        "The branch {branch} is not one of yours.",
        "Let somebody of that branch import the row.",
        branch=branch,
    )


def branch_of(session: ScopedSession, actor: Actor, branch: str | None) -> int:
    """Return the branch of rows that name none: the one asked for, the actor's own, or the only root.

    Raises:
        NotFoundError: Unknown branch, one beyond the actor's, or none given where several are possible.
    """
    if branch is not None:
        found = find_branch(session, branch).id
    elif actor.home_branch_id is not None:
        found = actor.home_branch_id
    else:
        roots = session.scalars(select(Branch.id).where(Branch.parent_id.is_(None))).all()
        if len(roots) != 1:
            raise NotFoundError("branch_needed", "The import needs a branch.", "Give its code with --branch.")
        found = roots[0]
    if not actor.sees_all_branches and found not in actor.branch_ids:
        raise NotFoundError(
            "foreign_branch",
            "There is no branch {branch} of yours.",
            "Choose one of your branches.",
            branch=branch or found,
        )
    return found
