"""Profiles are checked strictly: what is wrong is named with its key and the nearest valid name."""

import copy
import tomllib

import pytest

from core.errors import ImportFileError
from core.imports.profile_file import load_profile, load_profiles, parse_profile
from core.imports.profiles import generic_profile

from .conftest import PROFILES

GOOD = """
schema = 1
id = "p"
source = "s"
main = "claim"
[maps.states]
"已决" = "closed"
[[record]]
name = "claim"
model = "crm_customers.claim"
key = ["赔案号"]
fields.paid = ["已决金额", "赔款"]
fields.state = { column = "案件状态", map = "states", default = "open" }
link.policy = { model = "crm_customers.policy", key = ["保单号"] }
"""


def test_every_shipped_profile_fits_the_models(catalogue):
    profiles, problems = load_profiles(PROFILES, catalogue)

    assert not problems
    assert len(profiles) == len({profile.id for profile in profiles}) == len(list(PROFILES.glob("*.toml")))


@pytest.mark.parametrize(
    ("old", "new", "key", "advice"),
    [
        ("schema = 1", "schema = 2", "schema", "schema = 1"),
        ("main =", "mein =", "main", "main"),
        ('main = "claim"', 'main = "claims"', "main", "claim"),
        ("fields.paid", "fields.payd", "record[0].fields.payd", "paid"),
        ("link.policy", "link.polcy", "record[0].link.polcy", "policy"),
        ('map = "states"', 'map = "state"', "record[0].fields.state.map", "states"),
        ("default =", "defalt =", "record[0].fields.state.defalt", "default"),
        ('"crm_customers.claim"', '"crm_customers.claims"', "record[0].model", "crm_customers.claim"),
        ('key = ["赔案号"]', "key = 5", "record[0].key", "key = "),
        ('key = ["赔案号"]', 'key = ["赔案号"]\nrepeat = "sum"', "record[0].repeat", ""),
        ('key = ["赔案号"]', 'key = ["赔案号"]\nrepeat = "add"', "record[0].add", "add"),
        ('key = ["赔案号"]', 'key = ["赔案号"]\nfile = 1', "record[0].file", ""),
        ('source = "s"', 'source = "s"\nfile = { delimeter = ";" }', "file.delimeter", "delimiter"),
        ('source = "s"', 'source = "s"\nfile = { encoding = "gbk2000" }', "file.encoding", "gb18030"),
        ("fields.paid", 'fields.loss_at = { column = "a", type = "date" }\n#', "record[0].fields.loss_at.type", "in"),
        ("fields.paid", 'fields.place = { column = "a", join = ["b"] }\n#', "record[0].fields.place", "column"),
    ],
)  # fmt: skip
def test_a_wrong_key_is_named_with_its_cure(catalogue, old, new, key, advice):
    assert old in GOOD

    with pytest.raises(ImportFileError) as problem:
        parse_profile(tomllib.loads(GOOD.replace(old, new, 1)), "mine.toml", catalogue)

    assert problem.value.facts["file"] == "mine.toml"
    assert problem.value.facts["key"] == key
    assert advice in str(problem.value)


def test_broken_toml_is_an_error_of_that_file_alone(tmp_path, catalogue):
    (tmp_path / "a.toml").write_text("schema = ", encoding="utf-8")
    (tmp_path / "b.toml").write_text(GOOD, encoding="utf-8")

    profiles, problems = load_profiles(tmp_path, catalogue)

    assert [profile.id for profile in profiles] == ["p"]
    assert [problem.facts["file"] for problem in problems] == ["a.toml"]
    assert load_profile(tmp_path / "b.toml", catalogue).record("claim").key is not None


def test_a_generic_profile_reads_a_model_by_its_field_names(stage, catalogue):
    profile = generic_profile(catalogue["crm_customers.customer"])

    staged = stage("name,SEX,extra\n王某,female,7\n", profile)

    key, fields, links = staged.records(staged.rows()[0])["record"]
    assert (key, links) == (None, {})
    assert fields == {"name": "王某", "sex": "female", "attributes": {"extra": "7"}}


def test_reading_a_profile_does_not_change_its_document(catalogue):
    document = tomllib.loads(GOOD)
    before = copy.deepcopy(document)

    parse_profile(document, "mine.toml", catalogue)

    assert document == before
