"""The real portfolios staged by the shipped profiles: rows and sums of their control totals."""

from collections import defaultdict

import pytest

from .conftest import ROOT

DATA = ROOT.parent / "shared" / "data"
pytestmark = [
    pytest.mark.proof,
    pytest.mark.portfolio,
    pytest.mark.skipif(not DATA.is_dir(), reason="the real portfolios are not beside the checkout"),
]


def test_motor_2003_2004_policies_give_their_holders_terms_and_premiums(stage, shipped):
    staged = stage(DATA / "motor_fr_2003_2004" / "policies.csv.gz", shipped("motor_fr_2003_2004_policies"))

    groups = list(staged.file.groups())
    by_year, by_channel, holders, policies = defaultdict(int), defaultdict(int), set(), set()
    for group in groups:
        for row in group:
            key, fields, _ = staged.records(row)["term"]
            by_year[key[-4:]] += fields["premium"]
            by_channel[fields["attributes"]["Channel"]] += fields["premium"]
            holders.add(staged.records(row)["customer"][0])
            policies.add(staged.records(row)["policy"][0])
            covers = staged.records(row).get("cover", [])
            assert sum(cover[1]["premium"] for cover in covers) == fields["premium"]
    assert (staged.summary.read, staged.summary.rejected, staged.summary.repeated) == (26_233, 0, 6)
    assert (len(groups), len(holders), len(policies)) == (26_227, 8_636, 16_179)
    assert by_year == {"2003": 684_733_790, "2004": 441_712_830}
    assert by_channel == {"A": 654_330_580, "B": 144_770_050, "L": 327_345_990}


def test_motor_2003_2004_claims_give_their_payments(stage, shipped):
    staged = stage(DATA / "motor_fr_2003_2004" / "claims.csv.gz", shipped("motor_fr_2003_2004_claims"))

    assert staged.summary.accepted == len(set(staged.keys("claim"))) == 4_621
    assert sum(fields["paid"] for fields in staged.fields("claim")) == 639_269_100


def test_motor_clients_policies_give_their_clients_and_vehicle_values(stage, shipped):
    staged = stage(DATA / "motor_fr_clients" / "policies_year0.csv.gz", shipped("motor_fr_clients_policies"))

    vehicles = staged.fields("vehicle")
    assert (staged.summary.accepted, staged.summary.repeated) == (49_874, 0)
    assert len(set(staged.keys("customer"))) == 45_706
    assert len(set(staged.keys("vehicle"))) == len(set(staged.keys("policy"))) == 49_874
    assert sum(vehicle["new_price"] or 0 for vehicle in vehicles) == 90_029_252_300
    assert len({vehicle["make"] for vehicle in vehicles}) == 90
    assert len({(vehicle["make"], vehicle["model"]) for vehicle in vehicles}) == 941
    assert {fields["start_on"] for fields in staged.fields("term")} == {"2015-01-01"}


def test_motor_clients_claims_keep_their_recoveries(stage, shipped):
    staged = stage(DATA / "motor_fr_clients" / "claims_year0.csv.gz", shipped("motor_fr_clients_claims"))

    paid = [fields["paid"] for fields in staged.fields("claim")]
    assert len(set(staged.keys("claim"))) == 7_138
    assert (sum(paid), sum(cents for cents in paid if cents > 0)) == (584_247_077, 616_102_245)
    assert sum(cents < 0 for cents in paid) == 625


def test_fleet_policies_give_their_vehicles_and_periods(stage, shipped):
    staged = stage(DATA / "fleet_fr_2011_2013" / "policies_2011_2012.csv.gz", shipped("fleet_fr_2011_2013_policies"))

    assert len(set(staged.keys("customer"))) == len(set(staged.keys("policy"))) == 14_803
    assert len(set(staged.keys("vehicle"))) == 47_067
    assert len(set(staged.keys("term"))) == staged.summary.accepted == 56_178


def test_fleet_claims_are_rounded_per_row_and_equal_rows_both_count(stage, shipped):
    staged = stage(DATA / "fleet_fr_2011_2013" / "claims_2011_2012.csv.gz", shipped("fleet_fr_2011_2013_claims"))

    paid = [fields["paid"] for fields in staged.fields("claim")]
    assert len(set(staged.keys("claim"))) == 2_920
    assert (sum(paid), sum(cents < 0 for cents in paid), paid.count(0)) == (393_910_931, 396, 1)
