"""The filter language: text to conditions and back, for lists, export, JSON API and command line."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from core.errors import InvalidValueError
from core.registry.added_fields import Added
from core.registry.fields import Field, Label
from core.registry.filter_values import DAYS, EMPTY_WORDS, NUMBERS, fold, read_span, read_value, value_text, wrong
from core.registry.models import RegisteredModel

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

    from core.db.session import ScopedSession
    from core.plugin.contributions import Filter

LONGEST_QUERY = 2_000
"""Characters of a filter text; longer ones are refused before they are read."""
MOST_CONDITIONS = 40
MOST_VALUES = 200

# No possessive quantifiers: the Python 3.11.2 of Debian 12 matches them wrongly over groups.
_TOKEN = re.compile(
    r"""(?P<negated>[-!!]?)
    (?:(?P<name>"[^"]*"|[^\s::"<>=]+)[::])?
    (?P<operator><=|>=|[<>=≤≥])?
    (?P<value>(?:"[^"]*(?:""[^"]*)*"|[^\s"])*)""",
    re.VERBOSE,
)
_PIECE = re.compile(r'(?:"[^"]*(?:""[^"]*)*"|[^",,])+')
_QUOTED = re.compile(r'"([^"]*(?:""[^"]*)*)"')
_OPERATORS = {"≤": "<=", "≥": ">="}
_PLAIN = re.compile(r"[^\s\"::,,<>=≤≥*!!-][^\s\"::,,]*")


@dataclass(frozen=True)
class Condition:
    """One test of a filter; all tests of a filter must hold.

    Args:
        field: Field name or contributed filter id; empty for free text.
        operator: ``is`` (any of the values), ``contains``, ``prefix``, ``<``, ``<=``, ``>``, ``>=``, ``between``
            (either end may be ``None``), ``empty``, ``text``; contributed
            filters get the sign as typed, ``=`` for none.
        values: Typed by the field's kind; days may be `Relative`.
        negated: The test must fail; rows without a value count as failing.
    """

    field: str
    operator: str
    values: tuple[Any, ...] = ()
    negated: bool = False


@dataclass(frozen=True)
class Asked:
    """What a contributed filter is asked.

    Args:
        operator: The sign as typed, ``=`` for none, ``empty`` for a test without value.
        text: The value as typed, without quotes.
        session: The session of who asks, for what only a look-up tells.
        test: Turns a column of the filter's kind into the test that was asked for: how a filter of days or numbers
            understands the same words as a field.
    """

    operator: str
    text: str
    session: ScopedSession
    test: Callable[[Any], ColumnElement[bool]]


@dataclass(frozen=True)
class Term:
    """A name that filters may use: a field of the model or a filter contributed by a plugin."""

    name: str
    label: Label
    kind: str
    field: Field | None = None
    filter: Filter | None = None

    @property
    def read_as(self) -> Field | None:
        """The field whose values are typed; none where a contributed filter reads the text itself."""
        if self.field is None and self.kind in NUMBERS | DAYS:
            return Field(self.label, self.kind, name=self.name)
        return self.field


def _typed(term: Term) -> Label:
    """Return how a term is written in a filter; its Chinese name without the spaces that would end it."""
    return Label(term.name, term.label.zh.replace(" ", ""))


def is_hidden(field: Field) -> bool:
    """Whether a field appears in no output at all: secrets (C3) that have no mask."""
    return field.data_class == "C3" and not field.mask


class FilterSet:
    """All names that filters of one model may use, and the parser for them.

    Args:
        model: The model.
        filters: Filters that plugins contribute to it.
        withheld: Fields that may not be named.
        added: Fields that administrators added.
    """

    def __init__(
        self,
        model: RegisteredModel,
        filters: Sequence[Filter] = (),
        withheld: frozenset[str] = frozenset(),
        added: Sequence[Added] = (),
    ) -> None:
        self.model = model
        self.added = {each.field.name: each for each in added}
        readable = [item for item in model.fields.values() if item.name not in withheld and not is_hidden(item)]
        readable += [each.field for each in added]
        self.readable = {item.name: item for item in readable}
        fields = [item for item in readable if item.filterable]
        terms = [Term(item.name, item.label, item.kind, field=item) for item in fields]
        terms += [Term(item.id, item.label, item.kind, filter=item) for item in filters if item.model == model.id]
        self.terms: dict[str, Term] = {}
        for term in terms:
            self.terms.setdefault(term.name, term)

    @cached_property
    def _names(self) -> dict[str, Term]:
        names: dict[str, Term] = {}
        terms = list(self.terms.values())
        for term in terms:
            names.setdefault(fold(term.name), term)
        for term in terms:
            names.setdefault(fold(term.label.en), term)
            names.setdefault(fold(term.label.zh), term)
        for term in terms:
            for alias in (term.field or term.filter).aliases:  # type: ignore[union-attr]  # a term has one of the two
                names.setdefault(fold(alias), term)
        return names

    def find(self, name: str) -> Term:
        """Return what a name means: field name, label or alias in either language, without case or spaces.

        Raises:
            InvalidValueError: There is no such name, or it may not be named; gives the nearest.
        """
        folded = fold(name)
        found = self._names.get(folded)
        if found is None:
            near = [_typed(self._names[item]) for item in difflib.get_close_matches(folded, self._names, n=1)]
            known = [_typed(term) for term in list(self.terms.values())[:12]]
            raise InvalidValueError(
                "unknown_filter",
                "{model} has no filter {field}.",
                "Did you mean {near}?" if near else 'Choose one of {known}, or put the text in "quotes".',
                model=self.model.declaration.plural,
                field=name,
                value=name,
                near=near[0] if near else "",
                known=Label(", ".join(each.en for each in known), "、".join(each.zh for each in known)),
            )
        return found

    def parse(self, text: str) -> tuple[Condition, ...]:
        """Read a filter such as ``status:open due:<30d premium:>500 -name:test "free text"``.

        Raises:
            InvalidValueError: A name or value is wrong; names field, value and cure.
        """
        if len(text) > LONGEST_QUERY:
            raise _malformed(text[:40] + "…", "Use fewer conditions.")
        conditions = tuple(self._condition(found) for found in _tokens(text))
        if len(conditions) > MOST_CONDITIONS:
            raise _malformed(text[:40] + "…", "Use fewer conditions.")
        return conditions

    def _condition(self, token: re.Match[str]) -> Condition:
        negated, value = bool(token["negated"]), token["value"]
        sign = _OPERATORS.get(token["operator"] or "", token["operator"] or "")
        if token["name"] is None:
            return Condition("", "text", (sign + _unquote(value),), negated)
        term = self.find(_unquote(token["name"]))
        if not value:
            raise _malformed(token[0], "Write a value after the colon, or `empty`.")
        read_as = term.read_as
        if not sign and value.casefold() in EMPTY_WORDS and not _is_option(term, value):
            if term.field is None and read_as is not None:
                raise wrong(read_as, value, "Write a value, or the filter with a minus sign before it.")
            return Condition(term.name, "empty", (), negated)
        if read_as is None:
            return Condition(term.name, sign or "=", (_unquote(value),), negated)
        operator, values = _read(read_as, sign, value)
        return Condition(term.name, operator, values, negated)

    def to_text(self, conditions: Iterable[Condition]) -> str:
        """Write conditions as text that `parse` reads again as the same conditions."""
        return " ".join(self.condition_text(condition) for condition in conditions)

    def condition_text(self, condition: Condition) -> str:
        """Write one condition."""
        sign = "-" if condition.negated else ""
        if condition.operator == "text":
            return sign + _quote(condition.values[0])
        return f"{sign}{condition.field}:{self.value_text(condition)}"

    def value_text(self, condition: Condition) -> str:
        """Write the part after the colon."""
        kind, operator = self.terms[condition.field].kind, condition.operator
        texts = ["" if value is None else value_text(kind, value) for value in condition.values]
        if operator == "empty":
            return "empty"
        if operator == "between":
            return "..".join(texts)
        quoted = [text if kind in NUMBERS | DAYS and _PLAIN_NUMBER.fullmatch(text) else _quote(text) for text in texts]
        if operator == "prefix":
            return f"{quoted[0]}*"
        exact = operator == "=" or (operator == "is" and kind == "text")
        return ("=" if exact else operator if operator[0] in "<>" else "") + ",".join(quoted)


_PLAIN_NUMBER = re.compile(r"[-+\d.dwmy%]+")


def _tokens(text: str) -> list[re.Match[str]]:
    found, position = [], 0
    while position < len(text):
        if text[position].isspace():
            position += 1
            continue
        token = _TOKEN.match(text, position)
        if token is None or token.end() == position or not _at_end(text, token.end()):
            raise _malformed(text[position : position + 40], 'Close the quotes: field:"two words".')
        position = token.end()
        if token["name"] or token["value"]:
            found.append(token)
    return found


def _is_option(term: Term, value: str) -> bool:
    options = term.field.options if term.field else ()
    return (term.kind == "boolean" and value == "无") or any(value in (item.label.zh, item.code) for item in options)


def _at_end(text: str, position: int) -> bool:
    return position == len(text) or text[position].isspace()


def _read(field: Field, sign: str, value: str) -> tuple[str, tuple[Any, ...]]:
    if field.mask and (sign not in {"", "="} or value.endswith("*") or ".." in value):
        raise wrong(field, _unquote(value), "A masked field can only be compared with one whole value.")
    if field.kind in DAYS:
        return _read_days(field, sign, value)
    if field.kind in NUMBERS:
        return _read_numbers(field, sign, value)
    if field.kind == "json" or sign not in {"", "="}:
        raise wrong(field, sign + _unquote(value), "This field has no order; write field:value or field:empty.")
    return _read_texts(field, sign, value)


def _read_texts(field: Field, sign: str, value: str) -> tuple[str, tuple[Any, ...]]:
    pieces = _pieces(field, value)
    if (
        not sign
        and field.kind not in {"choice", "boolean"}
        and len(pieces) == 1
        and value[-1] == "*"
        and len(value) > 1
    ):
        return "prefix", (read_value(field, _unquote(value[:-1])),)
    contains = field.kind in {"text", "address"} and not sign and not field.mask
    return "contains" if contains else "is", tuple(read_value(field, _unquote(piece)) for piece in pieces)


def _read_numbers(field: Field, sign: str, value: str) -> tuple[str, tuple[Any, ...]]:
    if sign and sign != "=":
        return sign, (read_value(field, _unquote(value)),)
    low, dots, high = value.partition("..")
    if dots:
        ends = tuple(read_value(field, end) if end else None for end in (low, high))
        return "between", _ends(field, value, ends)
    return "is", tuple(read_value(field, _unquote(piece)) for piece in _pieces(field, value))


def _read_days(field: Field, sign: str, value: str) -> tuple[str, tuple[Any, ...]]:
    value = _unquote(value)
    low, dots, high = value.partition("..")
    if dots:
        start = read_span(field, low)[0] if low else None
        end = read_span(field, high)[1] if high else None
        return "between", _ends(field, value, (start, end))
    if sign in {"", "="}:
        spans = [read_span(field, piece) for piece in _pieces(field, value)]
        if len(spans) == 1 and spans[0][0] != spans[0][1]:
            return "between", spans[0]
        if any(first != last for first, last in spans):
            raise wrong(field, value, "Write days, or one range such as 2026-01-01..2026-03-31.")
        return "is", tuple(first for first, _last in spans)
    first, last = read_span(field, value)
    return sign, (first if sign in {"<", ">="} else last,)


def _ends(field: Field, value: str, ends: tuple[Any, ...]) -> tuple[Any, ...]:
    if ends == (None, None):
        raise wrong(field, value, "A range needs at least one end: 1.. or ..9 or 1..9.")
    return ends


def _pieces(field: Field, value: str) -> list[str]:
    pieces: list[str] = _PIECE.findall(value)
    if not pieces or len(pieces) > MOST_VALUES:
        raise wrong(field, value[:40], "Write between 1 and 200 values.")
    return pieces


def _unquote(text: str) -> str:
    return _QUOTED.sub(lambda found: found[1].replace('""', '"'), text)


def _quote(text: str) -> str:
    plain = _PLAIN.fullmatch(text) and text[-1] != "*" and ".." not in text and text.casefold() not in EMPTY_WORDS
    return text if plain else '"' + text.replace('"', '""') + '"'


def _malformed(text: str, cure: str) -> InvalidValueError:
    return InvalidValueError("filter_malformed", "The filter {value} cannot be read.", cure, field="q", value=text)
