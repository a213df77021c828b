"""Registered vehicles: how they are insured, on both databases, and penetration by township."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from core.app import build_suite
from core.security.actors import system_actor
from core.testing.fixtures import make_settings
from plugins.crm_customers.after_import import fill_policy_dates
from plugins.crm_customers.duplicate_candidates import find_candidates
from plugins.crm_customers.models import Customer, DuplicateCandidate, Policy, PolicyTerm, RegistryVehicle
from plugins.crm_customers.vehicle_states import link_registry, refresh_states
from tests.plugins.crm_customers.conftest import ENDS, STARTED, TODAY, Office, open_office


@pytest.fixture
def any_office(data_folder: Path, database_url: str) -> Iterator[Office]:
    suite = build_suite(make_settings(data_folder, ("crm_customers",), (), database_url))
    yield open_office(suite)
    suite.close()


def register(office: Office, plate: str, **values) -> int:
    common = {"branch_id": office.branches["north"], "source": "registry", "source_key": plate, "county": "南湖区"}
    return office.add(RegistryVehicle(plate=plate, **{"township": "凤桥镇", **common, **values}))[0]


def refreshed(office: Office) -> dict[str, tuple[str, object]]:
    with office.suite.database.write(system_actor("test")) as session:
        link_registry(session.connection())
        refresh_states(session.connection(), TODAY)
    with office.suite.database.read(system_actor("test")) as session:
        rows = session.execute(
            select(RegistryVehicle.plate, RegistryVehicle.insured_state, RegistryVehicle.insured_until)
        )
        return {row[0]: (row[1], row[2]) for row in rows}


def test_a_vehicle_is_ours_elsewhere_or_not_insured(any_office):
    customer = any_office.customer("车主", "north")
    any_office.policy(customer, "north", "P1", "900", plate="浙F00001")
    any_office.policy(customer, "north", "P2", "900", plate="浙F00002", start=TODAY - timedelta(days=700))
    tomorrow, yesterday = TODAY + timedelta(days=1), TODAY - timedelta(days=1)
    register(any_office, "浙F00001", ctp_until=tomorrow)
    register(any_office, "浙F00002", ctp_until=TODAY)
    register(any_office, "浙F00003", ctp_until=yesterday, insurer="某财险")
    register(any_office, "浙F00004", insurer="某财险")
    register(any_office, "浙F00005")

    assert refreshed(any_office) == {
        "浙F00001": ("ours", ENDS),
        "浙F00002": ("elsewhere", TODAY),
        "浙F00003": ("none", None),
        "浙F00004": ("elsewhere", None),
        "浙F00005": ("none", None),
    }


def test_renewing_the_states_twice_writes_nothing(any_office):
    register(any_office, "浙F00004", insurer="某财险")
    refreshed(any_office)

    with any_office.suite.database.write(system_actor("test")) as session:
        assert refresh_states(session.connection(), TODAY) == 0


def test_a_policy_without_own_dates_takes_those_of_its_terms(any_office):
    policy = any_office.policy(any_office.customer("客户", "north"), "north", "P9", "100")
    with any_office.suite.database.write(system_actor("test")) as session:
        session.get(Policy, policy).start_on = session.get(Policy, policy).end_on = None
        session.scalars(select(PolicyTerm)).one().batch_id = 7
    with any_office.suite.database.write(system_actor("test")) as session:
        fill_policy_dates(session, frozenset({"crm_customers.policy_term"}), 7)

    with any_office.suite.database.read(system_actor("test")) as session:
        assert session.execute(select(Policy.start_on, Policy.end_on)).one() == (STARTED, ENDS)


def test_candidates_need_more_than_a_name_and_are_stored_once(any_office):
    one = any_office.customer("张伟", "north", birth_on=STARTED)
    other = _namesake(any_office, birth_on=STARTED)
    stranger = _namesake(any_office, number="C2")
    with any_office.suite.database.write(system_actor("test")) as session:
        first = find_candidates(session, [one, stranger])
        again = find_candidates(session, [one, other, stranger])

    with any_office.suite.database.read(system_actor("test")) as session:
        pairs = session.execute(
            select(DuplicateCandidate.first_id, DuplicateCandidate.second_id, DuplicateCandidate.reasons)
        ).all()
    assert (first, again) == (1, 0)
    assert pairs == [(one, other, ["name", "birth"])]


def _namesake(office: Office, number: str = "C1", **values) -> int:
    return office.add(Customer(number=number, name="张伟", name_key="张伟", **values))[0]


def test_penetration_is_insured_with_us_by_registered(office, signed_in):
    customer = office.customer("车主", "north")
    office.policy(customer, "north", "P1", "900", plate="浙F00001")
    for plate in ("浙F00001", "浙F00002", "浙F00003", "浙F00004"):
        register(office, plate)
    register(office, "浙F00009", township=None)
    refreshed(office)
    client = signed_in("bo")

    text = client.get("/crm_customers/penetration").text

    row = text.partition('data-phone="title">凤桥镇</th>')[2].partition("</tr>")[0]
    assert ">25.00<" in row
    assert "Township not known" in text
    counted = client.get(
        "/crm_customers/registry_vehicles/count", params={"q": 'county:="南湖区" township:="凤桥镇" insured_state:ours'}
    )
    assert "of 1<" in counted.text


def test_penetration_counts_own_branches_only(office, signed_in):
    register(office, "浙F00001")

    assert "No registered vehicle is known" in signed_in("ce").get("/crm_customers/penetration").text
