"""Prospects: directories in, who is known reported, counts by source and swept townships (seed 001 §2)."""

from __future__ import annotations

import csv
import html
import re
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.acceptance.installation import Installation
from tests.acceptance.test_core_files import written

PAGE = "/crm_customers/prospects"
FIRMS = ("单位名称", "行业", "电话", "地址", "统一社会信用代码", "归属机构")
BUYERS = ("姓名", "手机", "地址", "客户经理", "归属机构")
OWNERS = ("号牌号码", "车主", "证件号", "联系电话", "住址", "归属机构")
PEOPLE = ("客户名称", "手机", "地址", "客户经理", "排摸日期", "归属机构")
XIASHI, CHANGAN = "海宁市硖石街道建设路1号", "海宁市长安镇人民路2号"


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    firms = [
        ("海宁市虹桥皮革有限公司", "皮革制造", "0573-87001001", XIASHI, "", "海宁"),
        ("海宁市长安经编有限公司", "纺织", "0573-87001002", CHANGAN, "", "海宁"),
        ("海宁市虹桥皮革有限公司", "皮革制造", "0573-87001009", XIASHI, "", "海宁"),
    ]
    return written(tmp_path_factory.mktemp("lists") / "黄页.csv", FIRMS, *firms)


@pytest.fixture(scope="module")
def loaded(module_installation: Installation, directory: Path) -> Installation:
    """Two firms of a directory, two buyers, one borrower, one owner, and a person swept by 王某."""
    folder = directory.parent
    buyers = [("沈建国", "13905735678", CHANGAN, "2001王某", "海宁"), ("陆小明", "13705739999", XIASHI, "", "海宁")]
    lists = {
        "car_dealers": written(folder / "车商.csv", BUYERS, *buyers),
        "guarantors": written(folder / "担保.csv", BUYERS, ("钱大海", "13605731111", "", "2001王某", "海宁")),
        "registry_owners": written(
            folder / "车主.csv", OWNERS, ("浙F12345", "孙立", "", "13505732222", XIASHI, "海宁")
        ),
        "customer": written(
            folder / "客户.csv", PEOPLE, ("沈建国", "13905735678", CHANGAN, "2001王某", "2026-06-01", "海宁")
        ),
    }
    assert module_installation.load(directory, "yellow_pages")["rejected"] == 1
    for profile, file in lists.items():
        assert module_installation.load(file, profile)["rejected"] == 0, profile
    return module_installation


@pytest.fixture(scope="module")
def client(loaded: Installation) -> Iterator[httpx2.Client]:
    with loaded.served() as site, site.signed_in("haining") as client:
        yield client


def table(client: httpx2.Client, title: str, query: str = "") -> dict[str, tuple[int, int, int]]:
    """Row name -> prospects, swept, not swept; the last row is the total."""
    page = client.get(PAGE + query).text
    (section,) = re.findall(rf'<section class="panel" aria-label="{title}">(.*?)</section>', page, re.DOTALL)
    found = {}
    for row in re.findall(r"<tr>(<th scope=\"row\".*?)</tr>", section, re.DOTALL):
        cells = [html.unescape(re.sub(r"<[^>]+>", "", cell)).strip() for cell in re.findall(r"<t[hd].*?</t[hd]>", row)]
        found[cells[0]] = (int(cells[1]), int(cells[2]), int(cells[3]))
    return found


@pytest.mark.feature("CL-04")
def test_a_directory_makes_prospects_and_reports_who_is_known(
    loaded: Installation, directory: Path, tmp_path: Path
) -> None:
    firms = loaded.rows("crm_customers.customer", "name,origin,industry_code,kind,class_code", "origin:黄页")
    again = loaded.load(directory, "yellow_pages")
    newer = ("海宁市长安经编有限公司", "纺织业", "0573-87009999", CHANGAN, "", "海宁")
    renewed = loaded.load(written(tmp_path / "黄页2.csv", FIRMS, newer), "yellow_pages")

    assert {(row["name"], row["industry_code"], row["kind"], row["class_code"]) for row in firms} == {
        ("海宁市虹桥皮革有限公司", "皮革制造", "organisation", "unattached"),
        ("海宁市长安经编有限公司", "纺织", "organisation", "unattached"),
    }
    assert (again["new"], again["same"], again["rejected"]) == (0, 2, 1)
    assert (renewed["new"], renewed["rejected"]) == (0, 1)
    with Path(renewed["rejects_file"]).open(encoding="utf-8-sig", newline="") as rejects:
        (rejected,) = csv.DictReader(rejects)
    assert re.search(r"C\d{8}", " ".join(rejected.values())), rejected


@pytest.mark.feature("CL-05")
def test_prospects_by_source_add_up_and_open_their_lists(client: httpx2.Client) -> None:
    sources = table(client, "By source")

    *rows, total = sources.values()
    assert {name: row[0] for name, row in list(sources.items())[:-1]} == {
        "黄页": 2,
        "车商": 2,
        "担保公司": 1,
        "社会车辆": 1,
    }
    assert sum(row[0] for row in rows) == total[0] == 6
    listed = client.get("/crm_customers/customers", params={"q": 'class_code:unattached,lead origin:="车商"'}).text
    assert len(re.findall('class="row-link"', listed)) == 2


@pytest.mark.feature("CL-03")
def test_sweep_coverage_per_township_follows_the_manager(loaded: Installation, client: httpx2.Client) -> None:
    townships = table(client, "Sweep coverage by township")
    (manager,) = re.findall(r'<option value="(\d+)">王某', client.get(PAGE).text)
    his = table(client, "Sweep coverage by township", f"?manager={manager}")
    prospects = loaded.rows("crm_customers.customer", "name", f'manager_id:#{manager} township:="长安镇"')

    assert (townships["硖石街道"], townships["长安镇"]) == ((3, 0, 3), (2, 1, 1))
    assert (his["长安镇"], his["Total"]) == ((1, 1, 0), (2, 1, 1))
    assert [row["name"] for row in prospects] == ["沈建国"]
