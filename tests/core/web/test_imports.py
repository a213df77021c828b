"""Importing a file on screen: upload, columns, dry run, run, result, rejects, undo; and whose imports one sees."""

import re

import pytest
from sqlalchemy import func, select

from core.imports.models import ImportBatch
from core.jobs.models import Job
from core.jobs.runner import run_job
from core.security.actors import system_actor
from plugins.crm_customers.models import Customer

FILE = "客户名称,手机,城市\n王小明,13800138000,嘉兴\n,13800138001,嘉兴\n李小红,13900139000,海宁\n"


@pytest.fixture
def enabled_plugins():
    return ("crm_customers",)


@pytest.fixture
def rows(suite):
    def count() -> int:
        with suite.database.read(system_actor("test")) as session:
            return session.scalar(select(func.count(Customer.id)))

    return count


@pytest.fixture
def work(suite):
    """Run the job that was queued last."""

    def run() -> str | None:
        with suite.database.read(system_actor("test")) as session:
            job = session.scalars(select(Job.id).order_by(Job.id.desc()).limit(1)).one()
        return run_job(suite, job)

    return run


def send(client, content: str = FILE, name: str = "客户.csv", profile: str = "") -> str:
    answer = client.post("/imports/new", data={"profile": profile}, files={"file": (name, content.encode("gb18030"))})
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


def form_of(page: str) -> dict[str, str]:
    """Read the chosen values of the columns form."""
    found = {}
    for name, options in re.findall(r'<select class="input" id="[^"]*" name="([^"]+)".*?>(.*?)</select>', page, re.S):
        chosen = re.search(r'<option value="([^"]*)" selected', options)
        found[name] = chosen[1] if chosen else ""
    return found


def test_a_file_goes_from_upload_to_result_and_back(signed_in, work, rows):
    client = signed_in("mi")
    columns = send(client)
    page = client.get(columns)
    assert "王小明" in page.text
    assert form_of(page.text)["profile"] == "customer"

    batch = columns.removesuffix("/columns")
    started = client.post(columns, data={**form_of(page.text), "go": "dry_run"})
    assert started.headers["location"] == batch
    assert "progress" in client.get(batch).text
    assert work() == "done"
    assert client.get(f"{batch}/progress").headers["HX-Redirect"] == batch
    report = client.get(batch).text
    assert "Write 2 rows" in report
    assert "客户名称: The cell is empty." in report
    assert rows() == 0

    client.post(f"{batch}/commit", data={})
    assert work() == "done"
    assert rows() == 2
    result = client.get(batch).text
    assert "The import is complete." in result
    rejects = client.get(f"{batch}/rejects.csv")
    assert rejects.content.startswith(b"\xef\xbb\xbf")
    assert "13800138001" in rejects.text

    client.post(f"{batch}/undo", data={})
    assert rows() == 0
    assert "The import was taken back." in client.get(batch).text


def test_committing_twice_runs_once(signed_in, suite):
    client = signed_in("mi")
    batch = send(client).removesuffix("/columns")
    client.post(f"{batch}/commit", data={})
    client.post(f"{batch}/commit", data={})
    with suite.database.read(system_actor("test")) as session:
        assert session.scalar(select(func.count(Job.id)).where(Job.kind == "core.import")) == 1


def test_a_changed_column_is_imported_as_chosen_and_remembered(signed_in, work, suite):
    client = signed_in("mi")
    content = FILE.replace("客户名称", "称呼")
    columns = send(client, content, profile="")
    sent = {**form_of(client.get(columns).text), "profile": "customer", "go": "inspect"}
    client.post(columns, data=sent)
    page = client.get(columns).text
    fields = form_of(page)
    client.post(columns, data={**fields, "target-0": "客户名称", "remember": "yes", "go": "inspect"})
    assert form_of(client.get(columns).text)["target-0"] == "称呼"
    client.post(f"{columns.removesuffix('/columns')}/commit", data={})
    assert work() == "done"
    with suite.database.read(system_actor("test")) as session:
        assert set(session.scalars(select(Customer.name))) == {"王小明", "李小红"}
    assert form_of(client.get(send(client, content)).text)["target-0"] == "称呼"


def test_imports_of_another_branch_are_unknown(signed_in, people, suite):
    batch = send(signed_in("mi")).removesuffix("/columns")
    with suite.database.write(system_actor("test")) as session:
        session.get(ImportBatch, int(batch.rpartition("/")[2])).branch_id = people.branches["south"]
    client = signed_in("bo")
    for path in (batch, f"{batch}/columns", f"{batch}/progress", f"{batch}/rejects.csv"):
        assert client.get(path).status_code == 404
    assert client.post(f"{batch}/commit", data={}).status_code == 404


def test_a_clerk_cannot_write_into_a_branch_that_is_not_his(signed_in, work, rows):
    client = signed_in("bo")
    content = "客户名称,手机,出单机构\n王小明,13800138000,330402\n李小红,13900139000,330411\n"
    batch = send(client, content, profile="customer").removesuffix("/columns")
    client.post(f"{batch}/commit", data={})
    assert work() == "done"
    assert rows() == 1
    assert "330411" in client.get(f"{batch}/rejects.csv").text


def test_only_some_may_undo(signed_in):
    client = signed_in("bo")
    batch = send(client).removesuffix("/columns")
    assert client.post(f"{batch}/undo", data={}).status_code == 403


def test_a_file_that_is_none_is_refused_with_the_reason(signed_in):
    answer = signed_in("mi").post("/imports/new", data={}, files={"file": ("x.xlsx", b"not a workbook")})
    assert answer.status_code == 422
    assert "not what its name says" in answer.text


def test_batches_are_listed(signed_in):
    client = signed_in("mi")
    send(client)
    assert "客户.csv" in client.get("/imports").text


def test_a_dry_run_shows_old_and_new_values(signed_in, work, rows):
    client = signed_in("mi")
    content = "客户号,客户名称,手机\nK1,王小明,13800138000\n"
    first = send(client, content, profile="customer").removesuffix("/columns")
    client.post(f"{first}/commit", data={})
    assert work() == "done"

    columns = send(client, content.replace("王小明", "王晓明"), profile="customer")
    client.post(columns, data={**form_of(client.get(columns).text), "go": "dry_run"})
    assert work() == "done"
    report = client.get(columns.removesuffix("/columns")).text

    assert '<del class="old">王小明</del></td><td>王晓明</td>' in report
    assert "rows changed: 1" in report
    assert "No row was rejected" in client.get(f"{columns.removesuffix('/columns')}?tab=rejected").text
    assert rows() == 1
