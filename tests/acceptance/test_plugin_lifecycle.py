"""The life of a plugin from the command line: install, upgrade, disable, uninstall, restore; what a failure leaves."""

import json
import shutil
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.acceptance import shop
from tests.acceptance.installation import Installation

pytestmark = [pytest.mark.feature("CO-09"), pytest.mark.proof]


@pytest.fixture(scope="module")
def with_shop(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an installation with the shop 1.0 and some orders; copied, never used itself."""
    installation = Installation(Path(shutil.copytree(template, tmp_path_factory.mktemp("shop") / "data")))
    shop.lay_out(installation, "1.0")
    found = shop.state(installation)
    installation.run("plugin", "install", "dummy_shop", "--yes")
    shop.fill(installation)
    assert (found["state"], found["status"]) == ("available", "")
    return installation.folder


@pytest.fixture
def installed(with_shop: Path, tmp_path: Path) -> Installation:
    """An installation of the test's own with the shop 1.0 and some orders."""
    installation = Installation(Path(shutil.copytree(with_shop, tmp_path / "data")))
    shop.lay_out(installation, "1.0")
    return installation


def test_a_plugin_is_found_then_installed_and_recorded(installed):
    after = shop.state(installed)

    assert (after["state"], after["status"]) == ("installed", "ready")
    assert (after["installed_version"], after["revision"]) == ("1.0", "0001_initial")
    assert len(shop.rows(installed)["dummy_shop_order"]) == 6


def test_an_installation_from_before_the_registry_is_adopted_at_the_next_start(installed):
    from contextlib import closing

    from core.db.sqlite import dbapi2

    with closing(dbapi2.connect(str(installed.folder / "banyan.db"))) as database, database:
        database.execute("DELETE FROM core_plugin")
    installed.settings["BANYAN_PLUGINS__ENABLED"] = "crm_customers,dummy_shop"

    with installed.served():
        pass

    states = {row["id"]: row["state"] for row in installed.json("plugin", "list")}
    assert (states["crm_customers"], states["dummy_shop"]) == ("installed", "installed")


def test_an_upgrade_adds_fills_and_tightens_and_keeps_a_copy(installed):
    before = shop.rows(installed)
    shop.lay_out(installed, "2.0")

    said = installed.run("plugin", "upgrade", "dummy_shop", "--yes")

    after = shop.rows(installed)
    row = shop.state(installed)
    assert (row["state"], row["installed_version"], row["revision"]) == ("installed", "2.0", "0003_tight")
    assert [old for *old, _ in after["dummy_shop_order"]] == [list(each) for each in before["dummy_shop_order"]]
    assert {each[-1] for each in after["dummy_shop_order"]} == {"red"}
    assert said.index("0002_colour") < said.index("dummy_shop.fill") < said.index("0003_tight")
    assert list((installed.folder / "backups").glob("before-upgrade-dummy_shop-*.zip"))


def test_code_of_another_version_is_not_run_before_the_upgrade(installed):
    shop.lay_out(installed, "2.0")

    row = shop.state(installed)
    with installed.served() as site, site.signed_in("anna") as anna:
        theirs, others = anna.get("/dummy_shop/hello"), anna.get("/crm_customers/customers")

    assert (row["status"], row["phase"]) == ("failed", "upgrade")
    assert "plugin upgrade dummy_shop" in row["problem"]
    assert (theirs.status_code, others.status_code) == (503, 200)
    assert "being upgraded" in theirs.text


def test_a_failing_revision_fails_its_plugin_alone_and_the_corrected_one_goes_on(installed):
    code = shop.lay_out(installed, "2.0")
    good = (code / "migrations" / "0002_colour.py").read_text()
    head = "def upgrade() -> None:\n"
    bad = f"{head}    op.execute('DELETE FROM dummy_shop_line')\n    raise ValueError('on purpose')\n"
    (code / "migrations" / "0002_colour.py").write_text(good.replace(head, bad))
    before = shop.rows(installed)

    complaint = installed.run("plugin", "upgrade", "dummy_shop", "--yes", status=1)

    row, shown = shop.state(installed), installed.run("plugin", "show", "dummy_shop")
    doctor = installed.run("plugin", "doctor", status=(0, 1))
    with installed.served() as site, site.signed_in("anna") as anna:
        answers = [anna.get(path).status_code for path in ("/dummy_shop/hello", "/crm_customers/customers", "/")]
    (code / "migrations" / "0002_colour.py").write_text(good)
    installed.run("plugin", "upgrade", "dummy_shop", "--yes")

    assert "on purpose" in complaint
    assert (row["state"], row["status"], row["revision"]) == ("failed", "failed", "0001_initial")
    assert "Traceback" in shown
    assert "dummy_shop: failed" in doctor
    assert answers == [503, 200, 200]
    assert before["dummy_shop_line"] == shop.rows(installed)["dummy_shop_line"]
    assert shop.state(installed)["installed_version"] == "2.0"


@pytest.mark.parametrize("fault", ["raise RuntimeError('broken')", "import os; os._exit(7)", "import os; os.abort()"])
def test_new_code_that_cannot_be_loaded_is_refused_before_anything_changes(installed, fault):
    code = shop.lay_out(installed, "2.0")
    (code / "plugin.py").write_text(f"{fault}\n")

    complaint = installed.run("plugin", "upgrade", "dummy_shop", "--yes", status=1)

    assert "Nothing was changed" in complaint
    assert (shop.state(installed)["state"], shop.state(installed)["revision"]) == ("installed", "0001_initial")


def test_a_plugin_whose_folder_is_gone_is_missing_and_everything_else_works(installed):
    shop.remove_code(installed)

    row, doctor = shop.state(installed), installed.run("plugin", "doctor", status=(0, 1))
    with installed.served() as site, site.signed_in("anna") as anna:
        answers = [anna.get(path).status_code for path in ("/dummy_shop/hello", "/crm_customers/customers", "/")]

    assert (row["state"], row["status"]) == ("installed", "missing")
    assert "its folder or package is gone" in doctor
    assert answers == [503, 200, 200]
    installed.run("db", "upgrade")
    assert len(shop.rows(installed)["dummy_shop_order"]) == 6


def test_safe_mode_runs_the_core_alone_and_says_so(installed):
    installed.settings["BANYAN_PLUGINS__SAFE_MODE"] = "1"
    with installed.served() as site, site.signed_in("anna") as anna:
        home, theirs = anna.get("/jobs"), anna.get("/crm_customers/customers")
    del installed.settings["BANYAN_PLUGINS__SAFE_MODE"]
    listed = json.loads(installed.run("--safe-mode", "plugin", "list", "--json"))

    assert "Safe mode" in home.text
    assert theirs.status_code == 404
    assert {row["status"] for row in listed} == {"excluded"}
    assert shop.state(installed)["status"] == "ready"


def test_an_excluded_plugin_is_not_loaded(installed):
    installed.settings["BANYAN_PLUGINS__EXCLUDE"] = "dummy_shop"

    statuses = {row["id"]: row["status"] for row in installed.json("plugin", "list")}

    assert statuses == {"crm_customers": "ready", "dummy_shop": "excluded"}


def test_strict_refuses_to_run_with_a_failed_plugin(installed):
    shop.remove_code(installed)
    installed.settings["BANYAN_PLUGINS__STRICT"] = "true"

    assert "dummy_shop is installed, but its folder" in installed.run("plugin", "list", status=1)


@pytest.mark.parametrize("version", ["1.0", "2.0"])
def test_an_archive_is_restored_byte_by_byte_also_into_a_later_version(installed, version):
    before = shop.rows(installed)

    installed.run("plugin", "uninstall", "dummy_shop", "--archive", "--yes")
    between, gone = shop.rows(installed), shop.state(installed)
    shop.lay_out(installed, version)
    installed.run("plugin", "restore", "dummy_shop", "--yes")

    after = shop.rows(installed)
    assert between == {"next": []}
    assert (gone["state"], gone["status"]) == ("archived", "")
    assert after["dummy_shop_line"] == before["dummy_shop_line"]
    assert [each[:7] for each in after["dummy_shop_order"]] == before["dummy_shop_order"]
    assert [each for each in after["next"] if each in before["next"]] == before["next"]
    assert shop.state(installed)["installed_version"] == version


def test_kept_data_come_back_as_they_were(installed):
    before = shop.rows(installed)

    installed.run("plugin", "uninstall", "dummy_shop", "--keep", "--yes")
    dormant = shop.state(installed)
    refused = installed.run("plugin", "install", "dummy_shop", "--yes", status=1)
    installed.run("plugin", "restore", "dummy_shop", "--yes")

    assert dormant["state"] == "dormant"
    assert "plugin restore dummy_shop" in refused
    assert shop.rows(installed) == before
    assert shop.state(installed)["state"] == "installed"


def test_dropped_leaves_nothing_and_is_not_installed_again_by_the_configuration(installed):
    installed.settings["BANYAN_PLUGINS__ENABLED"] = "crm_customers,dummy_shop"
    contents = installed.contents()

    installed.run("plugin", "uninstall", "dummy_shop", "--drop", "--yes")

    left = installed.contents()
    assert [name for name in left if "dummy_shop" in name] == []
    assert contents["core_schedule"] != left["core_schedule"]
    assert not [row for table in ("core_role", "core_schedule") for row in left[table] if "dummy_shop" in str(row)]
    installed.run("db", "upgrade")
    assert shop.state(installed)["state"] == "dropped"
    installed.run("plugin", "install", "dummy_shop", "--yes")
    assert shop.state(installed)["state"] == "installed"


def test_the_rows_of_one_branch_are_archived_and_restored(installed):
    before = shop.rows(installed)

    plan = installed.json("plugin", "plan", "uninstall", "dummy_shop", "--mode", "archive", "--branch", "330481")
    blocked = installed.run("plugin", "uninstall", "dummy_shop", "--archive", "--branch", "330481", "--yes", status=1)

    assert plan["rows"] == {"dummy_shop_order": 3, "dummy_shop_line": 3}
    assert "FOREIGN KEY" in blocked
    assert shop.rows(installed) == before
    unlink_lines(installed)
    before = shop.rows(installed)
    installed.run("plugin", "uninstall", "dummy_shop", "--archive", "--branch", "330481", "--yes")
    assert len(shop.rows(installed)["dummy_shop_order"]) == 3
    installed.run("plugin", "restore", "dummy_shop", "--branch", "330481", "--yes")
    assert shop.rows(installed) == before


def unlink_lines(installed: Installation) -> None:
    """Take away the links between lines of different branches, which stand against deleting one of them."""
    from contextlib import closing

    from core.db.sqlite import dbapi2

    with closing(dbapi2.connect(str(installed.folder / "banyan.db"))) as database, database:
        database.execute("UPDATE dummy_shop_line SET above_id = NULL")


def test_a_damaged_archive_is_refused_and_nothing_is_lost(installed):
    installed.run("plugin", "uninstall", "dummy_shop", "--archive", "--yes")
    (file,) = (installed.folder / "archives").glob("dummy_shop-*.zip")
    with ZipFile(file) as bundle:
        parts = {name: bundle.read(name) for name in bundle.namelist()}
    parts["dummy_shop_order.jsonl"] = parts["dummy_shop_order.jsonl"].replace("订单1".encode(), "订单9".encode())
    with ZipFile(file, "w") as bundle:
        for name, content in parts.items():
            bundle.writestr(name, content)

    installed.run("plugin", "restore", "dummy_shop", "--yes", status=1)

    assert shop.state(installed)["state"] in {"archived", "failed"}


def test_a_plugin_that_others_need_is_not_taken_out(installation):
    code = shop.lay_out(installation, "1.0")
    manifest = (code / "plugin.toml").read_text()
    (code / "plugin.toml").write_text(manifest + '[requires]\ncrm_customers = ">=0.1"\n')
    installation.run("plugin", "install", "dummy_shop", "--yes")

    complaint = installation.run("plugin", "uninstall", "crm_customers", "--keep", "--yes", status=1)

    assert "required by dummy_shop" in complaint


def test_a_branch_is_switched_off_and_on_at_once(installed):
    with installed.served() as site, site.signed_in("haining") as person:
        first = person.get("/dummy_shop/hello").status_code
        installed.run("plugin", "disable", "dummy_shop", "--branch", "330481")
        off = until(lambda: person.get("/dummy_shop/hello").status_code, 404)
        installed.run("plugin", "enable", "dummy_shop", "--branch", "330481")
        on = until(lambda: person.get("/dummy_shop/hello").status_code, 200)

    assert (first, off, on) == (200, 404, 200)


def until(look, expected, seconds=20.0):
    """Look until something is as expected; returns what was seen last."""
    import time

    end = time.monotonic() + seconds
    while (seen := look()) != expected and time.monotonic() < end:
        time.sleep(0.1)  # another process is to notice
    return seen
