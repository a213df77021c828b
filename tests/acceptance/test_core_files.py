"""Files of core systems: numbers, normal forms, addresses, branches, register of vehicles, own profiles, classes."""

from __future__ import annotations

import csv
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.acceptance.installation import ROOT, Installation

POLICY = ("保单号", "投保人", "被保险人", "签单保费", "签单日期", "保险起期", "保险止期", "险类", "出单机构")
CUSTOMER = ("客户号", "客户名称", "客户类型", "联系电话", "固定电话", "地址", "出单机构")
REGISTER = ("号牌号码", "号牌种类", "品牌型号", "车主", "住址", "交强险终止日期", "保险公司")


def written(path: Path, head: tuple[str, ...], *rows: tuple[str, ...]) -> Path:
    with path.open("w", encoding="gb18030", newline="") as target:
        csv.writer(target).writerows([head, *rows])
    return path


def policy(number: str, holder: str, premium: str, start: str, end: str, branch: str = "海宁") -> tuple[str, ...]:
    return (number, holder, holder, premium, start, start, end, "商业险", branch)


@pytest.mark.feature("CU-09")
def test_a_hundred_customers_made_by_five_processes_at_once_get_distinct_numbers(
    installation: Installation, tmp_path: Path
) -> None:
    files = [
        written(
            tmp_path / f"客户{part}.csv",
            CUSTOMER,
            *((f"K{part}-{n}", f"张{part}-{n}", "个人", "", "", "", "海宁") for n in range(20)),
        )
        for part in range(5)
    ]

    with ThreadPoolExecutor(5) as processes:
        reports = list(processes.map(lambda file: installation.load(file, "customer"), files))

    numbers = [row["number"] for row in installation.rows("crm_customers.customer", "number")]
    assert [report["new"] for report in reports] == [20] * 5
    assert len(numbers) == len(set(numbers)) == 100


@pytest.mark.feature("CU-17")
def test_numbers_in_many_spellings_have_one_canonical_form_and_the_delivered_one_is_kept(
    installation: Installation, tmp_path: Path
) -> None:
    spellings = ("0573-8888 1234", "（0573）88881234", "０５７３－８８８８１２３４")
    rows = [(f"K{n}", f"客户{n}", "个人", "+86 138 0573 1234", text, "", "海宁") for n, text in enumerate(spellings)]

    report = installation.load(written(tmp_path / "客户.csv", CUSTOMER, *rows), "customer")

    points = installation.rows("crm_customers.contact_point", "kind,masked")
    assert report["new"] == 3
    assert {(point["kind"], point["masked"]) for point in points} == {
        ("mobile", "138****1234"),
        ("landline", "0573-****1234"),
    }


@pytest.mark.feature("CU-18")
def test_addresses_are_read_by_levels_and_the_others_can_be_counted(installation: Installation, tmp_path: Path) -> None:
    texts = ("浙江省嘉兴市海宁市硖石街道水月亭西路1号", "海宁市长安镇虹桥村5组", "某处")
    rows = [(f"K{n}", f"客户{n}", "个人", "", "", text, "海宁") for n, text in enumerate(texts)]

    installation.load(written(tmp_path / "客户.csv", CUSTOMER, *rows), "customer")

    found = {row["text"]: row for row in installation.rows("crm_customers.address", "text,city,county,street,complete")}
    assert [found[texts[0]][level] for level in ("city", "county", "street")] == ["嘉兴市", "海宁市", "硖石街道"]
    assert [found[texts[1]][level] for level in ("city", "county", "street")] == ["嘉兴市", "海宁市", "长安镇"]
    assert [text for text, row in found.items() if not row["complete"]] == ["某处"]


@pytest.mark.feature("CU-05")
def test_the_register_again_changes_nothing_and_a_changed_row_one_vehicle(
    installation: Installation, tmp_path: Path
) -> None:
    rows = [(f"浙F1234{n}", "02", "大众牌SVW7147", f"车主{n}", "", "2026-12-31", "甲") for n in range(5)]
    installation.load(written(tmp_path / "社会车辆.csv", REGISTER, *rows), "vehicle_registry")

    again = installation.load(written(tmp_path / "社会车辆.csv", REGISTER, *rows), "vehicle_registry")
    rows[2] = (*rows[2][:6], "乙")
    changed = installation.load(written(tmp_path / "社会车辆2.csv", REGISTER, *rows), "vehicle_registry")

    assert (again["new"], again["changed"], again["same"]) == (0, 0, 5)
    assert (changed["new"], changed["changed"], changed["same"]) == (0, 1, 4)
    insurers = [row["insurer"] for row in installation.rows("crm_customers.registry_vehicle", "insurer")]
    assert sorted(insurers) == sorted(["甲"] * 4 + ["乙"])


