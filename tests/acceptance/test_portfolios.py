"""Three real portfolios imported by their shipped profiles: every control total, again without a change, undone."""

from __future__ import annotations

import shutil
from collections import Counter, defaultdict
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from core.db.sqlite import dbapi2 as sqlite
from tests.acceptance.installation import DATA, Installation

pytestmark = [
    pytest.mark.portfolio,
    pytest.mark.feature("CU-11", "CU-12"),
    pytest.mark.skipif(not DATA.is_dir(), reason="the real portfolios are not beside the checkout"),
]

FILES = {
    "motor_fr_clients_policies": "motor_fr_clients/policies_year0.csv.gz",
    "motor_fr_clients_claims": "motor_fr_clients/claims_year0.csv.gz",
    "fleet_fr_2011_2013_policies": "fleet_fr_2011_2013/policies_2011_2012.csv.gz",
    "fleet_fr_2011_2013_claims": "fleet_fr_2011_2013/claims_2011_2012.csv.gz",
    "motor_fr_2003_2004_policies": "motor_fr_2003_2004/policies.csv.gz",
    "motor_fr_2003_2004_claims": "motor_fr_2003_2004/claims.csv.gz",
}
FIELDS = {
    "customer": "number,kind",
    "vehicle": "make,model,new_price,owner_id",
    "policy": "source,source_key,holder_id",
    "policy_term": "source,source_key,start_on,premium,attributes,policy_id",
    "claim": "source,paid,term_id,policy_id",
}
Rows = dict[str, list[dict[str, Any]]]


def facts_of(installation: Installation) -> Rows:
    return {noun: installation.rows(f"crm_customers.{noun}", fields) for noun, fields in FIELDS.items()}


def stored(installation: Installation) -> dict[str, list[tuple[Any, ...]]]:
    """The same from the tables: exporting them takes a minute."""
    with closing(sqlite.connect(installation.folder / "banyan.db")) as database:
        return {
            noun: list(database.execute(f"SELECT id, {fields} FROM crm_customers_{noun} ORDER BY id"))
            for noun, fields in FIELDS.items()
        }


def of(facts: Rows, noun: str, source: str) -> list[dict[str, Any]]:
    return [row for row in facts[noun] if row["source"] == source]


def vehicles_of(facts: Rows, source: str) -> list[dict[str, Any]]:
    """A vehicle is known by its owner: it carries no source, since several may deliver it."""
    holders = {policy["holder_id"]["id"] for policy in of(facts, "policy", source)}
    return [vehicle for vehicle in facts["vehicle"] if vehicle["owner_id"]["id"] in holders]


def cents(rows: list[dict[str, Any]], name: str) -> Decimal:
    return sum((Decimal(str(row[name])) for row in rows if row[name] is not None), Decimal(0))


@pytest.fixture(scope="module")
def loaded(template: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Installation, dict[str, Any]]:
    """An installation with all six files."""
    made = Installation(Path(shutil.copytree(template, tmp_path_factory.mktemp("portfolios") / "data")))
    return made, {profile: made.load(DATA / file, profile) for profile, file in FILES.items()}


@pytest.fixture(scope="module")
def facts(loaded: tuple[Installation, Any]) -> Rows:
    return facts_of(loaded[0])


@pytest.fixture
def batches(loaded: tuple[Installation, dict[str, Any]]) -> dict[str, Any]:
    return loaded[1]


def test_every_row_is_accepted(batches: dict[str, Any]) -> None:
    assert {profile: report["rejected"] for profile, report in batches.items()} == dict.fromkeys(FILES, 0)
    assert {profile: report["read"] for profile, report in batches.items()} == {
        "motor_fr_clients_policies": 49_874,
        "motor_fr_clients_claims": 7_138,
        "fleet_fr_2011_2013_policies": 56_178,
        "fleet_fr_2011_2013_claims": 2_920,
        "motor_fr_2003_2004_policies": 26_233,
        "motor_fr_2003_2004_claims": 4_621,
    }


