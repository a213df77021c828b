"""The report of a dry run over HTTP: its tabs, its rejected rows to download, nothing written; then the same run."""

from __future__ import annotations

import csv
import html
import re
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from core.values.resident_id import check_character
from tests.acceptance.installation import Installation
from tests.acceptance.test_accessibility import ended, rehearsed
from tests.acceptance.test_core_files import written

HEAD = ("客户号", "客户名称", "客户类型", "证件号码", "出生日期", "手机", "地址", "出单机构")
ID = "33048119800101123"
PLACE = "海宁市硖石街道西路1号"
KNOWN = ("K1", "陈美芳", "个人", "", "1980-01-01", "13805731201", PLACE, "海宁")
ROWS = (
    KNOWN,
    ("K2", "沈建华", "个人", "", "1975-05-05", "13805731202", PLACE, "海宁"),
    ("K7", "陈美芳", "个人", "", "1980-01-01", "13905739999", "海宁市长安镇北街2号", "海宁"),
    ("K8", "陆小明", "个人", ID + check_character(ID), "", "13805731208", "", "海宁"),
    ("K9", "", "个人", "", "", "13805731209", "", "海宁"),
    ("K10", "钱七", "个人", "", "01/02/1980", "", "", "海宁"),
    ("K11", "孙八", "个人", "", "", "", "", "平湖"),
)
"""The same, a changed name, a namesake of the same birthday, a new customer, three that are refused."""


@pytest.fixture(scope="module")
def loaded(module_installation: Installation, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    before = (KNOWN, ("K2", "沈建国", *ROWS[1][2:]))
    module_installation.load(written(tmp_path_factory.mktemp("lists") / "客户.csv", HEAD, *before), "customer")
    return module_installation


@pytest.fixture(scope="module")
def client(loaded: Installation) -> Iterator[httpx2.Client]:
    with loaded.served() as site, site.signed_in("haining") as client:
        yield client


@pytest.fixture(scope="module")
def report(client: httpx2.Client, tmp_path_factory: pytest.TempPathFactory) -> str:
    return rehearsed(client, written(tmp_path_factory.mktemp("upload") / "客户2.csv", HEAD, *ROWS))


def tab(client: httpx2.Client, report: str, name: str) -> str:
    page = client.get(report, params={"tab": name}).text
    detail = page.partition('aria-label="Rows in detail"')[2].partition("</section>")[0]
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", detail)))


def test_each_kind_of_row_has_a_tab_with_its_values(client: httpx2.Client, report: str) -> None:
    new, changed, same, rejected = (tab(client, report, name) for name in ("new", "changed", "same", "rejected"))

    assert re.search(r"New 2 Changed 1 Same 1 Possible duplicates 1 Rejected 3", new), new
    assert "陆小明" in new
    assert "陈美芳" in new
    assert ID not in new
    assert "13805731208" not in new
    assert re.search(r"沈建国 Customer Name 沈建国 沈建华 the newer delivery counts", changed), changed
    assert "陈美芳" in same
    assert "陆小明" not in same
    assert "01/02/1980" in rejected


def test_possible_duplicates_are_named_before_anything_is_written(client: httpx2.Client, report: str) -> None:
    found = tab(client, report, "crm_customers")

    assert re.search(r"陈美芳 C\d{8} 陈美芳 C00000001 same name · same birthday", found), found


def test_rejected_rows_are_downloaded_before_the_run_and_nothing_is_written(
    loaded: Installation, client: httpx2.Client, report: str
) -> None:
    before = loaded.rows("crm_customers.customer", "number,name")
    answer = client.get(f"{report}/rejects.csv")
    *rows, last = csv.reader(answer.content.decode("utf-8-sig").splitlines())

    assert [row[0] for row in (*rows[1:], last)] == ["K9", "K10", "K11"]
    assert last[1] == "孙八"
    assert "平湖" in last[-2]
    assert sorted(row["name"] for row in before) == ["沈建国", "陈美芳"]


def test_the_run_does_what_the_dry_run_said(loaded: Installation, client: httpx2.Client, tmp_path: Path) -> None:
    trial = rehearsed(client, written(tmp_path / "客户3.csv", HEAD, *ROWS))
    client.post(f"{trial}/commit")
    ended(client, trial)
    rejects = client.get(f"{trial}/rejects.csv").content.decode("utf-8-sig").splitlines()
    (batch,) = loaded.rows("core.import_batch", "new,changed,same,rejected", "file_name:客户3.csv")

    assert [batch[name] for name in ("new", "changed", "same", "rejected")] == [2, 1, 1, 3]
    assert len(rejects) == 4
