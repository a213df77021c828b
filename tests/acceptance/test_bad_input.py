"""Bad input on the command line: refusals name what, where and the cure, in two languages, and change nothing."""

from __future__ import annotations

import csv
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from core.db.sqlite import dbapi2 as sqlite
from tests.acceptance.installation import Installation
from tests.acceptance.test_core_files import POLICY, policy, written

LANGUAGES = ("zh_CN.UTF-8", "C.UTF-8")
GOOD = policy("P1", "张三", "100", "2026-01-01", "2026-12-31")


def told(installation: Installation, *words: str | Path) -> list[str]:
    """What a failing command says in each language."""

    def run(language: str) -> str:
        return Installation(installation.folder, {**installation.settings, "LC_ALL": language}).run(*words, status=1)

    with ThreadPoolExecutor() as processes:
        return list(processes.map(run, LANGUAGES))


def setting_file(text: str) -> Callable[[Path, Path], tuple[str | Path, ...]]:
    def make(_data: Path, folder: Path) -> tuple[str | Path, ...]:
        file = folder / "settings.toml"
        file.write_text(text, "utf-8")
        return "--config", file, "branch", "list"

    return make


def importing(profile: str, content: bytes, *options: str) -> Callable[[Path, Path], tuple[str | Path, ...]]:
    def make(_data: Path, folder: Path) -> tuple[str | Path, ...]:
        file = folder / "保单.csv"
        file.write_bytes(content)
        return "import", profile, file, *(options or ("--branch", "3304"))

    return make


SHEET = "保单号,投保人\nP1,张三\n".encode()
CASES = {
    "malformed settings": (setting_file("[data\n"), ("line 1", "settings.toml"), "更正所指的行"),
    "unknown setting": (setting_file("[data]\nfoldr = 3\n"), ("settings.toml", "data.foldr"), "没有设置项"),
    "unknown profile": (importing("polic", SHEET), ("polic", "policy"), "没有导入方案"),
    "wrong profile": (importing("claim", SHEET), ("claim",), "请选择其他方案"),
    "unreadable file": (importing("policy", b"PK\x03\x04" + bytes(200)), ("保单.csv",), "保单.csv"),
    "missing file": (
        lambda _data, folder: ("import", "policy", folder / "nowhere.csv"),
        ("nowhere.csv",),
        "请检查路径",
    ),
    "unknown branch": (importing("policy", SHEET, "--branch", "9999"), ("9999",), "没有机构 9999"),
    "foreign branch": (
        importing("policy", SHEET, "--branch", "330481", "--as", "pinghu"),
        ("There is no branch 330481 of yours",),
        "330481",
    ),
}


@pytest.fixture(scope="module")
def installed(module_installation: Installation, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    module_installation.load(written(tmp_path_factory.mktemp("lists") / "保单.csv", POLICY, GOOD), "policy")
    return module_installation


@pytest.mark.parametrize("case", CASES)
def test_a_refusal_names_what_and_the_cure_and_changes_nothing(
    installed: Installation, tmp_path: Path, case: str
) -> None:
    make, named, chinese = CASES[case]
    before = installed.contents()

    in_chinese, in_english = told(installed, *make(installed.folder, tmp_path))

    assert all(name in in_english for name in named), in_english
    assert chinese in in_chinese
    assert all(text.startswith("banyan: ") and "Traceback" not in text for text in (in_chinese, in_english))
    assert installed.contents() == before


WRONG_CELLS = {
    "zh_CN.UTF-8": ("丢失了位数", "有多种读法", "不是金额", "某地"),
    "C.UTF-8": ("lost digits", "more than one", "not an amount", "no branch 某地"),
}
"""What is said of a rounded number, an ambiguous date, a wrong amount, a branch that is not there."""


@pytest.mark.parametrize("language", LANGUAGES)
def test_wrong_cells_are_rejected_row_by_row_with_place_and_cure(
    installed: Installation, tmp_path: Path, language: str
) -> None:
    rows = [
        ("6.1021E+21", *GOOD[1:]),
        ("P2", "李四", "李四", "100", "01/02/2026", *GOOD[5:]),
        ("P3", "李四", "李四", "1OO", *GOOD[4:]),
        (*policy("P4", "李四", "100", "2026-01-01", "2026-12-31")[:8], "某地"),
    ]
    spoken = Installation(installed.folder, {**installed.settings, "LC_ALL": language})

    report = spoken.load(written(tmp_path / f"保单{language}.csv", POLICY, *rows), "policy")

    with Path(report["rejects_file"]).open(encoding="utf-8-sig", newline="") as rejects:
        _, *told = csv.reader(rejects)
    assert (report["read"], report["rejected"]) == (4, 4)
    assert [row["policy_no"] for row in installed.rows("crm_customers.policy", "policy_no")] == ["P1"]
    for number, (row, what) in enumerate(zip(told, WRONG_CELLS[language], strict=True)):
        line, reason, cure = row[-3:]
        assert line == str(number + 2)
        assert what.casefold() in reason.casefold(), reason
        assert cure


def test_a_clerk_cannot_load_into_a_branch_of_others(installed: Installation, tmp_path: Path) -> None:
    file = written(tmp_path / "保单.csv", POLICY, policy("P9", "王五", "1", "2026-01-01", "2026-12-31", "平湖"))

    text = installed.run("import", "policy", file, "--branch", "3304", "--as", "haining", "--json", status=(1, 3))

    assert [row["policy_no"] for row in installed.rows("crm_customers.policy", "policy_no")] == ["P1"], text


def test_a_database_newer_than_the_code_is_not_touched(installation: Installation) -> None:
    with closing(sqlite.connect(installation.folder / "banyan.db")) as database, database:
        database.execute("UPDATE alembic_version_core SET version_num = 'from_the_future'")
    before = installation.contents()

    in_chinese, in_english = told(installation, "db", "upgrade")

    assert "from_the_future" in in_english
    assert "恢复升级前的备份" in in_chinese
    assert installation.contents() == before


def test_a_database_that_another_program_holds_is_left_alone(installation: Installation) -> None:
    with closing(sqlite.connect(installation.folder / "banyan.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        in_chinese, in_english = told(installation, "branch", "add", "330483", "桐乡")
        other.execute("ROLLBACK")

    assert "Another process holds the database" in in_english
    assert "Try again" in in_english
    assert "数据库" in in_chinese
    assert "Another" not in in_chinese
    assert "330483" not in installation.run("branch", "list")


@pytest.mark.parametrize(("language", "said"), [(LANGUAGES[0], "crm_nothing 不存在"), (LANGUAGES[1], "no such plugin")])
def test_a_plugin_that_does_not_exist_is_named_with_what_there_is(
    installation: Installation, language: str, said: str
) -> None:
    strange = {**installation.settings, "BANYAN_PLUGINS__ENABLED": "crm_customers,crm_nothing"}

    report = Installation(installation.folder, {**strange, "LC_ALL": language}).run("doctor", status=(0, 1))

    assert said in report
    assert "crm_customers" in report
