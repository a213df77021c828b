"""Registered vehicles: with us, elsewhere or not insured, and penetration per township (seed 001 §6)."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from datetime import timedelta

import httpx2
import pytest

from core.registry.filter_values import today_here
from tests.acceptance.installation import Installation
from tests.acceptance.test_core_files import written

TODAY = today_here()
LAST = TODAY + timedelta(days=200)
REGISTER = ("号牌号码", "号牌种类", "品牌型号", "车主", "住址", "交强险终止日期", "保险公司")
POLICIES = (
    "保单号",
    "投保人",
    "被保险人",
    "车牌号码",
    "签单保费",
    "签单日期",
    "保险起期",
    "保险止期",
    "险类",
    "出单机构",
)
XIASHI, CHANGAN = "海宁市硖石街道建设路1号", "海宁市长安镇人民路2号"


@pytest.fixture(scope="module")
def loaded(module_installation: Installation, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """Five vehicles of 硖石街道, two of them with us and one elsewhere; one of 长安镇, whose cover ended."""
    folder = tmp_path_factory.mktemp("lists")
    begun = (TODAY - timedelta(days=100)).isoformat()
    covers = [
        (
            f"P{number}",
            f"车主{number}",
            f"车主{number}",
            f"浙F1234{number}",
            "900",
            begun,
            begun,
            until,
            "交强险",
            "海宁",
        )
        for number, until in enumerate([LAST.isoformat(), LAST.isoformat(), (TODAY - timedelta(days=1)).isoformat()])
    ]
    module_installation.load(written(folder / "保单.csv", POLICIES, *covers), "policy")
    elsewhere = {4: (LAST.isoformat(), "平安")}
    places = {0: XIASHI, 1: XIASHI, 2: CHANGAN, 3: XIASHI, 4: XIASHI, 5: XIASHI}
    rows = [
        (f"浙F1234{number}", "02", "大众牌", f"车主{number}", place, *elsewhere.get(number, ("", "")))
        for number, place in places.items()
    ]
    report = module_installation.load(written(folder / "社会车辆.csv", REGISTER, *rows), "vehicle_registry", "330481")
    assert (report["new"], report["rejected"]) == (6, 0)
    return module_installation


@pytest.fixture(scope="module")
def client(loaded: Installation) -> Iterator[httpx2.Client]:
    with loaded.served() as site, site.signed_in("haining") as client:
        yield client


@pytest.mark.feature("CU-06")
def test_each_registered_vehicle_says_who_insures_it_until_when(loaded: Installation) -> None:
    rows = loaded.rows("crm_customers.registry_vehicle", "owner_name,insured_state,insured_until,insurer")

    assert {row["owner_name"]: (row["insured_state"], row["insured_until"]) for row in rows} == {
        "车主0": ("ours", LAST.isoformat()),
        "车主1": ("ours", LAST.isoformat()),
        "车主2": ("none", None),
        "车主3": ("none", None),
        "车主4": ("elsewhere", LAST.isoformat()),
        "车主5": ("none", None),
    }


@pytest.mark.feature("CU-06")
def test_penetration_of_a_township_is_insured_over_registered_and_opens_its_vehicles(client: httpx2.Client) -> None:
    page = client.get("/crm_customers/penetration").text
    rows = {
        html.unescape(re.sub(r"<[^>]+>", "", head)): (
            re.findall(r'href="([^"]+)"', body),
            re.sub(r"<[^>]+>", " ", body),
        )
        for head, body in re.findall(r'<tr><th scope="row" data-phone="title">(.*?)</th>(.*?)</tr>', page, re.DOTALL)
    }
    links, figures = rows["硖石街道"]

    assert figures.split()[1:] == ["5", "2", "1", "2", "40.00"]
    assert rows["长安镇"][1].split()[1:] == ["1", "0", "0", "1", "0.00"]
    assert rows["Total"][1].split() == ["6", "2", "1", "3", "33.33"]
    opened = [len(re.findall('class="row-link"', client.get(html.unescape(link)).text)) for link in links]
    assert opened == [5, 2, 1, 2]