def test_motor_clients_have_their_totals(facts: Rows) -> None:
    source = "motor_fr_clients"
    vehicles, claims = vehicles_of(facts, source), of(facts, "claim", source)
    owned = Counter(vehicle["owner_id"]["id"] for vehicle in vehicles)
    negative = [claim for claim in claims if Decimal(str(claim["paid"])) < 0]
    holder_of = {policy["id"]: policy["holder_id"]["id"] for policy in of(facts, "policy", source)}

    assert len(vehicles) == len(holder_of) == 49_874
    assert (len(owned), sum(n > 1 for n in owned.values()), sum(n == 5 for n in owned.values())) == (45_706, 3_886, 7)
    assert len({vehicle["make"] for vehicle in vehicles}) == 90
    assert len({(vehicle["make"], vehicle["model"]) for vehicle in vehicles}) == 941
    assert cents(vehicles, "new_price") == 900_292_523
    assert (len(claims), cents(claims, "paid"), len(negative)) == (7_138, Decimal("5842470.77"), 625)
    assert cents(claims, "paid") - cents(negative, "paid") == Decimal("6161022.45")
    assert len({holder_of[claim["policy_id"]["id"]] for claim in claims}) == 6_270


def test_fleets_have_their_totals(facts: Rows) -> None:
    source = "fleet_fr_2011_2013"
    policies, vehicles = of(facts, "policy", source), vehicles_of(facts, source)
    terms, claims = of(facts, "policy_term", source), of(facts, "claim", source)
    per_policy = Counter(vehicle["owner_id"]["id"] for vehicle in vehicles)
    channels = Counter(term["attributes"]["ChannelDist"] for term in terms)

    assert len(policies) == len({policy["holder_id"]["id"] for policy in policies}) == 14_803
    assert (len(vehicles), max(per_policy.values())) == (47_067, 36)
    assert Counter(term["start_on"][:4] for term in terms) == {"2011": 26_530, "2012": 29_648}
    assert channels == {"D1": 40_283, "D2": 11_381, "D3": 4_514}
    assert (len(claims), cents(claims, "paid")) == (2_920, Decimal("3939109.31"))
    assert sum(Decimal(str(claim["paid"])) < 0 for claim in claims) == 396
    assert sum(Decimal(str(claim["paid"])) == 0 for claim in claims) == 1


def test_motor_2003_2004_has_its_totals(facts: Rows) -> None:
    source = "motor_fr_2003_2004"
    policies, terms, claims = (of(facts, noun, source) for noun in ("policy", "policy_term", "claim"))
    premium: dict[str, Decimal] = defaultdict(Decimal)
    years: dict[int, set[str]] = defaultdict(set)
    for term in terms:
        premium[term["start_on"][:4]] += Decimal(str(term["premium"]))
        premium[term["attributes"]["Channel"]] += Decimal(str(term["premium"]))
        years[term["policy_id"]["id"]].add(term["start_on"][:4])

    assert (len(policies), len({policy["holder_id"]["id"] for policy in policies})) == (16_179, 8_636)
    assert len(terms) == 26_227
    assert sum(len(found) == 2 for found in years.values()) == 10_048
    assert premium == {
        "2003": Decimal("6847337.90"),
        "2004": Decimal("4417128.30"),
        "A": Decimal("6543305.80"),
        "B": Decimal("1447700.50"),
        "L": Decimal("3273459.90"),
    }
    assert (len(claims), cents(claims, "paid")) == (4_621, Decimal("6392691"))
    assert sum(claim["term_id"] is None for claim in claims) == 673
    assert all(claim["policy_id"] for claim in claims)


def test_the_customers_of_the_three_sets_are_all_there(facts: Rows) -> None:
    assert len(facts["customer"]) == 45_706 + 14_803 + 8_636


def test_importing_again_in_another_order_changes_nothing(loaded: tuple[Installation, Any]) -> None:
    installation, _ = loaded
    before = stored(installation)

    again = {profile: installation.load(DATA / file, profile) for profile, file in reversed(FILES.items())}

    assert {profile: (each["new"], each["changed"], each["rejected"]) for profile, each in again.items()} == (
        dict.fromkeys(FILES, (0, 0, 0))
    )
    assert stored(installation) == before


def test_undoing_batches_brings_the_state_before_back(template: Path, tmp_path: Path) -> None:
    installation = Installation(Path(shutil.copytree(template, tmp_path / "data")))

    def business() -> dict[str, list[tuple[object, ...]]]:
        """Everything about customers but who waits to be classified again, as those do whose facts were taken back."""
        rows = {name: rows for name, rows in installation.contents().items() if name.startswith("crm_customers")}
        del rows["crm_customers_class_due"]
        return rows

    empty = business()
    policies = installation.load(DATA / FILES["motor_fr_2003_2004_policies"], "motor_fr_2003_2004_policies")
    before = business()
    claims = installation.load(DATA / FILES["motor_fr_2003_2004_claims"], "motor_fr_2003_2004_claims")

    installation.undo(claims["batch"])
    with_policies = business()
    installation.undo(policies["batch"])

    assert with_policies == before
    assert business() == empty
