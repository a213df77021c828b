"""Customer classes as the criteria state them (seed 001 §2): files in, command, pages and exports out."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import httpx2
import pytest

from core.registry.filter_values import today_here
from tests.acceptance.installation import Installation
from tests.acceptance.test_core_files import written

CUSTOMERS = "/crm_customers/customers"
TODAY = today_here()
PEOPLE = ("客户名称", "客户类型", "手机", "投保意向", "黑名单标志", "出单机构")
POLICIES = (
    "保单号", "投保人", "被保险人", "联系电话", "签单保费", "签单日期", "保险起期", "保险止期", "险类", "次年保险公司",
    "出单机构",
)  # fmt: skip
CLAIMS = ("赔案号", "保单号", "出险时间", "已决金额", "出单机构")


def years_ago(years: int, days: int = 0) -> date:
    """The day ``years`` years before the present cover began, 100 days ago."""
    begun = TODAY - timedelta(days=100 - days)
    return begun.replace(year=begun.year - years, day=min(begun.day, 28))


class Files:
    """Rows of the lists of a core system, numbered as they come."""

    def __init__(self) -> None:
        self.phones: dict[str, str] = {}
        self.policies: list[tuple[str, ...]] = []
        self.claims: list[tuple[str, ...]] = []

    def insured(self, name: str, first: date, last: date, premium: str = "1000.00", lost_to: str = "") -> str:
        phone = self.phones.setdefault(name, f"138057300{len(self.phones):02d}")
        number = f"P{len(self.policies):03d}"
        days = (first.isoformat(), first.isoformat(), last.isoformat())
        self.policies.append((number, name, name, phone, premium, *days, "商业险", lost_to, "海宁"))
        return number

    def each_year(self, name: str, years: int, premium: str = "1000.00") -> str:
        """A policy every year without a gap, the last one in force; returns the number of the first."""
        starts = [years_ago(each) for each in range(years, -2, -1)]
        spans = pairwise(starts)
        return min([self.insured(name, begin, end - timedelta(days=1), premium) for begin, end in spans])

    def claim(self, policy: str, day: date, paid: str) -> None:
        self.claims.append((f"L{len(self.claims)}", policy, day.isoformat(), paid, "海宁"))

    def load(self, installation: Installation, folder: Path) -> None:
        people = [("游离甲", "", ""), ("意向乙", "是", ""), ("黑名丙", "", "是")]
        rows = [(name, "个人", self.phones.get(name, ""), want, bad, "海宁") for name, want, bad in people]
        reports = [
            installation.load(written(folder / "保单.csv", POLICIES, *self.policies), "policy"),
            installation.load(written(folder / "赔案.csv", CLAIMS, *self.claims), "claim"),
            installation.load(written(folder / "客户.csv", PEOPLE, *rows), "customer"),
        ]
        assert [report["rejected"] for report in reports] == [0, 0, 0]


def filled() -> Files:
    """Customers at the limits of every rule; the whole premium of a policy that ended long ago is earned."""
    files = Files()
    files.each_year("黑名丙", 0)
    files.each_year("标准丁", 0)
    files.insured("流失戊", years_ago(2), years_ago(1), lost_to="平安")
    files.each_year("优质己", 4)
    files.each_year("重要庚", 0, "50000.00")
    files.each_year("差一分辛", 0, "49999.99")
    three = TODAY.replace(year=TODAY.year - 3, day=min(TODAY.day, 28))
    for name, loss in (("三年壬", three - timedelta(days=5)), ("两年癸", three + timedelta(days=370))):
        files.claim(files.each_year(name, 6), loss, "90000.00")
    for name, paid in (("三成子", "300.00"), ("三成多丑", "301.00")):
        policy = files.insured(name, years_ago(1, 101), TODAY - timedelta(days=1))
        files.insured(name, TODAY, TODAY + timedelta(days=364))
        files.claim(policy, TODAY - timedelta(days=30), paid)
    return files


@pytest.fixture(scope="module")
def classified(module_installation: Installation, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    filled().load(module_installation, tmp_path_factory.mktemp("lists"))
    module_installation.json("classify")
    return module_installation


@pytest.fixture(scope="module")
def client(classified: Installation) -> Iterator[httpx2.Client]:
    with classified.served() as site, site.signed_in("anna") as client:
        yield client


def classes(installation: Installation) -> dict[str, str]:
    return {row["name"]: row["class_code"] for row in installation.rows("crm_customers.customer", "name,class_code")}


def page_of(client: httpx2.Client, name: str, tab: str = "") -> str:
    """The text of a customer's page, without mark-up."""
    (address,) = listed(client, f'name:="{name}"').values()
    answer = client.get(address, params={"tab": tab} if tab else {})
    assert answer.status_code == 200, answer.text
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", answer.text)))


