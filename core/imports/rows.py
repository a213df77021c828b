"""Turn the cells of one row into its records, or into all its errors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from core.errors import InvalidValueError
from core.imports.binding import Binder
from core.imports.caches import Lookup
from core.imports.conversions import cell_text
from core.imports.headers import Header
from core.imports.profiles import Profile
from core.imports.records import Built, value_error


@dataclass(frozen=True, slots=True)
class BuiltRow:
    """One good row: the key it is grouped by, its records, its branch as the file names it."""

    main_key: str | None
    records: list[Built]
    branch: str | None


class RowPlan:
    """Everything a sheet's header decides, worked out once: reads rows of that sheet.

    Args:
        profile: What the columns mean.
        header: Header of the sheet.
        zone: IANA time zone of the file's clock times.

    Raises:
        ImportFileError: ``wrong_profile`` where a required column is missing.
    """

    def __init__(self, profile: Profile, header: Header, zone: str = "Asia/Shanghai") -> None:
        binder = Binder(profile, header, zone)
        self.profile = profile
        self.header = header
        self.records = binder.records
        self.unmapped = binder.unmapped
        self.width = len(header.names)
        self._branch = binder.branch
        self._groups = list(binder.compiler.groups)
        self._main = next(at for at, plan in enumerate(self.records) if plan.main)
        blank = self.extend([], 0)
        for at, plan in enumerate(self.records):
            plan.number = at
            plan.learn_blank(blank)
            plan.learn_covering(self.records[:at])

    @property
    def key_columns(self) -> tuple[int, ...]:
        """Positions of the columns the main record's key is made of."""
        key = self.records[self._main].key
        return key.columns if key is not None else ()

    def amounts(self) -> dict[int, Lookup]:
        """Return column -> reader of cents, for every column that alone feeds an amount of money."""
        found: dict[int, Lookup] = {}
        for plan in self.records:
            for name, slot in plan.slots.items():
                if plan.types[name] == "money" and len(slot.columns) == 1:
                    found.setdefault(slot.columns[0], slot.cache)
            for _, _, slot in plan.each.columns if plan.each and plan.types[plan.each.value] == "money" else ():
                found.setdefault(slot.index, slot.cache)
        return found

    def mapping(self) -> dict[str, list[str]]:
        """Return header -> the fields, keys and links it feeds, as ``record.field``."""
        found: dict[str, list[str]] = {}
        for plan in self.records:
            for name, slot in plan.all_slots():
                for at in slot.columns:
                    found.setdefault(self.header.names[at], []).append(f"{plan.name}.{name}")
        return found

    def extend(self, cells: list[Any], row_no: int) -> list[Any]:
        """Bring the cells to the header's width and add the row ordinal and the groups of cells the plan needs."""
        missing = self.width - len(cells)
        if missing > 0:
            cells += [""] * missing
        elif missing < 0:
            del cells[self.width :]
        cells.append(row_no)
        for pick in self._groups:
            cells.append(pick(cells))
        return cells

    def key_of(self, row: Sequence[Any]) -> str | None:
        """Return the key by which an extended row is grouped; none for a row without key or with a wrong one."""
        main = self.records[self._main]
        try:
            if not main.applies(row):
                return self.build(row).main_key
            return None if main.key is None else main.key.cache[row[main.key.index]]
        except InvalidValueError:
            return None

    def build(self, row: Sequence[Any]) -> BuiltRow:
        """Read an extended row.

        A row without its main record (an endorsement in a policy list) is grouped by the first key it has.

        Raises:
            InvalidValueError: Some value is wrong; :meth:`errors` lists them all.
        """
        records: list[Built] = []
        main_key: str | None = None
        other_key: str | None = None
        for plan in self.records:
            key = plan.build(row, records)
            if plan.main:
                main_key = key
            elif other_key is None and key is not None:
                other_key = f"{plan.name}:{key}"
        if not records:
            raise _nothing_found()
        has_main = self.records[self._main].applies(row)
        branch = None if self._branch is None else self._branch[1][row[self._branch[0]]]
        return BuiltRow(main_key if has_main else other_key, records, branch)

    def errors(self, row: Sequence[Any]) -> list[dict[str, Any]]:
        """Return every error of an extended row: code, message, cure, facts, column, value."""
        found: dict[tuple[str, str], dict[str, Any]] = {}
        for plan in self.records:
            for _, slot in plan.all_slots() if plan.applies(row) else ():
                try:
                    slot.cache[row[slot.index]]
                except InvalidValueError as problem:
                    text = " | ".join(cell_text(row[at]) for at in slot.columns)
                    found.setdefault((slot.label, problem.code), value_error(problem, slot.label, text))
        return list(found.values()) or [value_error(self._contradiction(row) or _nothing_found(), "", "")]

    def _contradiction(self, row: Sequence[Any]) -> InvalidValueError | None:
        for plan in self.records:
            try:
                plan.check_reading(row)
            except InvalidValueError as problem:
                return problem
        return None


def _nothing_found() -> InvalidValueError:
    return InvalidValueError(
        "row_empty", "No record can be read from this row.", "Fill the columns that make up the keys."
    )
