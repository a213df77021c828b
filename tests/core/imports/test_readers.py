"""A model's reader: what it works out is staged with the fields, and what it refuses is a rejected row."""

import dataclasses
import importlib
import sys
from datetime import date

import pytest

import plugins
from core.errors import InvalidValueError
from core.imports.catalogue import Reader
from core.imports.options import StageOptions
from core.imports.profile_file import load_profile
from core.imports.stage import stage_file, stage_here
from core.imports.staging import StagedFile
from core.imports.trial import said_of
from core.plugin.namespace import open_places
from tests.core.imports.conftest import PROFILES

HEAD = "保单号,投保人,被保险人,签单保费,签单日期,保险起期,保险止期"
GOOD = "610200000000000001,张三,张三,100.00,2024-01-02,2024-01-03,2024-12-31"
BACKWARDS = "610200000000000002,李四,李四,200.00,2024-01-02,2024-01-03,2023-12-31"


def read_cover(end_on, start_on, plate):
    if end_on < start_on:
        raise InvalidValueError("cover_backwards", "The end is before the start.", "Correct it.")
    days = (date.fromisoformat(end_on) - date.fromisoformat(start_on)).days
    return f"{end_on[:4]}-12-30", days, plate


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "list.csv"
    path.write_text(f"{HEAD}\n{GOOD}\n{BACKWARDS}\n", encoding="utf-8")
    return path


def profile_with(catalogue, reader):
    model = "crm_customers.policy_term"
    changed = {**catalogue, model: dataclasses.replace(catalogue[model], reader=reader)}
    return load_profile(PROFILES / "policy.toml", changed)


@pytest.fixture
def staged(catalogue, file, tmp_path):
    reader = Reader(("end_on", "start_on", "plate"), ("end_on", "days", "worn"), read_cover)
    staging = tmp_path / "staging.sqlite"
    stage_here(file, profile_with(catalogue, reader), staging, StageOptions(name="list.csv"), lambda rows, total: None)
    with StagedFile.open(staging) as opened:
        yield opened


def test_a_reader_replaces_a_field_and_adds_what_it_derives(staged):
    ((row,),) = staged.groups()
    terms = [(staged.shapes[number], values) for number, _, _, values, _ in row.records]
    shape, values = next(found for found in terms if found[0].record == "term")

    named = {name: values[place] for name, place in shape.places.items()}
    assert (named["start_on"], named["end_on"]) == ("2024-01-03", "2024-12-30")
    assert (named["days"], named["worn"]) == (363, None)
    assert "days" not in shape.fields


def test_what_a_reader_refuses_is_a_rejected_row_with_its_reason(staged):
    (rejected,) = staged.rejected()

    assert rejected.row_no == 2
    assert [error["code"] for error in rejected.errors] == ["cover_backwards"]


def staged_customers(catalogue, tmp_path, text):
    """Return by record its values as the child stages them, and what they say by field."""
    model = "crm_customers.customer"
    changed = {**catalogue, model: dataclasses.replace(catalogue[model], named_by="name")}
    profile, file = load_profile(PROFILES / "policy.toml", changed), tmp_path / "people.csv"
    file.write_text(text, encoding="utf-8")
    stage_here(file, profile, tmp_path / "people.sqlite", StageOptions(name=file.name), lambda rows, total: None)
    with StagedFile.open(tmp_path / "people.sqlite") as opened:
        ((row,),) = opened.groups()
        records, shapes = row.records, opened.shapes
        return {
            shapes[number].record: (values, said_of(shapes[number], values, records, shapes))
            for number, _, _, values, _ in records
        }


def test_an_insured_who_says_no_more_than_the_holder_is_staged_as_the_holder(catalogue, tmp_path):
    found = staged_customers(catalogue, tmp_path, f"{HEAD}\n{GOOD}\n")

    values, said = found["insured"]
    assert [*found][values] == "holder"
    assert said["name"] == "张三"


@pytest.mark.parametrize(
    ("header", "cells"), [("联系电话", ("李四", "")), ("被保险人电话", ("张三", "13905730001"))], ids=["name", "phone"]
)
def test_an_insured_who_says_something_of_his_own_is_staged_as_himself(catalogue, tmp_path, header, cells):
    name, phone = cells
    row = GOOD.split(",")
    row[2] = name

    values, said = staged_customers(catalogue, tmp_path, f"{HEAD},{header}\n{','.join(row)},{phone}\n")["insured"]

    assert isinstance(values, list)
    assert said["name"] == name


@pytest.fixture
def dropped(tmp_path, monkeypatch):
    (tmp_path / "crm_dropped.py").write_text("def read(premium):\n    return (premium * 2,)\n", encoding="utf-8")
    monkeypatch.setattr(plugins, "__path__", list(plugins.__path__))
    open_places([str(tmp_path)])
    yield importlib.import_module("plugins.crm_dropped")
    del sys.modules["plugins.crm_dropped"]


def test_the_child_finds_readers_of_plugins_from_further_folders(catalogue, file, tmp_path, dropped):
    profile = profile_with(catalogue, Reader(("premium",), ("premium",), dropped.read))

    stage_file(file, profile, tmp_path / "staging.sqlite", StageOptions(name="list.csv"))

    with StagedFile.open(tmp_path / "staging.sqlite") as staged:
        records = [record for group in staged.groups() for row in group for record in row.records]
        terms = [record for record in records if staged.shapes[record[0]].record == "term"]
        assert [values[staged.shapes[number].places["premium"]] for number, _, _, values, _ in terms] == [20000, 40000]
