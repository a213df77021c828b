"""The tree of branches: adding, finding, walking."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from sqlalchemy import select

from core.db.session import ScopedSession
from core.errors import BanyanError, ConflictError, InvalidInputError, InvalidValueError, NotFoundError
from core.security.models import Branch


def tree(session: ScopedSession) -> list[tuple[int, Branch]]:
    """Return all branches with their depth (root 0), parents before children, siblings by code."""
    children: dict[int | None, list[Branch]] = {}
    for branch in session.scalars(select(Branch).order_by(Branch.code)):
        children.setdefault(branch.parent_id, []).append(branch)
    rows: list[tuple[int, Branch]] = []
    waiting = [(0, branch) for branch in reversed(children.get(None, []))]
    while waiting:
        depth, branch = waiting.pop()
        rows.append((depth, branch))
        waiting.extend((depth + 1, child) for child in reversed(children.get(branch.id, [])))
    return rows


def find_branch(session: ScopedSession, text: str) -> Branch:
    """Return the branch with a code or, failing that, a name.

    Raises:
        NotFoundError: There is none; names the nearest.
    """
    wanted = text.strip()
    branches = session.scalars(select(Branch)).all()
    for branch in branches:
        if branch.code == wanted:
            return branch
    named = [branch for branch in branches if branch.name == wanted]
    if len(named) == 1:
        return named[0]
    names = [name for branch in branches for name in (branch.code, branch.name)]
    near = difflib.get_close_matches(wanted, names, n=1, cutoff=0.4)
    raise NotFoundError(
        "unknown_branch",
        "There is no branch {branch}.",
        "Did you mean {near}?" if near else "`banyan branch list` shows the branches.",
        branch=wanted,
        near=near[0] if near else "",
    )


def subtree_ids(session: ScopedSession, branch_id: int) -> frozenset[int]:
    """Return a branch and everything below it."""
    rows = session.execute(select(Branch.id, Branch.parent_id))
    return below([(row.id, row.parent_id) for row in rows], branch_id)


def below(pairs: Iterable[tuple[int, int | None]], branch_id: int) -> frozenset[int]:
    """Return a branch and everything below it, from (id, parent id) pairs."""
    children: dict[int | None, list[int]] = {}
    for own, parent in pairs:
        children.setdefault(parent, []).append(own)
    found: set[int] = set()
    waiting = [branch_id]
    while waiting:
        current = waiting.pop()
        if current not in found:
            found.add(current)
            waiting.extend(children.get(current, []))
    return frozenset(found)


def add_branch(
    session: ScopedSession, code: str, name: str, parent: Branch | None = None, area_code: str = ""
) -> Branch:
    """Add a branch.

    Args:
        session: A write session of an actor who may edit branches.
        code: Short code, unique.
        name: Name for people.
        parent: The branch above; none for a root.
        area_code: Telephone area code with leading zero, for land lines written without it.

    Raises:
        InvalidInputError: Code or name is empty, or the area code is not one.
        ConflictError: The code is taken.
    """
    code, name, area_code = code.strip(), name.strip(), area_code.strip()
    problems = _problems(code, name, area_code)
    if problems:
        raise InvalidInputError(problems)
    if session.scalar(select(Branch.id).where(Branch.code == code)) is not None:
        raise ConflictError(
            "branch_code_taken", "There is already a branch {branch}.", "Choose another code.", branch=code
        )
    branch = Branch(code=code, name=name, parent_id=parent.id if parent else None, area_code=area_code)
    session.add(branch)
    session.flush()
    return branch


def _problems(code: str, name: str, area_code: str) -> dict[str, BanyanError]:
    problems: dict[str, BanyanError] = {}
    if not code or len(code) > 40:
        problems["code"] = InvalidValueError("wrong_length", "Give between 1 and {most} characters.", most=40)
    if not name or len(name) > 120:
        problems["name"] = InvalidValueError("wrong_length", "Give between 1 and {most} characters.", most=120)
    if area_code and not (area_code.isascii() and area_code.isdigit() and area_code[0] == "0" and len(area_code) < 5):
        problems["area_code"] = InvalidValueError("not_an_area_code", "An area code looks like 0573.")
    return problems
