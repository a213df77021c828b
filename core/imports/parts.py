"""Cut, complete and look up the text of a cell as a profile's expression says."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from core.errors import InvalidValueError
from core.imports.profiles import Expression
from core.values.numbers import parse_integer
from core.values.text import clean_text

TextStep = Callable[[str], str]
_DIGITS = re.compile(r"\d+")
_LEADING = re.compile(r"\s*(\d+)")

NAMED_PARTS: dict[str, TextStep] = {
    "leading_digits": lambda text: found[1] if (found := _LEADING.match(text)) else "",
    "after_digits": lambda text: _LEADING.sub("", text, count=1).strip(" -_/:：·"),
    "digits": lambda text: "".join(_DIGITS.findall(text)),
    "upper": str.upper,
}
"""The named parts of a text; staff columns hold ``200040001王某`` (domain facts T9-17)."""


def text_steps(expression: Expression, maps: Mapping[str, Mapping[str, str]]) -> list[TextStep]:
    """Return the steps between the cell's text and its type, in the order ``docs/profiles.md`` publishes.

    Args:
        expression: What the profile says.
        maps: Value maps of the profile by name.
    """
    steps: list[TextStep] = []
    if expression.strip is not None:
        steps.append(_stripper(expression.strip))
    steps.extend(_cutters(expression))
    if expression.part is not None:
        steps.append(NAMED_PARTS[expression.part])
    if expression.map is not None:
        steps.append(_mapper(maps[expression.map]))
    if expression.default is not None:
        steps.append(_filler(expression.default))
    if expression.plus is not None:
        steps.append(_adder(expression.plus))
    if expression.day is not None:
        steps.append(_year_to_day(expression.day))
    return steps


def _stripper(prefix: str) -> TextStep:
    return lambda text: text.strip().removeprefix(prefix)


def _cutters(expression: Expression) -> list[TextStep]:
    steps: list[TextStep] = []
    before, after, span = expression.before, expression.after, expression.slice
    if before is not None:
        steps.append(lambda text: text.partition(before)[0])
    if after is not None:
        steps.append(lambda text: text.partition(after)[2])
    if span is not None:
        steps.append(lambda text: text.strip()[span[0] : span[1]])
    return steps


def _mapper(content: Mapping[str, str]) -> TextStep:
    folded = {text.casefold(): value for text, value in content.items()}

    def look_up(text: str) -> str:
        key = clean_text(text) or text.strip()
        return folded.get(key.casefold(), text)

    return look_up


def _filler(default: str) -> TextStep:
    return lambda text: default if clean_text(text) is None else text


def _adder(number: int) -> TextStep:
    def add(text: str) -> str:
        value = parse_integer(text)
        return "" if value is None else str(value + number)

    return add


def _year_to_day(day: str) -> TextStep:
    def complete(text: str) -> str:
        year = parse_integer(text)
        if year is None:
            return ""
        if not 1900 <= year <= 2100:
            raise InvalidValueError("invalid_year", "“{value}” is not a year.", "Write four digits.", value=text)
        return f"{year:04d}-{day}"

    return complete
