"""Directories of prospects: a customer who is known already is reported with its number and not inserted (CL-04)."""

from __future__ import annotations

from collections.abc import Sequence

from core.api import Chunk, Entry, InvalidValueError, fetch_in

_BY_NAME = (
    "SELECT name_key, id FROM crm_customers_customer WHERE merged_into_id IS NULL AND kind = 'organisation' "
    "AND name_key IN {values}"
)


def refuse_known(chunk: Chunk, entries: Sequence[Entry]) -> None:
    """Reject the rows of customers who are known: by document or number, a firm by its name, or earlier in the file.

    A name alone never makes two customers one, but it is enough not to insert a second one from a directory.

    Args:
        chunk: The chunk.
        entries: Deliveries that the source did not make before; ``row_id`` is set where a customer was recognised.
    """
    firms = {entry.reading.name_key for entry in entries if entry.row_id is None and entry.reading.kind != "person"}
    known: dict[str, int] = dict(map(tuple, fetch_in(chunk.connection, _BY_NAME, sorted(firms))))
    seen: dict[str, Entry] = {}
    for entry in entries:
        customer = entry.row_id or known.get(entry.reading.name_key)
        first = seen.setdefault(entry.reading.name_key, entry)
        entry.row_id = None
        if customer is not None:
            entry.group.error = _is_customer(customer)
        elif first is not entry and entry.reading.kind != "person":
            entry.group.error = _stands_twice(first.row_no)


def _is_customer(customer_id: int) -> InvalidValueError:
    return InvalidValueError(
        "known_customer",
        "This is customer {number} already.",
        "Nothing to do; correct the row if it is somebody else.",
        number=f"C{customer_id:08d}",
    )


def _stands_twice(row_no: int) -> InvalidValueError:
    return InvalidValueError(
        "repeated_customer",
        "The same name stands in data row {row} already.",
        "Keep one of them, or add what tells them apart.",
        row=row_no,
    )
