"""The data dictionary as page, file and command: all tables with owner, model, rows, fields, protection and imports."""

import csv
import io
import json

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from core.cli import application as banyan
from core.cli import register_commands
from core.db.base import Base
from core.dictionary import data_dictionary
from core.imports.library import ImportLibrary
from core.security.actors import system_actor
from core.security.models import Branch

pytest_plugins = ["core.testing.people"]


@pytest.fixture
def enabled_plugins():
    return ("crm_customers",)


@pytest.mark.feature("CO-03")
def test_every_table_stands_there_with_its_fields_and_where_they_come_from(client_as, suite):
    admin = client_as("admin")
    tables = {each["table"]: each for each in admin.post("/dictionary/export/json").json()}
    assert set(tables) <= set(Base.metadata.tables)
    assert {"core_user", "crm_customers_policy", "crm_customers_customer_branch"} <= set(tables)

    customer = tables["crm_customers_customer"]
    assert (customer["owner"], customer["model"], customer["label"]["zh"]) == (
        "crm_customers",
        "crm_customers.customer",
        "客户",
    )
    assert "policy" in customer["sources"]
    fields = {each["name"]: each for each in customer["fields"]}
    assert "policy" in fields["name"]["sources"]
    assert (fields["id_number"]["data_class"], fields["id_number"]["masked"]) == ("C2", True)
    assert fields["premium_12m"]["kind"] == "money"

    answer = admin.post("/dictionary/export/csv")
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert {row["table"] for row in rows} == set(tables)
    assert "crm_customers_customer" in admin.get("/dictionary").text
    assert "投保人" not in admin.get("/dictionary/core_user").text
    assert "Premium 12 months" in admin.get("/dictionary/crm_customers_customer").text
    assert admin.get("/dictionary/nothing").status_code == 404
    assert client_as("branch_manager", "north").get("/dictionary").status_code == 403


@pytest.mark.feature("CO-03")
def test_rows_come_from_statistics_on_both_databases(any_suite):
    with any_suite.database.write(system_actor("test data")) as session:
        session.add_all(Branch(code=f"c{number}", name="n", area_code="") for number in range(40))
    with any_suite.database.writer.begin() as connection:
        connection.execute(text("ANALYZE"))
    found = {each.name: each.rows for each in data_dictionary(any_suite, ImportLibrary(any_suite))}
    assert found["core_branch"] == 40


def test_the_command_prints_one_table_or_all(suite, monkeypatch):
    monkeypatch.setenv("BANYAN_DATA__FOLDER", str(suite.settings.data.folder))
    register_commands()
    done = CliRunner().invoke(banyan, ["dictionary", "core_branch", "--json"])
    assert [each["table"] for each in json.loads(done.stdout)] == ["core_branch"], done.output
    flat = CliRunner().invoke(banyan, ["dictionary", "--csv"])
    assert {"core_branch", "core_user"} <= {row["table"] for row in csv.DictReader(io.StringIO(flat.stdout))}
