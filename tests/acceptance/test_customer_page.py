"""One customer from the files of four systems, and its page: sources, basic data, figures, time line, portrait."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest

from core.registry.filter_values import today_here
from core.values.resident_id import check_character
from tests.acceptance.installation import Installation
from tests.acceptance.test_core_files import written

CUSTOMERS = "/crm_customers/customers"
TODAY = today_here()
BEGUN, ENDS = TODAY - timedelta(days=100), TODAY + timedelta(days=264)
ID = "33048119800101123"
POLICIES = (
    "保单号", "投保人", "被保险人", "投保人证件号码", "保额", "签单保费", "签单日期", "保险起期", "保险止期", "险类",
    "出单机构",
)  # fmt: skip
CLAIMS = ("赔案号", "保单号", "出险时间", "出险原因", "已决金额", "出单机构")
PEOPLE = (
    "客户号", "客户名称", "证件号码", "性别", "出生日期", "职业", "年收入", "手机", "地址", "登记注册类型", "出单机构",
)  # fmt: skip
OTHER_SYSTEMS = {
    "finance": ("付款人", "证件号", "职业"),
    "traffic": ("车主", "证件号", "住址"),
    "callcentre": ("来电人", "证件号", "手机"),
}
"""Lists that a branch describes by profiles of its own: name, number, one more column."""
PROFILE = """
schema = 1
id = "{system}"
title = {{ en = "{system}", zh = "{system}" }}
source = "{system}"
main = "customer"
[branch]
column = ["机构"]
[[record]]
name = "customer"
model = "crm_customers.customer"
fields.name = "{0}"
fields.id_number = "{1}"
fields.{field} = "{2}"
"""


@pytest.fixture(scope="module")
def loaded(module_installation: Installation, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    folder, number = tmp_path_factory.mktemp("lists"), ID + check_character(ID)
    days = (BEGUN.isoformat(), BEGUN.isoformat(), ENDS.isoformat())
    policies = [
        ("BD2026001", "陈美芳", "陈美芳", number, "200000", "3000.50", *days, "商业险", "海宁"),
        ("BD2026002", "陈美芳", "陈美芳", number, "", "950.00", *days, "交强险", "海宁"),
    ]
    losses = [(BEGUN + timedelta(days=each)).isoformat() for each in (30, 10)]
    told = (("L1", losses[0], "碰撞", "700.00"), ("L2", losses[1], "玻璃", "300.00"))
    claims = [(claim_no, "BD2026001", *facts, "海宁") for claim_no, *facts in told]
    person = ("K1", "陈美芳", number, "女", "", "教师", "120000", "13805731234", "海宁市硖石街道西路1号", "", "海宁")
    module_installation.load(written(folder / "保单.csv", POLICIES, *policies), "policy")
    module_installation.load(written(folder / "赔案.csv", CLAIMS, *claims), "claim")
    module_installation.load(written(folder / "客户.csv", PEOPLE, person), "customer")
    says = {"finance": "教师", "traffic": "海宁市长安镇北街2号", "callcentre": "13905739999"}
    fields = {"finance": "occupation", "traffic": "address", "callcentre": "phone"}
    for system, head in OTHER_SYSTEMS.items():
        profile = folder / f"{system}.toml"
        profile.write_text(PROFILE.format(*head, system=system, field=fields[system]), "utf-8")
        row = ("陈美芳", number, says[system], "海宁")
        report = module_installation.load(written(folder / f"{system}.csv", (*head, "机构"), row), str(profile))
        assert (report["read"], report["rejected"]) == (1, 0), report
    module_installation.json("classify")
    return module_installation


@pytest.fixture(scope="module")
def client(loaded: Installation) -> Iterator[httpx2.Client]:
    with loaded.served() as site, site.signed_in("haining") as client:
        yield client


def text_of(page: str) -> str:
    main = page.partition("<main")[2]
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", main)))


def address_of(client: httpx2.Client, path: str = CUSTOMERS) -> str:
    """Address of the first record of a list."""
    return re.findall(r'<a class="row-link" href="([^"]+)"', client.get(path).text)[0]


def tab(client: httpx2.Client, name: str) -> str:
    return text_of(client.get(address_of(client), params={"tab": name}).text)


@pytest.mark.feature("CU-01")
def test_files_of_four_systems_are_one_customer_and_every_field_names_its_source(
    loaded: Installation, client: httpx2.Client
) -> None:
    page = tab(client, "sources")
    links = page.partition("Links to sources Source Source key")[2].partition("Source of each field")[0]

    assert len(loaded.rows("crm_customers.customer", "name")) == 1
    assert all(f" {system} " in links for system in ("core", *OTHER_SYSTEMS))
    assert "Occupation 教师 core system, import 3 row 1" in page
    assert "Born 1980-01-01 read from the ID number" in page
    contacts = tab(client, "contacts")
    assert "callcentre, import 6 row 1" in contacts
    assert "traffic, import 5 row 1" in contacts


@pytest.mark.feature("CU-10")
def test_basic_data_stand_on_the_form_and_are_mapped_filtered_and_exported(
    loaded: Installation, client: httpx2.Client
) -> None:
    fields = "name,sex,birth_on,occupation,income"
    query = "name:陈美芳 sex:女 age:40..60 occupation:教师 income:>=12万"
    form = client.get(f"{address_of(client)}/edit").text
    listed = client.get(f"{CUSTOMERS}/export", params={"format": "csv", "columns": "name,age", "q": query})

    assert all(f'name="{field}"' in form for field in fields.split(","))
    (row,) = loaded.rows("crm_customers.customer", fields, query)
    assert (row["sex"], row["birth_on"], row["occupation"], row["income"]) == (
        "female",
        "1980-01-01",
        "教师",
        "120000.00",
    )
    assert re.search(r'陈美芳"?,"?4\d', listed.text), listed.text
    assert loaded.rows("crm_customers.customer", "name", "age:<40") == []


@pytest.mark.feature("CU-11")
def test_the_four_figures_of_a_policy_are_shown_and_their_sum_is_the_total(client: httpx2.Client) -> None:
    page = tab(client, "policies")

    assert re.search(r"Commercial motor — BD2026001 \S+ — 200,000.00 3,000.50", page), page
    assert re.search(r"Compulsory motor — BD2026002 \S+ — — 950.00", page)
    assert "Total of 2 3,950.50" in page
    assert "Premium 12 months 3,950.50 2 policies in force" in page


@pytest.mark.feature("CU-12", "CU-26")
def test_claims_stand_in_the_time_line_in_the_order_of_their_days(client: httpx2.Client) -> None:
    line = tab(client, "timeline").partition("All Policies Claims")[2]
    losses = re.findall(r"(\d\d-\d\d) Loss: (\S+) ([\d.]+)", line)

    days = [(BEGUN + timedelta(days=each)).strftime("%m-%d") for each in (30, 10)]
    assert losses == [(days[0], "碰撞", "700.00"), (days[1], "玻璃", "300.00")]
    assert re.search(rf"{BEGUN:%m-%d} Class Standard", line), line


@pytest.mark.feature("CU-25")
def test_every_trait_of_the_portrait_opens_its_evidence(client: httpx2.Client) -> None:
    page = client.get(address_of(client), params={"tab": "portrait"}).text
    traits = {
        text_of("<main" + head).removeprefix(" ").split()[0]: body
        for head, body in re.findall(r"<details><summary>(.*?)</summary>(.*?)</details>", page, re.DOTALL)
    }
    portrait = text_of(page)

    assert {"Class", "Value", "Needs", "Risk", "Channel"} <= {name.lstrip(">") for name in traits}
    assert "Class Standard" in portrait
    assert "Value 3,950.50 in 12 months" in portrait
    assert "Risk 2 claims Evidence 2" in portrait
    assert re.findall(r'<a href="(/crm_customers/claims/\d+)"', page)


@pytest.mark.feature("CU-03")
@pytest.mark.parametrize("fragment", ["美芳", "cmf", "1234", "BD2026002", ID + check_character(ID)])
def test_a_fragment_leads_to_the_customer_and_all_that_hangs_on_it(client: httpx2.Client, fragment: str) -> None:
    found = client.get("/search", params={"q": fragment}, follow_redirects=True)

    assert "陈美芳" in found.text
    assert all(each in tab(client, "policies") for each in ("BD2026001", "BD2026002"))
    assert all(each in tab(client, "claims") for each in ("L1", "L2"))


@pytest.mark.feature("CU-08")
def test_shares_of_other_insurers_are_kept_on_the_policy_and_never_exceed_the_whole(
    loaded: Installation, client: httpx2.Client
) -> None:
    policy = address_of(client, "/crm_customers/policies?q=policy_no:BD2026001")
    number = policy.rpartition("/")[2]
    share = {"policy_id": number, "kind": "surplus", "counterparty": "中再财险", "share": "40"}

    made = client.post("/crm_customers/reinsurance_shares/new", data=share)
    refused = client.post("/crm_customers/reinsurance_shares/new", data={**share, "kind": "facultative", "share": "61"})
    page = text_of(client.get(policy).text)
    kinds = loaded.rows("crm_customers.reinsurance_share", "kind,counterparty,share", "counterparty:中再")

    assert (made.status_code, refused.status_code) == (303, 422), made.text
    assert "At most 60.00 % are left." in refused.text
    assert [(row["kind"], row["counterparty"]) for row in kinds] == [("surplus", "中再财险")]
    assert "1,800.30" in page
    assert "40.00%" in page


@pytest.mark.feature("CU-01")
def test_a_correction_by_hand_is_found_by_search_and_survives_the_next_delivery(
    loaded: Installation, client: httpx2.Client, tmp_path: Path
) -> None:
    address = address_of(client)
    form = client.get(f"{address}/edit").text
    version = re.findall(r'name="version" value="(\d+)"', form)[0]
    kept = {"kind": "person", "credit": "good", "sex": "female", "birth_on": "1980-01-01", "income": "120000"}

    saved = client.post(f"{address}/edit", data={**kept, "name": "陈美芬", "occupation": "校长", "version": version})
    again = ("K1", "陈美芳", ID + check_character(ID), "女", "", "工人", "130000", "13805731234", "", "", "海宁")
    report = loaded.load(written(tmp_path / "客户2.csv", PEOPLE, again), "customer")

    assert saved.status_code == 303, saved.text
    assert report["changed"] == 1
    (row,) = loaded.rows("crm_customers.customer", "name,occupation,income")
    assert (row["name"], row["occupation"], row["income"]) == ("陈美芬", "校长", "130000.00")
    assert "陈美芬" in client.get("/search", params={"q": "美芬"}, follow_redirects=True).text
    assert "陈美芬" not in client.get("/search", params={"q": "美芳"}, follow_redirects=True).text
    assert "Occupation 校长 corrected here" in tab(client, "sources")