def listed(client: httpx2.Client, query: str) -> dict[str, str]:
    """Names and addresses of the customers in a list."""
    page = client.get(CUSTOMERS, params={"q": query}).text
    links = re.findall(r'<a class="row-link" href="([^"]+)"[^>]*>([^<]+)<', page)
    return {html.unescape(name).strip(): address for address, name in links}


@pytest.mark.feature("CL-01")
def test_six_customers_show_the_six_classes_with_the_numbers_that_fired(
    classified: Installation, client: httpx2.Client
) -> None:
    wanted = {
        "游离甲": "unattached",
        "意向乙": "lead",
        "标准丁": "standard",
        "优质己": "good",
        "重要庚": "important",
        "黑名丙": "blacklist",
    }

    assert {name: code for name, code in classes(classified).items() if name in wanted} == wanted
    assert "Months without a claim ≥ 3 years met 4 years 3 months" in page_of(client, "优质己")
    assert "Premium of the rolling year ≥ 50,000.00 met 50,000.00" in page_of(client, "重要庚")


@pytest.mark.feature("CL-02")
def test_a_prospect_is_unattached_and_not_among_the_insured(classified: Installation) -> None:
    insured = classified.rows("crm_customers.customer", "name", "policies_in_force:>0")

    assert classes(classified)["游离甲"] == "unattached"
    assert {"标准丁", "优质己"} <= {row["name"] for row in insured}
    assert "游离甲" not in {row["name"] for row in insured}


@pytest.mark.feature("CL-06")
def test_a_lapsed_customer_is_a_lead_lost_to_a_competitor(classified: Installation, client: httpx2.Client) -> None:
    assert classes(classified)["流失戊"] == "lead"
    assert "Lost to 平安" in page_of(client, "流失戊")


@pytest.mark.feature("CL-07", "CU-26")
def test_the_first_policy_in_force_makes_standard_on_that_day(classified: Installation, client: httpx2.Client) -> None:
    history = classified.rows("crm_customers.class_history", "customer_id,class_code,since")
    mine = [row for row in history if row["customer_id"]["title"] == "优质己"]

    begun = years_ago(4)
    assert mine[-1]["class_code"] == "good" or mine[0]["class_code"] == "good"
    assert ("standard", begun.isoformat()) in [(row["class_code"], row["since"]) for row in mine]
    assert begun.isoformat() in page_of(client, "优质己", "timeline")


@pytest.mark.feature("CL-08")
def test_three_claim_free_years_are_good_two_are_not(classified: Installation) -> None:
    found = classes(classified)

    assert (found["三年壬"], found["两年癸"]) == ("good", "standard")


@pytest.mark.feature("CL-10")
def test_fifty_thousand_of_rolling_premium_is_important(classified: Installation, client: httpx2.Client) -> None:
    found = classes(classified)

    assert (found["重要庚"], found["差一分辛"]) == ("important", "standard")
    assert "49,999.99" in page_of(client, "差一分辛")


@pytest.mark.feature("CU-27")
def test_the_four_links_of_the_home_page_open_lists_that_together_are_all_customers(client: httpx2.Client) -> None:
    everybody = set(listed(client, ""))
    links = [set(listed(client, f"link_code:{code}")) for code in ("acquire", "contact", "keep", "grow")]
    home = client.get("/").text

    assert set().union(*links) == everybody
    assert sum(map(len, links)) == len(everybody) == 12
    assert all(f"link_code%3A{code}" in home for code in ("acquire", "contact", "keep", "grow"))


def test_what_is_missing_to_important_is_stated(classified: Installation, client: httpx2.Client) -> None:
    assert "More premium in a year → Important 0.01" in page_of(client, "差一分辛")


@pytest.mark.feature("CL-09")
def test_the_loss_ratio_limit_holds_and_an_edit_of_it_counts_from_its_day(
    classified: Installation, client: httpx2.Client
) -> None:
    before = classes(classified)
    edit = {"name": "good_loss_ratio", "value": "0.305", "valid_from": TODAY.isoformat(), "origin": "嘉财险〔2026〕7号"}

    refused = client.post("/crm_customers/class_settings/new", data={**edit, "value": "-1"})
    made = client.post("/crm_customers/class_settings/new", data=edit)
    classified.json("classify")

    after = classes(classified)
    assert (refused.status_code, made.status_code) == (422, 303), made.text
    assert [before[name] for name in ("三成子", "三成多丑")] == ["good", "standard"]
    assert [after[name] for name in ("三成子", "三成多丑")] == ["good", "good"]
