"""Which county branch exports which files in which form: encodings, headers, date forms."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from random import Random
from typing import TypeVar

from plugins.crm_customers.demo.county_book import CountyBook
from plugins.crm_customers.demo.export import INSURER, Export, Form, Tally
from plugins.crm_customers.demo.files import SheetFile, TextFile
from plugins.crm_customers.demo.layouts import POLICY, POLICY_WITH_CHANGES, PolicyRow
from plugins.crm_customers.demo.list_layouts import CLAIM, ENDORSEMENT, REGISTRY
from plugins.crm_customers.demo.messy import Dirt
from plugins.crm_customers.demo.registry import RegistryRow

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class DemoFile:
    """A written file: ``profile`` to import it with, ``branch`` code it belongs to, what stands in it.

    ``encoding`` is ``"xlsx"`` or a Python codec; ``rows`` counts data rows, doubles (``same``) and refusals included.
    """

    path: Path
    profile: str
    branch: str
    encoding: str
    rows: int
    same: int
    rejected: dict[str, int]


@dataclass(frozen=True, slots=True)
class Kind:
    """A file kind: name ending, encoding (``xlsx`` for workbooks), delimiter."""

    ending: str
    encoding: str
    delimiter: str = ","


GBK, BOM, UTF16 = Kind(".csv", "gb18030"), Kind(".csv", "utf-8-sig"), Kind(".txt", "utf-16", "\t")
PACKED, SHEET = Kind(".csv.gz", "gb18030"), Kind(".xlsx", "xlsx")


@dataclass(frozen=True, slots=True)
class System:
    """A branch's export habits.

    Args:
        kind: File kind of all its lists.
        dialect: Which aliases its headers use.
        dates: Date form, see :class:`Dirt`.
        changes_inside: Endorsements stand in the policy list (T9-15), there is no endorsement list.
        claims_unit: Yuan in one unit of its claim list.
        page: Data rows a printed page holds; its header is repeated. 0: never.
        subtotal: Data rows between 小计 rows; 0: never.
    """

    kind: Kind
    dialect: int
    dates: str
    changes_inside: bool = False
    claims_unit: int = 1
    page: int = 0
    subtotal: int = 0


SYSTEMS = {
    "330402": System(GBK, 0, "iso", subtotal=1500),
    "330411": System(BOM, 1, "slash"),
    "330421": System(UTF16, 2, "compact", claims_unit=10_000),
    "330424": System(SHEET, 3, "native"),
    "330481": System(PACKED, 1, "chinese", changes_inside=True),
    "330482": System(BOM, 3, "serial", page=800),
    "330483": System(GBK, 0, "mixed"),
}


def open_file(path: Path, kind: Kind, created: date) -> AbstractContextManager[SheetFile | TextFile]:
    """Opens a file of the kind for writing rows."""
    if kind is SHEET:
        return SheetFile(path, "Sheet1", created)
    return TextFile(path, kind.encoding, kind.delimiter)


class BranchFiles:
    """Writes the lists of one county branch into a folder."""

    def __init__(self, folder: Path, as_of: date, rng: Random, book: CountyBook) -> None:
        self._folder = folder
        self._as_of = as_of
        self._rng = rng
        self._book = book
        self._system = SYSTEMS[book.county.code]

    def write(self, registry: Iterable[RegistryRow]) -> list[DemoFile]:
        """Returns the branch's files: policies, endorsements unless they stand inside, claims, registry."""
        book, system = self._book, self._system
        found = [self._policies()]
        if not system.changes_inside:
            form = Form("endorsement", ENDORSEMENT, system.dialect, self._titles("批单清单", 1))
            found.append(self._list(form, "批单清单", book.endorsements))
        claims = Form("claim", CLAIM, system.dialect, self._titles("赔案清单", system.claims_unit))
        found.append(self._list(claims, "赔案清单", book.claims, system.claims_unit))
        found.append(self._registry(registry))
        return found

    def _policies(self) -> DemoFile:
        book, system = self._book, self._system
        rows = [PolicyRow(term) for term in book.terms]
        if system.changes_inside:
            rows += [PolicyRow(change.term, change) for change in book.endorsements]
        form = Form(
            "policy",
            POLICY_WITH_CHANGES if system.changes_inside else POLICY,
            system.dialect,
            self._titles("承保清单", 1),
            system.page,
            system.subtotal,
            "premium",
            lambda row: row.change.change if row.change else row.term.premium,
            lambda row: row.change is None,
        )
        return self._list(form, "承保清单", rows)

    def _registry(self, rows: Iterable[RegistryRow]) -> DemoFile:
        # The registration office's list, not the branch's system: a text file in every county.
        kind = GBK if self._system.kind is SHEET else self._system.kind
        dates = "iso" if self._system.kind is SHEET else self._system.dates
        form = Form("vehicle_registry", REGISTRY, self._system.dialect)
        return self._write(form, "社会车辆", rows, kind, Dirt(self._rng, dates))

    def _titles(self, name: str, unit: int) -> tuple[str, ...]:
        branch = f"{self._book.county.short}支公司"
        made = f"制表日期：{self._as_of:%Y-%m-%d}"
        return (f"{INSURER} {name}", f"机构：{branch}  {made}", "单位：万元" if unit > 1 else "单位：元")

    def _list(self, form: Form[T], name: str, items: Iterable[T], unit: int = 1) -> DemoFile:
        system = self._system
        dirt = Dirt(self._rng, system.dates, system.kind is SHEET, unit)
        return self._write(form, name, items, system.kind, dirt)

    def _write(self, form: Form[T], name: str, items: Iterable[T], kind: Kind, dirt: Dirt) -> DemoFile:
        county = self._book.county
        path = self._folder / f"{name}_{county.short}_{self._as_of.year}{kind.ending}"
        with open_file(path, kind, self._as_of) as target:
            export = Export(form, dirt, target)
            export.begin()
            export.add(items)
            export.end()
        return describe(path, form.profile, county.code, kind, export.tally)


def describe(path: Path, profile: str, branch: str, kind: Kind, tally: Tally) -> DemoFile:
    """Returns the description of a written file."""
    return DemoFile(path, profile, branch, kind.encoding, tally.rows, tally.same, dict(tally.rejected))
