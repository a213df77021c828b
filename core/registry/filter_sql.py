"""Turning conditions into SQLAlchemy expressions; every value is a bound parameter."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, and_, false, func, not_, or_, select

from core.db.session import ScopedSession
from core.errors import InvalidValueError
from core.registry.added_fields import Added, typed, value_table, with_value
from core.registry.fields import Field
from core.registry.filter_values import ME_WORDS, Relative, start_of_day
from core.registry.filters import Asked, Condition, FilterSet
from core.registry.models import RegisteredModel, Registry

if TYPE_CHECKING:
    from core.plugin.contributions import Filter

CODE_FIELDS = ("code", "number", "username")
"""Fields by which a reference may be named besides the title of its target."""
LARGEST_ID = 2**63 - 1


@dataclass(frozen=True)
class Context:
    """What conditions are read against: all models, the session of who asks, the civil day of today."""

    registry: Registry
    session: ScopedSession
    today: date


def expression(filters: FilterSet, condition: Condition, context: Context) -> ColumnElement[bool]:
    """Build the expression of one condition.

    Args:
        filters: The names of the model that is filtered.
        condition: A condition of these names.
        context: Models, actor, today.

    Returns:
        An expression that is never NULL when negated: rows without a value pass a negated test.

    Raises:
        InvalidValueError: A contributed filter or a reference refuses the value.
    """
    if condition.operator == "text":
        found = _free_text(filters, str(condition.values[0]), context)
        return not_(func.coalesce(found, false())) if condition.negated else found
    term = filters.terms[condition.field]
    if term.filter is not None:
        matching = _contributed(filters, term.filter, condition, context)
        return not_(matching) if condition.negated else matching
    assert term.field is not None  # noqa: S101 -- a term is a field or a contributed filter
    if term.name in filters.added:
        matching = _added(filters, filters.added[term.name], condition, context)
        return not_(matching) if condition.negated else matching
    column = filters.model.column(term.name)
    if condition.operator == "empty":
        empty: ColumnElement[bool] = column.is_not(None) if condition.negated else column.is_(None)
        return empty
    found = _field_test(column, filters.model, term.field, condition, context)
    return or_(column.is_(None), not_(found)) if condition.negated else found


def _contributed(filters: FilterSet, given: Filter, condition: Condition, context: Context) -> ColumnElement[bool]:
    text = str(condition.values[0]) if condition.values else ""

    def test(column: Any) -> ColumnElement[bool]:
        return _typed_test(column, given.kind, condition, context.today)

    asked = Asked(condition.operator, text, context.session, test)
    found: ColumnElement[bool] = filters.model.column("id").in_(given.matching(asked))
    return found


def _added(filters: FilterSet, added: Added, condition: Condition, context: Context) -> ColumnElement[bool]:
    if condition.operator == "empty":
        return not_(with_value(added, filters.model, None))
    column = typed(added, value_table(filters.model))
    return with_value(added, filters.model, _typed_test(column, added.field.kind, condition, context.today))


def _free_text(filters: FilterSet, text: str, context: Context) -> ColumnElement[bool]:
    """Free text: the contributed filter ``text`` if there is one, else a part of the title, else the id."""
    term = filters.terms.get("text")
    model = filters.model
    own: Any = model.column("id")
    found: ColumnElement[bool]
    if term is not None and term.filter is not None:
        return _contributed(filters, term.filter, Condition(term.name, "=", (text,)), context)
    title = model.fields.get(model.declaration.title)
    if title is None or title.name not in filters.terms or title.kind not in {"text", "identifier", "plate", "vin"}:
        found = own == (int(text) if text.isdecimal() and len(text) < 19 else -1)
        return found
    if title.mask:
        found = model.column(title.name) == text
        return found
    return _contains(model.column(title.name), text)


def _contains(column: Any, text: str) -> ColumnElement[bool]:
    return func.lower(column).contains(text.lower(), autoescape=True)


def _field_test(
    column: Any, model: RegisteredModel, field: Field, condition: Condition, context: Context
) -> ColumnElement[bool]:
    if field.kind == "reference":
        return _reference_test(column, target_of(context.registry, field, model), condition, context)
    return _typed_test(column, field.kind, condition, context.today)


def _typed_test(column: Any, kind: str, condition: Condition, today: date) -> ColumnElement[bool]:
    if kind == "date":
        return _day_test(column, condition, today)
    if kind == "instant":
        return _instant_test(column, condition, today)
    return _plain_test(column, condition.operator, condition.values)


def _plain_test(column: Any, operator: str, values: tuple[Any, ...]) -> ColumnElement[bool]:
    if operator == "is":
        found: ColumnElement[bool] = column == values[0] if len(values) == 1 else column.in_(values)
        return found
    if operator == "contains":
        return or_(*(_contains(column, value) for value in values))
    if operator == "prefix":
        return func.lower(column).startswith(values[0].lower(), autoescape=True)
    if operator == "between":
        return _between(column, *values)
    return _compare(column, operator, values[0])


def _compare(column: Any, operator: str, value: Any) -> ColumnElement[bool]:
    tests: dict[str, Any] = {
        "<": column.__lt__,
        "<=": column.__le__,
        ">": column.__gt__,
        ">=": column.__ge__,
    }
    return tests[operator](value)  # type: ignore[no-any-return]  # comparisons of mapped attributes are untyped


def _between(column: Any, low: Any, high: Any) -> ColumnElement[bool]:
    tests = [column >= low] if low is not None else []
    return and_(*tests, *([column <= high] if high is not None else []))


def _absolute(condition: Condition, today: date) -> Condition:
    """Replace distances from today by days.

    ``<30d`` is nearer than 30 days: from today to then, both included; ``>30d`` is farther away; ``<-30d`` and
    ``>-30d`` look back in the same way. ``<today`` is simply before today.
    """
    first = condition.values[0]
    days = tuple(value.day(today) if isinstance(value, Relative) else value for value in condition.values)
    operator = condition.operator
    if isinstance(first, Relative) and first.amount and operator[0] in "<>":
        if operator[0] == "<":
            return Condition(condition.field, "between", tuple(sorted((today, days[0]))))
        operator = (">" if first.amount > 0 else "<") + operator[1:]
    return Condition(condition.field, operator, days)


def _day_test(column: Any, condition: Condition, today: date) -> ColumnElement[bool]:
    plain = _absolute(condition, today)
    return _plain_test(column, plain.operator, plain.values)


def _instant_test(column: Any, condition: Condition, today: date) -> ColumnElement[bool]:
    """Compare an instant with civil days: a day is everything from its midnight to the next, in local time."""
    plain = _absolute(condition, today)
    if plain.operator == "is":
        return or_(*(_within(column, day, day) for day in plain.values))
    if plain.operator == "between":
        return _within(column, *plain.values)
    day = plain.values[0]
    bound = start_of_day(day if plain.operator in {"<", ">="} else day + timedelta(days=1))
    return column < bound if plain.operator in {"<", "<="} else column >= bound  # type: ignore[no-any-return]  # as above


def _within(column: Any, low: date | None, high: date | None) -> ColumnElement[bool]:
    tests = [column >= start_of_day(low)] if low else []
    return and_(*tests, *([column < start_of_day(high + timedelta(days=1))] if high else []))


def _reference_test(
    column: Any, target: RegisteredModel | None, condition: Condition, context: Context
) -> ColumnElement[bool]:
    """Name a reference by ``#id``, ``me``, or title or code of a target that the actor may see."""
    tests = []
    for value in condition.values:
        number = value.removeprefix("#")
        if number.isdecimal() and (value[0] == "#" or target is None):
            tests.append(column == min(int(number), LARGEST_ID))
        elif target is not None and value.casefold() in ME_WORDS and (mine := _mine(target, context)) is not None:
            tests.append(column.in_(mine))
        elif target is not None:
            tests.append(column.in_(_named(target, value)))
        else:
            raise InvalidValueError(
                "filter_value",
                "{value} is no value of {field}.",
                "Write #number.",
                field=condition.field,
                value=value,
            )
    return or_(*tests)


