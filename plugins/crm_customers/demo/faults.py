"""The rows of an export that an import must refuse: made from good rows by spoiling one cell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from plugins.crm_customers.demo.files import Cell


@dataclass(frozen=True, slots=True)
class Fault:
    """One reason to refuse a row: the column it shows in and the text found there.

    ``number`` replaces the text in a file with typed cells: a policy number Excel turned into a float (T9-10).
    """

    reason: str
    key: str
    text: str
    number: float | None = None


# The start of policy numbers no branch ever gave out; a running number completes them.
UNKNOWN_POLICY = "61013304992020"

# Profile → faults; impossible dates and ambiguous ones T9-2, lost precision T9-10, unknown policies facts 11 row 25.
FAULTS: dict[str, tuple[Fault, ...]] = {
    "policy": (
        Fault("impossible_date", "start", "2026-02-30"),
        Fault("ambiguous_date", "start", "03/04/25"),
        Fault("precision_lost", "number", "6.1013E+21", 6.1013304020000004e21),
        Fault("bad_amount", "premium", "见批单"),
    ),
    "endorsement": (
        Fault("unknown_policy", "policy", UNKNOWN_POLICY),
        Fault("impossible_date", "effective", "2025-13-01"),
    ),
    "claim": (
        Fault("unknown_policy", "policy", UNKNOWN_POLICY),
        Fault("impossible_date", "lost", "2025-02-30"),
        Fault("ambiguous_date", "lost", "19/09/20"),
        Fault("precision_lost", "policy", "6.1013E+21", 6.1013304020000004e21),
    ),
    "receivable": (
        Fault("unknown_policy", "policy", UNKNOWN_POLICY),
        Fault("bad_amount", "amount", "待定"),
    ),
    "vehicle_registry": (
        Fault("impossible_date", "registered", "2021-02-29"),
        Fault("ambiguous_date", "registered", "03/04/05"),
    ),
    "customer": (
        Fault("missing_name", "name", ""),
        Fault("precision_lost", "id", "3.30402E+17", 3.30402199e17),
    ),
}


def spoil(cells: Sequence[Cell], keys: Sequence[str], fault: Fault, serial: int, native: bool) -> list[Cell]:
    """Returns a copy of a good row that shows the fault.

    Args:
        cells: The good row.
        keys: The column keys, in the cells' order.
        fault: What to spoil.
        serial: A running number; it gives the row a key of its own, so that no good row is touched.
        native: The file has typed cells.
    """
    row = list(cells)
    if "number" in keys:
        row[keys.index("number")] = f"{str(row[keys.index('number')])[:14]}{90_000_000 + serial}"
    text = f"{fault.text}{serial:08d}" if fault.text == UNKNOWN_POLICY else fault.text
    row[keys.index(fault.key)] = fault.number if native and fault.number is not None else text
    return row
