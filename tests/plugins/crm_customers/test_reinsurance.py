"""Shares of other insurers on a policy (CU-08)."""

from __future__ import annotations

import html
from decimal import Decimal
from urllib.parse import parse_qsl

import pytest
from sqlalchemy import select

from core.security.actors import system_actor
from plugins.crm_customers.models import ReinsuranceShare
from plugins.crm_customers.reinsurance import retention
from tests.plugins.crm_customers.conftest import Office


@pytest.mark.parametrize(
    ("shares", "premium"),
    [
        ([("surplus", Decimal(8) / 15), ("facultative", Decimal(5) / 15)], "10000.00"),  # T8-1
        ([("coinsurance_lead", Decimal("0.4"))], "45000.00"),
        ([("coinsurance_follow", Decimal("0.6")), ("surplus", Decimal("0.2"))], "15000.00"),
        ([], "75000.00"),
    ],
)
def test_retained_premium(shares, premium):
    assert retention(Decimal(75000), shares).premium == Decimal(premium)


def add_share(client, policy: int, share: str):
    form = client.get(f"/crm_customers/policies/{policy}").text
    link = form.partition("/crm_customers/reinsurance_shares/new?")[2].partition('"')[0]
    start = dict(parse_qsl(html.unescape(link)))
    fields = {**start, "kind": "surplus", "counterparty": "某再保险", "share": share}
    return client.post("/crm_customers/reinsurance_shares/new", data=fields)


def test_shares_above_the_whole_are_refused_at_the_field(office: Office, signed_in):
    policy = office.policy(office.customer("企业", "north"), "north", "P1", "75000.00")
    client = signed_in("bo")

    first, second = add_share(client, policy, "60"), add_share(client, policy, "41")

    assert (first.status_code, second.status_code) == (303, 422)
    assert "would come to 101.00 %" in second.text
    with office.suite.database.read(system_actor("test")) as session:
        assert session.scalars(select(ReinsuranceShare.share)).all() == [Decimal("0.600000")]


@pytest.mark.parametrize("share", ["0", "-1", "100.5"])
def test_a_share_outside_of_the_whole_is_refused(office: Office, signed_in, share):
    policy = office.policy(office.customer("企业", "north"), "north", "P1", "75000.00")

    assert add_share(signed_in("bo"), policy, share).status_code == 422


def test_the_policy_shows_its_shares_and_the_retained_premium(office: Office, signed_in):
    policy = office.policy(office.customer("企业", "north"), "north", "P1", "75000.00")
    client = signed_in("bo")
    add_share(client, policy, "40")

    text = client.get(f"/crm_customers/policies/{policy}").text

    assert "某再保险" in text
    assert "45,000.00" in text