@pytest.mark.feature("CO-06")
def test_a_county_sees_its_own_rows_and_the_city_those_of_all_counties(
    installation: Installation, tmp_path: Path
) -> None:
    rows = [
        policy("P1", "海宁甲", "100", "2026-01-01", "2026-12-31", "海宁"),
        policy("P2", "海宁乙", "200", "2026-01-01", "2026-12-31", "海宁"),
        policy("P3", "平湖丙", "300", "2026-01-01", "2026-12-31", "平湖"),
    ]
    installation.load(written(tmp_path / "保单.csv", POLICY, *rows), "policy")

    def names(user: str) -> list[str]:
        return sorted(row["name"] for row in installation.rows("crm_customers.customer", "name", user=user))

    def numbers(user: str) -> list[str]:
        return sorted(row["policy_no"] for row in installation.rows("crm_customers.policy", "policy_no", user=user))

    assert names("haining") == ["海宁乙", "海宁甲"]
    assert numbers("haining") == ["P1", "P2"]
    assert names("city") == ["平湖丙", "海宁乙", "海宁甲"]
    assert numbers("city") == ["P1", "P2", "P3"]


@pytest.mark.feature("CO-08")
def test_another_core_system_is_taken_over_by_a_profile_file_and_keeps_the_history(
    installation: Installation, tmp_path: Path
) -> None:
    old = policy("P1", "海宁甲", "100", "2025-01-01", "2025-12-31")
    installation.load(written(tmp_path / "保单.csv", POLICY, old), "policy")
    shipped = (ROOT / "plugins/crm_customers/profiles/policy.toml").read_text("utf-8")
    profile = tmp_path / "newcore.toml"
    profile.write_text(
        shipped.replace('id = "policy"', 'id = "newcore"', 1)
        .replace('"保单号"', '"合同编号"')
        .replace('source = "core"', 'source = "newcore"', 1),
        "utf-8",
    )
    new = policy("N7", "海宁甲", "150", "2026-01-01", "2026-12-31")

    report = installation.load(written(tmp_path / "新系统.csv", ("合同编号", *POLICY[1:]), new), str(profile))

    policies = installation.rows("crm_customers.policy", "policy_no,source")
    assert report["new"] == 1
    assert {(row["policy_no"], row["source"]) for row in policies} == {("P1", "core"), ("N7", "newcore")}


@pytest.mark.feature("CL-07", "CL-08", "CL-10")
def test_imported_policies_at_the_limits_give_the_classes_of_the_day(
    installation: Installation, tmp_path: Path
) -> None:
    head = (*POLICY, "投保人联系电话")
    years = [(f"{year}-01-01", f"{year}-12-31") for year in range(2023, 2027)]
    rows = [
        policy("S1", "标准甲", "1000", *years[3]),
        *(policy(f"G{n}", "优质乙", "1000", *span) for n, span in enumerate(years)),
        policy("I1", "重要丙", "50000", *years[3]),
        policy("J1", "标准丁", "49999.99", *years[3]),
        policy("L1", "流失戊", "1000", *years[0]),
    ]
    phones = {row[1]: f"1380573{1000 + index}" for index, row in enumerate(rows)}
    reachable = [(*row, phones[row[1]]) for row in rows]
    installation.load(written(tmp_path / "保单.csv", head, *reachable), "policy")

    installation.run("classify", "--as-of", "2026-06-30", "--json")

    found = {row["name"]: row["class_code"] for row in installation.rows("crm_customers.customer", "name,class_code")}
    assert found == {
        "标准甲": "standard",
        "优质乙": "good",
        "重要丙": "important",
        "标准丁": "standard",
        "流失戊": "lead",
    }


def test_a_row_without_a_name_is_refused_with_its_reason_and_the_rest_goes_in(
    installation: Installation, tmp_path: Path
) -> None:
    rows = [
        policy("P1", "海宁甲", "100", "2026-01-01", "2026-12-31"),
        policy("P2", "", "1", "2026-01-01", "2026-12-31"),
    ]

    report = installation.load(written(tmp_path / "保单.csv", POLICY, *rows), "policy")

    assert (report["new"], report["rejected"]) == (1, 1)


@pytest.mark.feature("CU-01")
def test_a_holder_known_from_the_customer_list_is_found_again_in_the_policy_list_also_as_insured(
    installation: Installation, tmp_path: Path
) -> None:
    installation.load(
        written(tmp_path / "客户.csv", CUSTOMER, ("K1", "陈美芳", "个人", "13805731234", "", "", "海宁")), "customer"
    )
    row = (*policy("P1", "陈美芳", "100", "2026-01-01", "2026-12-31"), "13805731234")

    installation.load(written(tmp_path / "保单.csv", (*POLICY, "投保人联系电话"), row), "policy")

    (policy_row,) = installation.rows("crm_customers.policy", "holder_id,insured_id")
    assert [each["name"] for each in installation.rows("crm_customers.customer", "name")] == ["陈美芳"]
    assert policy_row["holder_id"] == policy_row["insured_id"]


@pytest.mark.feature("CO-08")
def test_a_cover_that_ends_before_it_begins_is_rejected_and_the_other_rows_are_written(
    installation: Installation, tmp_path: Path
) -> None:
    rows = [
        policy("P1", "张三", "100", "2026-01-01", "2026-12-31"),
        policy("P2", "李四", "100", "2026-11-05", "2025-11-04"),
    ]

    report = installation.load(written(tmp_path / "保单.csv", POLICY, *rows), "policy")

    assert (report["new"], report["rejected"]) == (1, 1)
    assert "2025-11-04" in Path(report["rejects_file"]).read_text("utf-8-sig")
    assert [row["name"] for row in installation.rows("crm_customers.customer", "name")] == ["张三"]
