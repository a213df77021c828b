"""The entry: writes the whole portfolio of 嘉兴 into a folder and says what an import of it must give."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path
from zlib import crc32

from plugins.crm_customers.demo.branch_files import BOM, GBK, BranchFiles, DemoFile, describe, open_file
from plugins.crm_customers.demo.county_book import CountyBook, CountyPlay
from plugins.crm_customers.demo.export import INSURER, Export, Form
from plugins.crm_customers.demo.holders import Holder
from plugins.crm_customers.demo.list_layouts import CUSTOMER, RECEIVABLE, CustomerRow
from plugins.crm_customers.demo.messy import Dirt
from plugins.crm_customers.demo.prospects import draw_prospects
from plugins.crm_customers.demo.receivables import Instalment
from plugins.crm_customers.demo.registry import RegistryRow, draw_registry
from plugins.crm_customers.demo.scene import Scene
from plugins.crm_customers.demo.tables import CITY_BRANCH, counties

# The rest of the customers are prospects who never bought.
_POLICYHOLDER_SHARE = 0.8
# Customers of one branch who also buy at the next one.
_VISITORS = 0.015


@dataclass(slots=True)
class Control:
    """What an import of all files must give; money in cents, refused and doubled rows left out.

    ``customers`` counts policyholders and listed prospects by truth, registry owners not; ``premium`` includes
    endorsements; ``outstanding`` is on claims; ``receivable_open`` is what is not yet received, ``receivable_overdue``
    the part due before the portfolio's day; ``vehicles`` are insured ones, ``registry_known`` those of them in the
    registry.
    """

    customers: int = 0
    organisations: int = 0
    managers: int = 0
    policies: int = 0
    endorsements: int = 0
    premium: int = 0
    claims: int = 0
    paid: int = 0
    outstanding: int = 0
    receivables: int = 0
    receivable_open: int = 0
    receivable_overdue: int = 0
    vehicles: int = 0
    registry_vehicles: int = 0
    registry_known: int = 0


@dataclass(frozen=True, slots=True)
class Portfolio:
    """The written files in the order to import them, and the control figures."""

    files: list[DemoFile]
    control: Control

    def figures(self) -> dict[str, int]:
        """Returns the control figures by name."""
        return asdict(self.control)


_ORDER = ("customer", "policy", "endorsement", "claim", "receivable", "vehicle_registry")


def write_portfolio(
    folder: Path, as_of: date, customers: int = 21_000, registry_vehicles: int = 52_000, seed: int = 20_261_121
) -> Portfolio:
    """Writes the demonstration portfolio; equal arguments give equal bytes.

    Args:
        folder: Where the files go; made if missing.
        as_of: The day the exports were made; five years of policies lie before it, nothing is signed after it.
        customers: Policyholders and prospects together.
        registry_vehicles: Rows of the 社会车辆 lists together.
        seed: Start of the chance.

    Returns:
        The files in the order to import them, and the control figures.

    Raises:
        OSError: The folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with _collector_paused():
        return _Writer(folder, Scene.of(seed, as_of)).write(customers, registry_vehicles)


@contextmanager
def _collector_paused() -> Iterator[None]:
    # The facts hold no reference cycles; searching a county's worth of them again and again costs a fifth of the time.
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


class _Writer:
    """Plays and writes one county after the other, so that only one is in memory."""

    def __init__(self, folder: Path, scene: Scene) -> None:
        self._folder = folder
        self._scene = scene
        self._control = Control()
        self._files: list[DemoFile] = []
        self._known: list[Holder] = []

    def write(self, customers: int, registry_vehicles: int) -> Portfolio:
        policyholders = round(customers * _POLICYHOLDER_SHARE)
        self._counties(policyholders, registry_vehicles)
        self._prospects(customers - policyholders)
        self._files.sort(key=lambda file: _ORDER.index(file.profile))
        return Portfolio(self._files, self._control)

    def _counties(self, policyholders: int, registry_vehicles: int) -> None:
        path = self._folder / f"应收清单_嘉兴_{self._scene.as_of.year}{BOM.ending}"
        form = Form("receivable", RECEIVABLE, 0, (f"{INSURER} 应收保费清单", "单位：元"), 0, 0, "amount", _amount)
        dirt = Dirt(self._scene.rng, "iso")
        with open_file(path, BOM, self._scene.as_of) as target:
            receivables = Export(form, dirt, target)
            receivables.begin()
            visitors: list[Holder] = []
            shares = zip(_split(policyholders), _split(registry_vehicles), strict=True)
            for county, (holders, vehicles) in zip(counties(), shares, strict=True):
                book = CountyPlay(self._scene, county).play(holders, visitors)
                receivables.add(book.instalments)
                self._branch(book, vehicles)
                visitors = self._scene.rng.sample(book.holders, int(len(book.holders) * _VISITORS))
            receivables.end()
        self._files.append(describe(path, "receivable", CITY_BRANCH, BOM, receivables.tally))

    def _branch(self, book: CountyBook, vehicles: int) -> None:
        registry = draw_registry(self._scene, book.county, book.vehicles, vehicles)
        files = BranchFiles(self._folder, self._scene.as_of, self._scene.rng, book)
        known = 0

        def counted() -> Iterator[RegistryRow]:
            nonlocal known
            for row in registry:
                known += row.ours
                yield row

        self._files += files.write(counted())
        self._control.registry_known += known
        self._control.registry_vehicles += vehicles
        self._known += self._scene.rng.sample(book.holders, min(60, len(book.holders)))
        _count(self._control, book, self._scene.as_of)

    def _prospects(self, number: int) -> None:
        scene, control = self._scene, self._control
        control.customers += number
        for prospects in draw_prospects(scene, number, self._known):
            path = self._folder / f"{prospects.name}{GBK.ending}"
            form: Form[CustomerRow] = Form("customer", CUSTOMER, 0, (prospects.name.replace("_", " "),))
            with open_file(path, GBK, scene.as_of) as target:
                export = Export(form, Dirt(scene.rng), target)
                export.begin()
                export.add(
                    CustomerRow(holder, prospects.source, _swept(holder, scene.as_of)) for holder in prospects.holders
                )
            control.organisations += prospects.organisations
            self._files.append(describe(path, "customer", CITY_BRANCH, GBK, export.tally))


def _swept(holder: Holder, as_of: date) -> date | None:
    """Return the day of the last call, for two prospects in five; drawn from the name, so that no other draw moves."""
    draw = crc32(holder.name.encode())
    return as_of - timedelta(days=draw // 5 % 180) if draw % 5 < 2 else None


def _split(number: int) -> list[int]:
    """Returns the counties' shares of a number; they add up to it."""
    parts = [round(number * county.share) for county in counties()]
    parts[0] += number - sum(parts)
    return parts


def _amount(instalment: Instalment) -> int:
    return instalment.amount


def _count(control: Control, book: CountyBook, as_of: date) -> None:
    control.customers += len(book.holders)
    control.organisations += sum(not holder.person for holder in book.holders)
    control.managers += len(book.managers)
    control.policies += len(book.terms)
    control.endorsements += len(book.endorsements)
    control.premium += sum(term.premium for term in book.terms) + sum(change.change for change in book.endorsements)
    control.claims += len(book.claims)
    control.paid += sum(claim.paid for claim in book.claims)
    control.outstanding += sum(claim.outstanding for claim in book.claims)
    control.receivables += len(book.instalments)
    control.vehicles += len(book.vehicles)
    for instalment in book.instalments:
        left = instalment.amount - instalment.received
        control.receivable_open += left
        control.receivable_overdue += left if instalment.due < as_of else 0
