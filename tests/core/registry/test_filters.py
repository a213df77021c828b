"""The filter language: names, values, round trip, and rows equal to a plain reference evaluation."""

from __future__ import annotations

import random
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from core.db.session import Database
from core.errors import InvalidValueError
from core.plugin.contributions import Filter
from core.registry.fields import Label
from core.registry.filter_sql import Context, expression
from core.registry.filter_values import LOCAL_ZONE, Relative
from core.registry.filters import Asked, Condition, FilterSet
from core.security.actors import Actor
from tests.core.registry.conftest import NAMES, TODAY
from tests.core.registry.sample_models import Boat, Owner, sample_registry

REGISTRY = sample_registry()
FILTERS = FilterSet(REGISTRY.get("demo.boat"))


@pytest.mark.parametrize("name", ["due_on", "Due", "到期", "DUE ON", "dueOn", '"Due"'])
def test_a_field_is_found_by_name_label_and_alias(name: str) -> None:
    name = f'"{name}"' if " " in name else name

    assert FILTERS.parse(f"{name}:<30d") == (Condition("due_on", "<", (Relative(30),)),)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("保费:>3000", Condition("premium", ">", (Decimal(3000),))),
        ("保费:>=1.5万", Condition("premium", ">=", (Decimal(15000),))),
        ("premium:100..2,000", Condition("premium", "between", (Decimal(100), Decimal(2000)))),
        ("赔付率:>150%", Condition("loss_ratio", ">", (Decimal("1.5"),))),
        ("赔付率:>150", Condition("loss_ratio", ">", (Decimal("1.5"),))),
        ("kind:帆船,motor", Condition("kind", "is", ("sail", "motor"))),
        ("种类:sailer", Condition("kind", "is", ("sail",))),
        ("-kind:empty", Condition("kind", "empty", (), negated=True)),
        ("!insured:是", Condition("insured", "is", (True,), negated=True)),
        ("due:2026-11", Condition("due_on", "between", (date(2026, 11, 1), date(2026, 11, 30)))),
        ("due:2026-01-01..2026-02", Condition("due_on", "between", (date(2026, 1, 1), date(2026, 2, 28)))),
        ("due:..today", Condition("due_on", "between", (None, Relative(0)))),
        ("due:>2026", Condition("due_on", ">", (date(2026, 12, 31),))),
        ('name:"红,蓝",A', Condition("name", "contains", ("红,蓝", "A"))),
        ("name:=Seagull", Condition("name", "is", ("Seagull",))),
        ("number:BT00*", Condition("number", "prefix", ("BT00",))),
        ("phone:13812345678", Condition("phone", "is", ("13812345678",))),
        ("海鸥", Condition("", "text", ("海鸥",))),
        ('-"two words"', Condition("", "text", ("two words",), negated=True)),
    ],
)
def test_a_value_is_typed_by_the_kind_of_its_field(text: str, expected: Condition) -> None:
    assert FILTERS.parse(text) == (expected,)


