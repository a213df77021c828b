"""Settings on screen and by command: default, file, installation, branch; whose values one may set; what is refused."""

import json
import re

import pytest
from sqlalchemy import select
from typer.testing import CliRunner

from core.cli import application as banyan
from core.cli import register_commands
from core.errors import ConfigError
from core.plugin.contributions import Setting
from core.plugin.epochs import FRESH_SECONDS, Epochs
from core.plugin.hookspecs import hookimpl
from core.plugin.manager import CORE
from core.plugin.setting_values import SettingValues
from core.plugin.settings import setting, setting_problems
from core.registry.fields import Label, choices
from core.security import audit
from core.security.accounts import add_user
from core.security.actors import system_actor
from core.security.models import AuditEntry, Branch, Role
from core.security.models import Setting as Stored
from core.security.permissions import give_grant
from tests.core.web.conftest import PASSWORD

LOOK = system_actor("look")


class Sample:
    """Settings of every type."""

    @hookimpl
    def core_settings(self) -> list[Setting]:
        return [
            Setting(
                "days", Label("Days", "天数"), 30, Label("Of notice", "提前量"), minimum=1, maximum=90, per_branch=True
            ),
            Setting("share", Label("Share", "比例"), 0.5, minimum=0),
            Setting("greeting", Label("Greeting", "问候"), "Hello", per_branch=True),
            Setting(
                "tone", Label("Tone", "语气"), "kind", options=choices(("kind", "Kind", "亲切"), ("dry", "Dry", "平淡"))
            ),
            Setting("loud", Label("Loud", "大声"), False, per_branch=True),
        ]


@pytest.fixture
def suite(suite):
    suite.plugins.register(CORE, Sample(), "sample")
    return suite


@pytest.fixture
def manager(suite, people, signed_in):
    """An administrator of the branch north only."""
    with suite.database.write(system_actor("test data")) as session:
        north = session.get_one(Branch, people.branches["north"])
        user = add_user(session, "nora", "Nora", PASSWORD, north)
        give_grant(session, user, session.scalars(select(Role).where(Role.code == "admin")).one(), north)
    return signed_in("nora")


def save(client, name, value, branch=""):
    return client.post(f"/settings/core.{name}", data={"value": value, "branch": branch})


def values(suite, people, name):
    places = {"": None, **people.branches}
    return {place: setting(suite, CORE, name, number) for place, number in places.items()}


def stored(suite):
    with suite.database.read(LOOK) as session:
        rows = session.execute(select(Stored.name, Stored.branch_id, Stored.value))
        return {(row.name, row.branch_id): row.value for row in rows if row.name.startswith("core.")}


def test_the_nearest_value_holds_and_goes_back_to_what_is_inherited(signed_in, suite, people):
    admin = signed_in("anna")
    assert values(suite, people, "days") == {"": 30, "head": 30, "north": 30, "south": 30}
    assert save(admin, "days", "20").status_code == 303
    assert values(suite, people, "days") == {"": 20, "head": 20, "north": 20, "south": 20}
    save(admin, "days", "10", "3304")
    save(admin, "days", "５", "330402")
    assert values(suite, people, "days") == {"": 20, "head": 10, "north": 5, "south": 10}

    page = admin.get("/settings?branch=330411").text
    assert re.search(r"Days.*?Of notice.*?<td[^>]*>10</td>.*?嘉兴.*?Anna", page, re.DOTALL)
    assert admin.post("/settings/core.days/reset", data={"branch": "3304"}).status_code == 303
    assert values(suite, people, "days") == {"": 20, "head": 20, "north": 5, "south": 20}
    admin.post("/settings/core.days/reset", data={"branch": ""})
    assert values(suite, people, "days") == {"": 30, "head": 30, "north": 5, "south": 30}


def test_a_change_is_audited_with_who_what_and_where(signed_in, suite, people):
    admin = signed_in("anna")
    save(admin, "greeting", "Good day", "330402")
    admin.post("/settings/core.greeting/reset", data={"branch": "330402"})
    with suite.database.read(LOOK) as session:
        rows = session.scalars(select(AuditEntry).where(AuditEntry.action.startswith("setting."))).all()
        told = [(row.actor_name, row.action, row.branch_id, row.detail) for row in rows]
        assert audit.verify(session) == []
    north = people.branches["north"]
    assert told == [
        ("Anna", "setting.set", north, {"setting": "core.greeting", "old": "Hello", "new": "Good day"}),
        ("Anna", "setting.reset", north, {"setting": "core.greeting", "old": "Good day"}),
    ]
    assert "Setting changed" in admin.get("/audit").text


