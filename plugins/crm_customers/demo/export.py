"""Writes one export: titles, unit line, header, rows, repeated headers, subtotals, doubles, rows to be refused."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from plugins.crm_customers.demo.faults import FAULTS, spoil
from plugins.crm_customers.demo.files import Cell, RowWriter
from plugins.crm_customers.demo.layouts import Column, Layout, in_dialect
from plugins.crm_customers.demo.messy import Dirt

T = TypeVar("T")
INSURER = "禾安财产保险股份有限公司嘉兴中心支公司"  # made up


@dataclass(slots=True)
class Tally:
    """What stands in an export: data rows, rows repeated word for word, rows to be refused by reason."""

    rows: int = 0
    same: int = 0
    rejected: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Form(Generic[T]):
    """The outer form of an export.

    Args:
        profile: The import profile the file is made for.
        layout: The columns.
        dialect: Which headers and columns the branch's system uses.
        titles: Lines above the header.
        page: Data rows between repeated page headers; 0 for none.
        subtotal: Data rows between 小计 rows; 0 for none.
        total_key: Column summed in 小计 and 合计 rows; empty for no such rows.
        total: A row's cents for the sums.
        may_spoil: Whether a row to be refused may be made from this one.
    """

    profile: str
    layout: Layout[T]
    dialect: int
    titles: tuple[str, ...] = ()
    page: int = 0
    subtotal: int = 0
    total_key: str = ""
    total: Callable[[T], int] = lambda _: 0
    may_spoil: Callable[[T], bool] = lambda _: True


class Export(Generic[T]):
    """Writes the rows of one file.

    Args:
        form: The outer form.
        dirt: How values are written.
        target: Where the rows go.
    """

    def __init__(self, form: Form[T], dirt: Dirt, target: RowWriter) -> None:
        self._form = form
        self._dirt = dirt
        self._target = target
        self._columns: tuple[Column[T], ...] = in_dialect(form.layout, form.dialect)
        self._keys = [column.key for column in self._columns]
        self._cells = [column.cell for column in self._columns]
        self._faults = FAULTS[form.profile]
        self._sum = self._part = 0
        self.tally = Tally()

    def begin(self) -> None:
        """Writes titles and header."""
        for title in self._form.titles:
            self._target.write([title])
        self._header()

    def add(self, items: Iterable[T]) -> None:
        """Writes the items; every file shows each of its faults, about one row in two hundred is refused."""
        rng, form, dirt, write = self._dirt.rng, self._form, self._dirt, self._target.write
        for item in items:
            row = [cell(item, dirt) for cell in self._cells]
            write(row)
            self.tally.rows += 1
            self._count(form.total(item))
            if rng.random() < 0.004:
                write(row)
                self.tally.rows += 1
                self.tally.same += 1
            short = self.tally.rejected.total() < len(self._faults)
            if (short or rng.random() < 0.004) and form.may_spoil(item):
                self._refused(row)

    def end(self) -> None:
        """Writes the closing total."""
        if self._form.total_key:
            self._total("合计", self._sum)

    def _count(self, cents: int) -> None:
        form, rows = self._form, self.tally.rows
        self._sum += cents
        self._part += cents
        if form.subtotal and rows % form.subtotal == 0:
            self._total("小计", self._part)
            self._part = 0
        if form.page and rows % form.page == 0:
            self._header()

    def _refused(self, row: list[Cell]) -> None:
        tally = self.tally
        fault = self._faults[tally.rejected.total() % len(self._faults)]
        self._target.write(spoil(row, self._keys, fault, tally.rows, self._dirt.native))
        tally.rows += 1
        tally.rejected[fault.reason] += 1

    def _header(self) -> None:
        self._target.write([column.header(self._form.dialect) for column in self._columns])

    def _total(self, word: str, cents: int) -> None:
        row: list[Cell] = [""] * len(self._keys)
        row[0] = word
        row[self._keys.index(self._form.total_key)] = self._dirt.money(cents)
        self._target.write(row)