@pytest.mark.parametrize(
    ("text", "code", "hint"),
    [
        ("premum:>3", "unknown_filter", "premium"),
        ("secret:x", "unknown_filter", ""),
        ("note:x", "unknown_filter", ""),
        ("password_hash:x", "unknown_filter", ""),
        ("kind:sial", "filter_value", "sail"),
        ("premium:abc", "filter_value", "number"),
        ("premium:NaN", "filter_value", "number"),
        ("premium:1e999", "filter_value", "number"),
        ("crew:1.5", "filter_value", "whole"),
        ("due:2026-02-30", "filter_value", "2026-11-20"),
        ("due:..", "filter_value", "range"),
        ("insured:maybe", "filter_value", "true"),
        ("kind:>sail", "filter_value", "order"),
        ("phone:138*", "filter_value", "whole value"),
        ("phone:>138", "filter_value", "whole value"),
        ("due:", "filter_malformed", "empty"),
        ('name:"open', "filter_malformed", "quotes"),
        ("x" * 3000, "filter_malformed", "Use fewer"),
        ("a " * 41, "filter_malformed", "Use fewer"),
    ],
)
def test_a_wrong_filter_names_value_and_cure(text: str, code: str, hint: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        FILTERS.parse(text)

    assert caught.value.code == code
    assert hint in str(caught.value)
    assert {"field", "value"} <= caught.value.facts.keys()


def random_condition(chance: random.Random) -> Condition:
    name = chance.choice(
        ["number", "name", "kind", "premium", "loss_ratio", "crew", "due_on", "seen_at", "insured", ""]
    )
    negated = chance.random() < 0.3
    if not name:
        return Condition("", "text", (chance.choice(NAMES),), negated)
    if chance.random() < 0.15:
        return Condition(name, "empty", (), negated)
    pool: dict[str, list[Any]] = {
        "number": ["BT00001", "bt00002", "nothing"],
        "name": list(NAMES),
        "kind": ["sail", "motor"],
        "premium": [Decimal(0), Decimal("1200.5"), Decimal(5000)],
        "loss_ratio": [Decimal("0.8"), Decimal("1.5")],
        "crew": [0, 3, 12, -1],
        "due_on": [TODAY, Relative(30), Relative(-30), Relative(0), Relative(2, "w"), Relative(-1, "m")],
        "seen_at": [TODAY, TODAY - timedelta(days=1), Relative(-1), Relative(0), Relative(2)],
        "insured": [True, False],
    }
    ordered = name in {"premium", "loss_ratio", "crew", "due_on", "seen_at"}
    operators = ["<", "<=", ">", ">=", "between", "is"] if ordered else ["is"]
    operators = ["contains", "is", "prefix"] if name == "name" else operators
    operator = chance.choice(operators)
    number = {"between": 2, "is": chance.choice((1, 2))}.get(operator, 1)
    values: tuple[Any, ...] = tuple(chance.choice(pool[name]) for _ in range(number))
    if operator == "between" and chance.random() < 0.3:
        values = (None, values[1])
    return Condition(name, operator, values, negated)


def test_every_condition_survives_the_way_to_text_and_back() -> None:
    chance = random.Random(1)
    wanted = [tuple(random_condition(chance) for _ in range(chance.randrange(4))) for _ in range(2_000)]

    for conditions in wanted:
        assert FILTERS.parse(FILTERS.to_text(conditions)) == conditions


def holds(condition: Condition, row: Any) -> bool:
    if condition.operator == "text":
        return (condition.values[0].lower() in row.name.lower()) != condition.negated
    value = getattr(row, condition.field)
    if condition.operator == "empty":
        return (value is None) != condition.negated
    return (value is not None and compares(condition, value)) != condition.negated


def compares(condition: Condition, value: Any) -> bool:
    operator, values = condition.operator, list(condition.values)
    if condition.field == "seen_at":
        value = value.astimezone(LOCAL_ZONE).date()
    first = values[0]
    if isinstance(first, Relative) and first.amount and operator in {"<", "<=", ">", ">="}:
        distance, ahead = (value - TODAY).days, (first.day(TODAY) - TODAY).days
        if ahead < 0:
            distance, ahead = -distance, -ahead
        return 0 <= distance <= ahead if operator[0] == "<" else distance > ahead - (operator == ">=")
    values = [item.day(TODAY) if isinstance(item, Relative) else item for item in values]
    tests = {
        "is": lambda: value in values,
        "contains": lambda: any(item.lower() in value.lower() for item in values),
        "prefix": lambda: value.lower().startswith(values[0].lower()),
        "<": lambda: value < values[0],
        "<=": lambda: value <= values[0],
        ">": lambda: value > values[0],
        ">=": lambda: value >= values[0],
        "between": lambda: (values[0] is None or value >= values[0]) and value <= values[1],
    }
    return tests[operator]()


def test_the_database_finds_the_rows_that_a_plain_evaluation_finds(database: Database, system: Actor) -> None:
    chance = random.Random(2)
    with database.read(system) as session:
        context = Context(REGISTRY, session, TODAY)
        rows = list(session.scalars(select(Boat)))
        for _ in range(400):
            conditions = [random_condition(chance) for _ in range(chance.randrange(1, 4))]
            where = [expression(FILTERS, condition, context) for condition in conditions]

            found = set(session.scalars(select(Boat.id).where(*where)))

            assert found == {row.id for row in rows if all(holds(item, row) for item in conditions)}, conditions


@pytest.mark.parametrize("text", ["owner:陈美芳", "owner:O1", "owner_id:#1", "船主:O1,nobody"])
def test_a_reference_is_named_by_title_code_or_number(database: Database, system: Actor, text: str) -> None:
    with database.read(system) as session:
        where = expression(FILTERS, FILTERS.parse(text)[0], Context(REGISTRY, session, TODAY))
        found = set(session.scalars(select(Boat.owner_id).where(where)))

    assert found == {1}


def test_a_contributed_filter_shares_the_namespace(database: Database, system: Actor) -> None:
    seen: list[tuple[str, str]] = []

    def matching(asked: Asked) -> Any:
        seen.append((asked.operator, asked.text))
        return select(Boat.id).where(Boat.owner_id.in_(select(Owner.id).where(Owner.code == asked.text)))

    extra = Filter("demo.boat", "crm_owner_code", Label("Owner code", "船主编号"), matching, aliases=("船东",))
    filters = FilterSet(REGISTRY.get("demo.boat"), [extra])
    condition = filters.parse('船东:>"O1"')[0]
    with database.read(system) as session:
        where = expression(filters, condition, Context(REGISTRY, session, TODAY))
        found = set(session.scalars(select(Boat.owner_id).where(where)))

    assert (found, seen) == ({1}, [(">", "O1")])
    assert filters.parse(filters.to_text([condition])) == (condition,)


@pytest.mark.parametrize(
    ("text", "same"),
    [("crm_ends:<30d", "due_on:<30d"), ("-到期日:2026-11", "-due_on:2026-11"), ("crm_ends:>=today", "due_on:>=today")],
)
def test_a_contributed_filter_of_days_understands_the_words_of_a_field(
    database: Database, system: Actor, text: str, same: str
) -> None:
    def matching(asked: Asked) -> Any:
        return select(Boat.id).where(asked.test(Boat.due_on))

    filters = FilterSet(
        REGISTRY.get("demo.boat"), [Filter("demo.boat", "crm_ends", Label("E", "到期日"), matching, "date")]
    )
    with database.read(system) as session:
        context = Context(REGISTRY, session, TODAY)
        ours, theirs = (
            set(session.scalars(select(Boat.id).where(expression(filters, filters.parse(each)[0], context))))
            for each in (text, same)
        )

    assert ours == theirs
    assert ours
    assert filters.parse(filters.to_text(filters.parse(text))) == filters.parse(text)
    with pytest.raises(InvalidValueError):
        filters.parse("crm_ends:empty")


@pytest.mark.parametrize("hostile", ['"' * 50_000, "a:" * 25_000, "-" * 50_000, '"a""' * 12_000, "a:b," * 12_000])
def test_hostile_text_is_refused_quickly(hostile: str) -> None:
    with pytest.raises(InvalidValueError):
        FILTERS.parse(hostile)


def test_values_never_become_sql(database: Database, system: Actor) -> None:
    text = 'name:"x\'); DROP TABLE demo_boat; --"'
    with database.read(system) as session:
        built = str(expression(FILTERS, FILTERS.parse(text)[0], Context(REGISTRY, session, TODAY)))

    assert "DROP" not in built
