"""The shipped profiles of core-system lists: headers, endorsement rows, keys, staff, maps."""

import pytest

from core.imports.detect import inspect_file
from core.imports.options import StageOptions
from core.imports.profile_file import load_profiles

from .conftest import PROFILES


def test_a_row_with_an_endorsement_number_becomes_an_endorsement(stage, shipped):
    staged = stage(
        "保单号,批单号,投保人,被保险人,车架号,签单保费,签单日期,保险起期,批改类型\n"
        "P1,,甲,甲,LSV1,3650.00,2024-01-01,2024-01-02,\nP1,E1,甲,甲,LSV1,-800,2024-05-01,2024-01-02,16退保\n",
        shipped("policy"),
    )

    first, second = staged.rows()
    assert set(staged.records(first)) == {"holder", "insured", "vehicle", "policy", "term"}
    assert staged.records(first)["term"][:2] == ["P1-2024-01-02", {"start_on": "2024-01-02", "premium": 365_000}]
    assert staged.records(second) == {
        "endorsement": [
            "E1",
            {"endorsement_no": "E1", "kind": "16", "effective_on": "2024-05-01", "premium_change": -80_000},
            {"policy": "P1"},
        ]
    }


def test_staff_branch_flags_and_choices_of_a_policy_list(stage, shipped):
    staged = stage(
        "*保单号,投保人,被保险人,险类,客户类别,业务员,出单机构,是否续保,是否新车,手续费率,签单保费（含税）,签单日期,保险起期\n"
        "P1,甲公司,乙,商业保险,企业,200040001王某,南湖支公司,续保,旧车,15%,１，２３４.５０元,2024-01-01,2024-01-02\n",
        shipped("policy"),
    )

    row = staged.rows()[0]
    policy = staged.records(row)["policy"][1]
    assert row.branch == "南湖支公司"
    assert (policy["manager_code"], policy["manager_name"]) == ("200040001", "王某")
    assert (policy["line"], policy["is_renewal"], policy["is_new_vehicle"]) == ("commercial", True, False)
    assert policy["commission_rate"] == "0.15"
    assert staged.records(row)["holder"][1]["kind"] == "organisation"
    assert staged.records(row)["term"][1]["premium"] == 123_450


def test_a_policy_without_vehicle_cells_has_no_vehicle_record(stage, shipped):
    head = "保单号,投保人,被保险人,车架号,车牌号码,签单保费,签单日期,保险起期\n"

    staged = stage(head + "P1,甲,甲,,--,1,2024-01-01,2024-01-02\n", shipped("policy"))

    assert "vehicle" not in staged.records(staged.rows()[0])


def test_claims_need_their_policy_and_times_become_utc(stage, shipped):
    staged = stage(
        "赔案号,保单号,出险时间,是否人伤,责任比例,已决金额\nC1,P1,2024-03-01 07:30,否,70%,100\nC2,,2024-03-01,是,1,5\n",
        shipped("claim"),
    )

    claim = staged.fields("claim")[0]
    assert (claim["loss_at"], claim["injury"], claim["liability"]) == ("2024-02-29 23:30:00", False, "0.70")
    assert staged.error_codes() == [{"value_missing"}]


def test_receivables_are_keyed_by_policy_endorsement_and_instalment(stage, shipped):
    head = "保单号,批单号,应收保费,已收保费,缴费期次\n"

    staged = stage(head + "P1,,100,40,1\nP1,,100,0,2\nP1,E1,5,5,\n", shipped("receivable"))

    assert staged.keys("receivable") == ["P1-0-1", "P1-0-2", "P1-E1-1"]


def test_register_rows_are_keyed_by_the_clean_plate(stage, shipped):
    staged = stage("号牌号码,号牌种类,品牌型号\n浙Ｆ·12345,01,大众\n浙f-12346,,大众\n", shipped("vehicle_registry"))

    assert staged.keys("vehicle") == ["浙F12345-01", "浙F12346-02"]


@pytest.mark.parametrize("column", ["客户号,", ""])
def test_a_customer_list_works_with_and_without_numbers(stage, shipped, column):
    staged = stage(f"{column}客户名称,性别,客户类型,VIP\n{column and 'K1,'}王某,女,个人,是\n", shipped("customer"))

    key, fields, _ = staged.records(staged.rows()[0])["customer"]
    assert key == ("K1" if column else None)
    assert fields == {"name": "王某", "kind": "person", "sex": "female", "attributes": {"VIP": "是"}}


def test_rows_of_one_key_come_together_in_order_of_last_occurrence(stage, shipped):
    head = "赔案号,保单号,已决金额\n"

    staged = stage(head + "A,P,1\nB,P,2\nA,P,3\nC,P,4\nB,P,5\nA,P,6\n", shipped("claim"))

    rows = [[row.row_no for row in group] for group in staged.file.groups()]
    assert rows == [[4], [2, 5], [1, 3, 6]]
    assert [[row.row_no for row in group] for group in staged.file.groups(after_row=4, limit=1)] == [[2, 5]]
    assert staged.summary.repeated == 3


def test_equal_rows_have_equal_digests_and_a_change_shows(stage, shipped):
    head = "赔案号,保单号,已决金额\n"

    first = [row.digest for row in stage(head + "A,P,1.00\nB,P,2\n", shipped("claim")).rows()]
    second = [row.digest for row in stage(head + "A,P,1\nB,P,3\n", shipped("claim")).rows()]

    assert first[0] == second[0]
    assert first[1] != second[1]


def test_inspection_proposes_the_profile_with_most_headers(tmp_path, catalogue):
    profiles, _ = load_profiles(PROFILES, catalogue)
    file = tmp_path / "stored"
    file.write_text("赔案清单,,,\n赔案号,保单号,出险时间,奇怪的列\nC1,P1,2024-03-01,9\n", encoding="gb18030")

    found = inspect_file(file, profiles, StageOptions(name="2024年赔案.csv"))

    assert (found.profile, found.encoding, found.header_line) == ("claim", "gb18030", 2)
    assert found.mapped["出险时间"] == ["claim.loss_at"]
    assert "奇怪的列" in found.headers
    assert found.preview == [["C1", "P1", "2024-03-01", "9"]]
    assert "policy" in found.problems


def test_a_policy_without_a_holder_name_is_rejected(stage, shipped):
    head = "保单号,投保人,被保险人,签单保费,签单日期,保险起期\n"

    staged = stage(head + "P1,,甲,1,2024-01-01,2024-01-02\nP2,甲,甲,1,2024-01-01,2024-01-02\n", shipped("policy"))

    assert (staged.summary.accepted, staged.error_codes()) == (1, [{"value_missing"}])
