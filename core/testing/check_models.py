"""Inherited tests: tables and fields are named, labelled, narrowed to branches and graded."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sqlalchemy import Column

from core.db.base import owner_of
from core.registry.models import RegisteredModel
from core.testing.check_manifest import has_chinese, is_bilingual
from core.testing.examined import Examined, complain

PERSONAL_KINDS = {"phones": "C3", "resident_id": "C3", "address": "C2", "plate": "C2", "vin": "C2"}
"""Kinds of field and the least grade of protection they need (JR/T 0171-2020)."""
PERSONAL_NAMES = re.compile(
    r"(^|_)(phone|mobile|telephone|id_card|id_number|passport|bank_account|account_no|email|wechat|address|birthday"
    r"|birth_date|plate|vin)$"
)
SECRET_NAMES = re.compile(r"(^|_)(phone|mobile|telephone|id_card|id_number|passport|bank_account|account_no)$")


class ModelTests:
    """The data models of the plugin."""

    def test_every_table_is_narrowed_to_branches_or_says_why_not(self, examined: Examined) -> None:
        registered = {model.table.name: model for model in examined.suite.registry}
        complain(
            (f"table {name}: {problem}" for name, problem in _unscoped(examined, registered)),
            "give it a branch_id, or its model a row_rule or shared=True; a table that no list shows may say why it"
            ' needs none: __table_args__ = (…, {"info": {"unscoped": "reason"}})',
        )

    def test_personal_data_is_graded_and_masked(self, examined: Examined) -> None:
        complain(
            (f"{model.id}.{problem}" for model in _own(examined) for problem in _ungraded(model)),
            'declare data_class="C2" for personal data, data_class="C3" with a mask for numbers of people',
        )

    def test_models_and_fields_are_labelled_in_both_languages(self, examined: Examined) -> None:
        complain(
            (problem for model in _own(examined) for problem in _unlabelled(model)),
            "write en and zh of the label",
        )

    def test_columns_of_foreign_records_are_foreign_keys(self, examined: Examined) -> None:
        nouns = {model.noun: model for model in examined.suite.registry if model.owner != examined.plugin_id}
        found = []
        for table in examined.tables:
            for column in table.columns:
                host = nouns.get(_noun_of(column.name, nouns))
                if host is not None and host.table not in _targets(column):
                    found.append(f"table {table.name}: {column.name} holds ids of {host.id} without a foreign key")
        complain(found, "add ForeignKey(…): by it a merge of two records moves your rows along")

    def test_foreign_keys_of_foreign_records_say_what_deleting_does(self, examined: Examined) -> None:
        found = [
            f"table {table.name}: {key.parent.name} would keep rows of {key.column.table.name} from being deleted"
            for table in examined.tables
            for key in table.foreign_keys
            if owner_of(key.column.table) not in {"core", examined.plugin_id} and not key.ondelete
        ]
        complain(found, 'write ondelete="CASCADE" or "SET NULL": an inactive plugin must not stop the owner')

    def test_side_tables_are_named_after_extender_and_host(self, examined: Examined) -> None:
        found = []
        for table in examined.tables:
            for key in table.foreign_keys:
                host = owner_of(key.column.table)
                if key.parent.primary_key and host not in {"core", examined.plugin_id}:
                    start = f"{examined.manifest.table_prefix}{key.column.table.name.removeprefix(f'{host}_')}_"
                    found += [f"table {table.name}"] if not table.name.startswith(start) else []
        complain(found, "call a side table <extender>_<host>_<what>, for example acme_sms_customer_consent")


def _own(examined: Examined) -> Iterator[RegisteredModel]:
    return (model for model in examined.suite.registry if model.owner == examined.plugin_id)


def _unscoped(examined: Examined, registered: dict[str, RegisteredModel]) -> Iterator[tuple[str, str]]:
    for table in examined.tables:
        model, reason = registered.get(table.name), str(table.info.get("unscoped", ""))
        ruled = model is not None and (
            model.declaration.row_rule or model.declaration.shared or model.declaration.extends
        )
        if "branch_id" in table.c or ruled:
            continue
        if model is not None and reason:
            yield table.name, "is exempted although lists and the interface show its rows"
        elif len(reason) < 10:
            yield table.name, "has neither a branch nor a rule"


def _ungraded(model: RegisteredModel) -> Iterator[str]:
    for field in model.fields.values():
        grade = PERSONAL_KINDS.get(field.kind) or ("C3" if SECRET_NAMES.search(field.name) else "")
        grade = grade or ("C2" if PERSONAL_NAMES.search(field.name) else "")
        if not grade or field.kind in {"boolean", "reference", "choice", "integer"}:
            continue
        if field.data_class < grade:
            yield f"{field.name} looks personal and is {field.data_class}"
        elif field.data_class == "C3" and not field.mask:
            yield f"{field.name} is C3 and has no mask"


def _unlabelled(model: RegisteredModel) -> Iterator[str]:
    named = {"": model.declaration.label, "(plural)": model.declaration.plural}
    named |= {field.name: field.label for field in (*model.fields.values(), *model.declaration.virtual)}
    for name, label in named.items():
        # A field may have a name that is the same in Chinese, such as VIN.
        sound = is_bilingual(label) if name in {"", "(plural)"} else label.en.strip() and label.zh.strip()
        if not sound or has_chinese(label.en):
            yield f"{model.id} {name}: {label.en!r} / {label.zh!r}"
    for field in model.fields.values():
        for option in field.options:
            if not option.label.en.strip() or has_chinese(option.label.en) or not option.label.zh.strip():
                yield f"{model.id} {field.name}={option.code}"


def _noun_of(column: str, nouns: dict[str, RegisteredModel]) -> str:
    """Return which record a column is about: ``customer_id`` and ``old_customer_id`` are about a customer."""
    name = column.removesuffix("_id")
    return next((noun for noun in nouns if column.endswith("_id") and (name == noun or name.endswith(f"_{noun}"))), "")


def _targets(column: Column[object]) -> list[object]:
    return [key.column.table for key in column.foreign_keys]
