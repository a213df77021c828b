"""Running processes follow what is installed: only the plugin at work pauses, its jobs wait, then all run new code."""

import shutil
import threading
import time
from pathlib import Path

import pytest

from tests import forked
from tests.acceptance import shop
from tests.acceptance.installation import Installation

pytestmark = [pytest.mark.feature("CO-09"), pytest.mark.proof]
PATIENCE = 90.0


@pytest.fixture
def installed(template: Path, tmp_path: Path) -> Installation:
    installation = Installation(Path(shutil.copytree(template, tmp_path / "data")))
    shop.lay_out(installation, "1.0")
    installation.run("plugin", "install", "dummy_shop", "--yes")
    shop.fill(installation)
    return installation


def enqueue(installation: Installation, file: Path, count: int, job: str = "dummy_shop.note") -> None:
    done = forked.call(shop.enqueue, installation.environment, str(file), count, job)
    assert done.returncode == 0, done.stderr


def until(look, expected):
    """Look until something is as expected; returns what was seen last."""
    end = time.monotonic() + PATIENCE
    while (seen := look()) != expected and time.monotonic() < end:
        time.sleep(0.2)  # another process is to notice
    return seen


def test_an_upgrade_under_way_lets_all_else_serve_and_the_processes_take_the_new_code(installed, tmp_path):
    seen, stop = {"/crm_customers/customers": set(), "/": set()}, threading.Event()
    with installed.served() as site, site.signed_in("anna") as anna, site.signed_in("city") as reader:

        def read() -> None:
            while not stop.is_set():
                for path, found in seen.items():
                    found.add(reader.get(path, headers={"Connection": "close"}).status_code)

        first = anna.get("/dummy_shop/hello").text
        enqueue(installed, tmp_path / "never", 1, "dummy_shop.wait")
        until(lambda: job_states(installed), {"running": 1})
        thread = threading.Thread(target=read)
        thread.start()
        shop.lay_out(installed, "2.0")
        installed.run("plugin", "upgrade", "dummy_shop", "--yes", "--wait", "60")
        second = until(lambda: anna.get("/dummy_shop/hello", headers={"Connection": "close"}).text, "shop 2.0")
        stop.set()
        thread.join()
        again = until(lambda: job_states(installed), {"done": 1, "running": 1})

    assert (first, second) == ("shop 1.0", "shop 2.0")
    assert seen == {path: {200} for path in seen}
    assert again == {"done": 1, "running": 1}
    assert until(lambda: shop.state(installed)["revision"], "0003_tight") == "0003_tight"


def job_states(installation: Installation) -> dict[str, int]:
    """Count the shop's jobs by state."""
    from collections import Counter
    from contextlib import closing

    from core.db.sqlite import dbapi2

    with closing(dbapi2.connect(str(installation.folder / "banyan.db"))) as database:
        return dict(
            Counter(row[0] for row in database.execute("SELECT state FROM core_job WHERE plugin = 'dummy_shop'"))
        )


def test_no_job_of_a_plugin_that_is_away_is_lost(installed, tmp_path):
    notes = tmp_path / "notes"
    enqueue(installed, notes, 10)
    installed.run("plugin", "uninstall", "dummy_shop", "--keep", "--yes")
    parked = job_states(installed)
    with installed.served() as site, site.signed_in("anna") as anna:
        page = anna.get("/jobs?view=attention").text
        number = page.partition("/stop")[0].rpartition("/jobs/")[2]
        anna.post(f"/jobs/{number}/stop")
        installed.run("plugin", "restore", "dummy_shop", "--yes")
        done = until(lambda: job_states(installed), {"done": 9, "cancelled": 1})

    assert parked == {"parked": 10}
    assert done == {"done": 9, "cancelled": 1}
    assert len(notes.read_text().splitlines()) == 9
