"""`banyan import` as a program: one JSON object per file, exit status, one clear message."""

import json
import os
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from core.security.actors import system_actor
from core.security.branches import add_branch
from tests import forked

GOOD = "客户名称,手机\n王小明,13800138000\n李小红,13900139000\n"
KEYS = ["batch", "read", "new", "changed", "same", "rejected", "rejects_file"]


@pytest.fixture
def enabled_plugins():
    return ("crm_customers",)


@pytest.fixture
def banyan(suite, data_folder):
    """Run the command in a process of its own."""
    with suite.database.write(system_actor("test")) as session:
        add_branch(session, "330402", "南湖", None, "0573")

    def run(*words: object) -> CompletedProcess[str]:
        settings = {"BANYAN_DATA__FOLDER": str(data_folder), "BANYAN_PLUGINS__ENABLED": "crm_customers"}
        return forked.run(("import", *words), {**os.environ, **settings})

    return run


@pytest.fixture
def file(tmp_path):
    def write(content: str, name: str = "customers.csv") -> Path:
        path = tmp_path / name
        path.write_text(content, encoding="utf-8")
        return path

    return write


def test_a_clean_file_gives_one_object_and_status_0(banyan, file):
    done = banyan("customer", file(GOOD), "--json")
    assert done.returncode == 0, done.stderr
    outcome = json.loads(done.stdout)
    assert list(outcome) == KEYS
    assert (outcome["read"], outcome["new"], outcome["rejects_file"]) == (2, 2, None)


def test_rejects_give_status_3_and_a_file_that_can_be_corrected_and_loaded(banyan, file, monkeypatch):
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    done = banyan("customer", file(GOOD + ",13700137000\n"), "--json")
    assert done.returncode == 3, done.stderr
    outcome = json.loads(done.stdout)
    rejects = Path(outcome["rejects_file"])
    content = rejects.read_text(encoding="utf-8-sig")
    assert content.splitlines()[0] == "客户名称,手机,原文件行号,拒绝原因,处理办法"
    rejects.write_text(content.replace("\n,137", "\n赵大海,137"), encoding="utf-8-sig")
    again = banyan("customer", rejects, "--json")
    assert (again.returncode, json.loads(again.stdout)["new"]) == (0, 1)


def test_several_files_give_one_object_each(banyan, file):
    done = banyan("customer", file(GOOD), file(GOOD, "again.csv"), "--json")
    first, second = map(json.loads, done.stdout.splitlines())
    assert (first["new"], second["same"]) == (2, 2)


def test_a_dry_run_has_no_batch_and_writes_nothing(banyan, file):
    path = file(GOOD)
    assert json.loads(banyan("customer", path, "--dry-run", "--json").stdout)["batch"] is None
    assert json.loads(banyan("customer", path, "--json").stdout)["new"] == 2


def test_undo_takes_a_batch_back_once(banyan, file):
    batch = json.loads(banyan("customer", file(GOOD), "--json").stdout)["batch"]
    undone = banyan("--undo", batch, "--json")
    assert json.loads(undone.stdout)["kept"] == 0
    twice = banyan("--undo", batch)
    assert (twice.returncode, twice.stderr.count("\n")) == (1, 1)


def test_a_profile_with_a_mistake_is_named_with_the_mistake(banyan, file, data_folder):
    folder = data_folder / "profiles"
    folder.mkdir(exist_ok=True)
    text = 'schema = 1\nid = "heron"\ntitle = { en = "H", zh = "H" }\nsource = "heron"\nmain = "customer"\n'
    record = '[[record]]\nname = "customer"\nmodel = "crm_customers.customer"\nfeilds.name = "姓名"\n'
    (folder / "heron.toml").write_text(text + record, "utf-8")
    failed = banyan("heron", file(GOOD))
    assert failed.returncode == 1
    assert "heron.toml" in failed.stderr
    assert "feilds" in failed.stderr
    assert "fields" in failed.stderr


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("custommer", "x.csv"), "Did you mean customer?"),
        (("customer", "missing.csv"), "missing.csv"),
        (("customer", __file__, "--branch", "330409"), "Did you mean 330402?"),
        (("customer",), "at least one file"),
        (("customer", "x.csv", "--as", "nobody"), "There is no user nobody."),
        (("--undo", "99"), "99"),
    ],
)
def test_mistakes_give_one_clear_message_and_status_1(banyan, words, told):
    failed = banyan(*words)
    assert failed.returncode == 1
    assert told in failed.stderr
    assert failed.stderr.strip().count("\n") == 0
    assert "Traceback" not in failed.stderr
