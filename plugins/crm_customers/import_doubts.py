"""Customers of an import that may be one with others: their number and names, for its dry run and its result."""

from __future__ import annotations

from sqlalchemy import func, select

from core.api import ImportDoubt, ImportDoubts, Label, ScopedSession
from plugins.crm_customers.duplicate_candidates import CHUNK, find_candidates
from plugins.crm_customers.models import Customer, DuplicateCandidate

EXAMPLES = 200
LABEL = Label("Possible duplicates", "疑似重复")
REASONS = {
    "name": Label("same name", "姓名相同"),
    "core_name": Label("same name without place and legal form", "字号相同"),
    "birth": Label("same birthday", "出生日期相同"),
    "phone": Label("same number", "电话相同"),
    "address": Label("same address", "地址相同"),
}
HIDDEN = "***"
"""Stands for a customer of another branch."""


def import_doubts(session: ScopedSession, batch_id: int, *, trial: bool) -> ImportDoubts:
    """Return the candidates that a batch brought; in a trial they are looked for first."""
    if trial:
        made = select(Customer.id).where(Customer.created_batch_id == batch_id)
        ids = list(session.connection().execute(made).scalars())
        for start in range(0, len(ids), CHUNK):
            find_candidates(session, ids[start : start + CHUNK], batch_id)
    pair = DuplicateCandidate
    mine = (pair.created_batch_id == batch_id, pair.state == "open")
    number = session.scalar(select(func.count()).select_from(pair).where(*mine)) or 0
    best = select(pair.first_id, pair.second_id, pair.reasons).where(*mine)
    rows = session.execute(best.order_by(pair.score.desc(), pair.id).limit(EXAMPLES)).all()
    names = _names(session, {each for row in rows for each in (row.first_id, row.second_id)})
    return ImportDoubts(LABEL, number, [_doubt(names, *row) for row in rows])


def _names(session: ScopedSession, ids: set[int]) -> dict[int, str]:
    """Return the names of the customers that the person may see."""
    found = session.execute(select(Customer.id, Customer.name, Customer.number).where(Customer.id.in_(ids)))
    return {row.id: f"{row.name} {row.number}" for row in found}


def _doubt(names: dict[int, str], first_id: int, second_id: int, reasons: list[str] | None) -> ImportDoubt:
    """Name the newer customer first: it is the one that came with the import."""
    one, other = (names.get(each, HIDDEN) for each in (max(first_id, second_id), min(first_id, second_id)))
    return ImportDoubt(one, other, tuple(REASONS[reason] for reason in reasons or () if reason in REASONS))