def _mine(target: RegisteredModel, context: Context) -> Any:
    """Select the records that are the actor: the user, or what carries the user's staff code."""
    actor = context.session.actor
    user = context.registry.get("core.user") if "core.user" in context.registry else None
    if actor is None or user is None:
        return None
    me = user.column("id") == actor.user_id
    if target.id == user.id:
        return select(user.column("id")).where(me)
    if not target.declaration.staff_code:
        return None
    code = user.column("staff_code")
    codes = select(code).where(me, code != "")
    return select(target.column("id")).where(target.column(target.declaration.staff_code).in_(codes))


def _named(target: RegisteredModel, value: str) -> Any:
    names = [
        name
        for name in dict.fromkeys((target.declaration.title, *CODE_FIELDS))
        if name in target.fields and target.fields[name].kind in {"text", "identifier", "plate", "vin"}
    ]
    tests = [target.column(name) == value for name in names]
    return select(target.column("id")).where(or_(false(), *tests))


def target_of(registry: Registry, field: Field, model: RegisteredModel) -> RegisteredModel | None:
    """Return the model a reference points to, by declaration or by foreign key; ``None`` if it has no screens."""
    if field.target:
        return registry.get(field.target) if field.target in registry else None
    keys = model.table.columns[field.name].foreign_keys
    tables = {key.target_fullname.partition(".")[0] for key in keys}
    return next((item for item in registry if item.table.name in tables), None)