WRONG = (
    ("days", "soon", "Write a whole number."),
    ("days", "1.5", "Write a whole number."),
    ("days", "91", "Write a number ≥ 1, ≤ 90."),
    ("days", "", "Write a whole number."),
    ("share", "-0.1", "Write a number ≥ 0."),
    ("share", "nan", "is out of range"),
    ("tone", "rude", "Choose one of kind, dry."),
    ("greeting", "x" * 501, "At most 500 characters."),
)


def test_a_wrong_value_is_refused_at_the_field(signed_in, suite):
    admin = signed_in("anna")
    for name, typed, message in WRONG:
        answer = save(admin, name, typed)
        told = re.findall(r'id="value-error">.*?<span>(.*?)</span>', answer.text, re.DOTALL)
        assert (answer.status_code, len(told)) == (422, 1), name
        assert message in told[0]
    assert stored(suite) == {}


def test_a_setting_of_the_installation_has_no_value_in_a_branch(signed_in, suite):
    answer = save(signed_in("anna"), "share", "0.7", "330402")
    assert (answer.status_code, stored(suite)) == (422, {})


def test_an_administrator_of_a_branch_sets_only_its_values(manager, signed_in, suite, people):
    assert save(manager, "days", "7", "330402").status_code == 303
    assert save(manager, "days", "7").status_code == 403
    assert save(manager, "days", "7", "3304").status_code == 404
    assert save(manager, "days", "7", "330411").status_code == 404
    assert manager.post("/settings/core.days/reset", data={"branch": ""}).status_code == 403
    assert stored(suite) == {("core.days", people.branches["north"]): 7}
    assert "南湖" in manager.get("/settings").text
    assert "秀洲" not in manager.get("/settings/core.days").text
    assert "not change them" in manager.get("/settings/core.days?branch=").text
    assert signed_in("mi").get("/settings").status_code == 403
    assert save(signed_in("mi"), "days", "7", "330402").status_code == 403


def test_another_process_follows_within_a_second(signed_in, suite):
    now = [0.0]
    other = SettingValues(Epochs(suite.database, lambda: now[0]))
    assert other.inherited("core.loud", None) == []
    save(signed_in("anna"), "loud", "yes")
    assert other.inherited("core.loud", None) == []
    now[0] += FRESH_SECONDS
    assert [found.value for found in other.inherited("core.loud", None)] == [True]


def test_an_unticked_box_says_no_and_a_choice_is_shown_by_its_label(signed_in, suite):
    admin = signed_in("anna")
    save(admin, "loud", "yes")
    admin.post("/settings/core.loud", data={"branch": ""})
    save(admin, "tone", "dry")
    assert (setting(suite, CORE, "loud"), setting(suite, CORE, "tone")) == (False, "dry")
    admin.headers["Accept-Language"] = "zh-CN"
    page = admin.get("/settings").text
    assert "平淡" in page


def test_what_a_new_version_no_longer_takes_is_passed_over_and_told(signed_in, suite):
    save(signed_in("anna"), "days", "20")
    with suite.database.write(system_actor("test data")) as session:
        session.scalars(select(Stored).where(Stored.name == "core.days")).one().value = "twenty"
    suite.setting_values.forget()
    assert setting(suite, CORE, "days") == 30
    assert [problem.code for problem in setting_problems(suite)] == ["stored_setting_wrong"]


def test_a_setting_that_nobody_declared_is_named_with_the_nearest(suite, signed_in):
    with pytest.raises(ConfigError, match="days"):
        setting(suite, CORE, "dais")
    answer = signed_in("anna").get("/settings/core.dais")
    assert answer.status_code == 404
    assert "core.days" in answer.text


def test_the_command_sets_shows_and_takes_back(suite, people, monkeypatch):
    monkeypatch.setenv("BANYAN_DATA__FOLDER", str(suite.settings.data.folder))
    monkeypatch.setenv("BANYAN_PLUGINS__ENABLED", "")
    register_commands()

    def run(*words):
        done = CliRunner().invoke(banyan, ["settings", *words, "--json"])
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout)

    name, north = "core.attachment_mb", ("--branch", "330402")
    assert run("set", name, "5", *north)["value"] == 5
    assert {each["name"]: each["value"] for each in run("list")}[name] == 20
    found = run("get", name, *north)
    assert (found["value"], found["origin"], found["changed_by"]) == (5, "branch", "system")
    assert run("unset", name, *north)["origin"] == "default"
