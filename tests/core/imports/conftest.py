"""Shared arrangement of the staging tests: a catalogue of the crm_customers models, and a short way to stage bytes."""

from collections.abc import Callable
from pathlib import Path

import pytest

from core.imports.catalogue import TargetField, TargetModel
from core.imports.options import StageOptions
from core.imports.profile_file import load_profile
from core.imports.profiles import Profile
from core.imports.stage import stage_file
from core.imports.staging import StagedFile, StageSummary

ROOT = Path(__file__).resolve().parents[3]
PROFILES = ROOT / "plugins" / "crm_customers" / "profiles"

_MODELS = {
    "customer": (
        "kind:choice=person/organisation name id_kind:choice=resident_id/passport/uscc/org_code/other"
        " id_number:identifier phone:phone landline email address sex:choice=male/female birth_on:date occupation"
        " income:money industry_code ownership_code origin manager_code manager_name"
        " credit:choice=good/bad intention:boolean blacklisted:boolean swept_on:date channel",
        "",
        True,
    ),
    "vehicle": (
        "vin:vin plate:plate plate_kind make model engine_no:identifier first_registered_on:date seats:integer"
        " tonnage:decimal displacement:decimal fuel usage vehicle_type new_price:money actual_value:money",
        "owner",
        True,
    ),
    "policy": (
        "policy_no:identifier proposal_no:identifier previous_policy_no:identifier line:choice=ctp/commercial/non_motor"
        " product signed_on:date start_on:date end_on:date sum_insured:money premium_net:money vat:money"
        " vehicle_tax:money ncd:decimal pricing_factor:decimal commission_rate:ratio commission:money manager_code"
        " manager_name intermediary_code intermediary_name origin channel is_renewal:boolean is_new_vehicle:boolean"
        " is_transfer:boolean is_new_energy:boolean is_telesales:boolean coinsurance facultative previous_insurer"
        " next_insurer currency",
        "holder insured",
        True,
    ),
    "policy_term": ("start_on:date end_on:date premium:money", "policy vehicle", True),
    "cover": ("kind sum_insured:money premium:money", "term", False),
    "endorsement": (
        "endorsement_no:identifier kind effective_on:date premium_change:money sum_insured_change:money reason",
        "policy",
        False,
    ),
    "claim": (
        "claim_no:identifier report_no:identifier loss_at:instant reported_at:instant registered_at:instant"
        " surveyed_at:instant closed_at:instant paid_at:instant cause place case_type injury:boolean liability:decimal"
        " estimated:money paid:money outstanding:money expenses:money recovery:money repair_shop third_repair_shop"
        " state guarantee",
        "policy term vehicle",
        True,
    ),
    "receivable": (
        "endorsement_no:identifier installment:integer due_on:date amount_due:money amount_paid:money"
        " paid_on:date handler",
        "policy",
        False,
    ),
    "registry_vehicle": (
        "plate:plate plate_kind vehicle_type brand_model vin:vin engine_no:identifier owner_name owner_id:identifier"
        " address phone:phone first_registered_on:date inspection_until:date ctp_until:date usage seats:integer"
        " tonnage:decimal displacement:decimal state insurer",
        "",
        False,
    ),
}


def target_field(text: str) -> TargetField:
    name, _, kind = text.partition(":")
    kind, _, choices = kind.partition("=")
    return TargetField(name, kind or "text", choices=tuple(choices.split("/")) if choices else None)


@pytest.fixture(scope="session")
def catalogue() -> dict[str, TargetModel]:
    return {
        f"crm_customers.{name}": TargetModel(
            f"crm_customers.{name}",
            {field.name: field for field in map(target_field, fields.split())},
            frozenset(links.split()),
            attributes,
        )
        for name, (fields, links, attributes) in _MODELS.items()
    }


@pytest.fixture(scope="session")
def shipped(catalogue) -> Callable[[str], Profile]:
    return lambda name: load_profile(PROFILES / f"{name}.toml", catalogue)


class Staged:
    """A staged file with the questions tests ask."""

    def __init__(self, summary: StageSummary, file: StagedFile, profile: Profile) -> None:
        self.summary = summary
        self.unpivoted = {record.name for record in profile.records if record.each}
        self.file = file

    def rows(self):
        return [row for group in self.file.groups() for row in group]

    def records(self, row) -> dict[str, list]:
        """Record name -> [key, fields, links], or a list of those for an unpivoted record."""
        found: dict[str, list] = {}
        for number, _, key, values, links in row.records:
            shape = self.file.shapes[number]
            named = [key, dict(zip(shape.fields, values, strict=True)), dict(zip(shape.links, links, strict=True))]
            if shape.record in self.unpivoted:
                found.setdefault(shape.record, []).append(named)
            else:
                found[shape.record] = named
        return found

    def fields(self, record: str) -> list[dict]:
        return [found[record][1] for found in map(self.records, self.rows()) if record in found]

    def keys(self, record: str) -> list[str | None]:
        return [found[record][0] for found in map(self.records, self.rows()) if record in found]

    def error_codes(self) -> list[set[str]]:
        return [{error["code"] for error in row.errors} for row in self.file.rejected()]


@pytest.fixture
def stage(tmp_path) -> Callable[..., Staged]:
    opened = []

    def run(content: bytes | str | Path, profile: Profile, name: str = "list.csv", **options) -> Staged:
        if isinstance(content, Path):
            path, name = content, content.name
        else:
            path = tmp_path / "upload"
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        staging = tmp_path / "staging.sqlite"
        summary = stage_file(path, profile, staging, StageOptions(name=name, **options))
        assert summary.read == summary.accepted + summary.rejected
        opened.append(StagedFile.open(staging))
        return Staged(summary, opened[-1], profile)

    yield run
    for file in opened:
        file.close()
