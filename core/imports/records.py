"""Write one record of a row as JSON from compiled slots: a template filled at C speed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from operator import getitem, itemgetter
from typing import Any

from core.errors import InvalidValueError
from core.imports.caches import Cache
from core.imports.expressions import NULL, Slot, encode
from core.imports.profiles import Record

_ZEROS = frozenset({"0", '"0"', '"0.0"', '"0.00"'})


@dataclass(frozen=True)
class EachPlan:
    """Unpivoting of one record: per column its header, the text it is named by, and its slot."""

    name: str
    value: str
    columns: tuple[tuple[str, str, Slot], ...]
    skip_zero: bool


@dataclass(frozen=True)
class RecordDraft:
    """A record bound to columns, before anyone knows which columns are left for attributes.

    Args:
        record: What the profile says.
        key: Slot of the key, or none where the model decides.
        condition: Position and test of a cell, or a fixed answer.
        fields: Field -> slot, or JSON of a constant.
        links: Link -> slot of the key that is looked up.
        each: Unpivoting, or none.
    """

    record: Record
    key: Slot | None
    condition: tuple[int, Cache[bool]] | bool
    fields: Mapping[str, Slot | str]
    links: Mapping[str, Slot]
    each: EachPlan | None


class RecordPlan:
    """Builds ``"name":[key,{fields},{links}]`` (a list of such triples with unpivoting) of an extended row.

    Args:
        draft: The bound record.
        main: Whether rows are counted by this record: its key is never empty.
        attributes: Position and reader of each column kept as an attribute.
    """

    def __init__(self, draft: RecordDraft, *, main: bool, attributes: Sequence[tuple[int, Cache[str]]]) -> None:
        self.name = draft.record.name
        self.types = {name: target.type for name, target in draft.record.model.fields.items()}
        self.key = draft.key
        self.main = main
        self.slots = {name: slot for name, slot in draft.fields.items() if isinstance(slot, Slot)}
        self.links = dict(draft.links)
        self.each = draft.each
        self._key_optional = draft.record.key_optional
        self._condition = draft.condition
        self._attributes = tuple(attributes)
        self._blank: list[str] | None = None
        self._compile(draft.fields)

    def _compile(self, fields: Mapping[str, Slot | str]) -> None:
        pairs = [
            f"{_literal(name)}:{'%s' if isinstance(slot, Slot) else _escape(slot)}" for name, slot in fields.items()
        ]
        if self._attributes:
            pairs.append('"attributes":{%s}')
        self._fields = "{" + ",".join(pairs) + "}"
        self._links = "{" + ",".join(f"{_literal(name)}:%s" for name in self.links) + "}"
        ordered = [*self.slots.values(), *self.links.values()]
        self._template = f"{_literal(self.name)}:[%s,{self._fields},{self._links}]"
        self._caches = [slot.cache for slot in ordered]
        self._pick = _picker([slot.index for slot in ordered])
        self._after_fields = len(self.slots)

    def learn_blank(self, row: Sequence[Any]) -> None:
        """Remember what an empty row gives: a keyless record that gives the same is left out.

        A record with a required field is never left out: its empty row is an error.
        """
        if (self.key is None or self._key_optional) and not self.main:
            with suppress(InvalidValueError):
                self._blank = [*map(getitem, self._caches, self._pick(row))]

    def applies(self, row: Sequence[Any]) -> bool:
        """Tell whether the record's condition holds."""
        if isinstance(self._condition, bool):
            return self._condition
        index, test = self._condition
        return test[row[index]]

    def all_slots(self) -> Iterator[tuple[str, Slot]]:
        """Yield every slot with the name of what it feeds."""
        if self.key is not None:
            yield "key", self.key
        yield from self.slots.items()
        yield from self.links.items()
        for header, _, slot in self.each.columns if self.each else ():
            yield f"each {header}", slot

    def build(self, row: Sequence[Any]) -> tuple[str | None, str] | None:
        """Return the record's key and its JSON member, or none where the row does not hold the record.

        Raises:
            InvalidValueError: A value of the row is wrong.
        """
        if self._condition is not True and not self.applies(row):
            return None
        key = NULL
        if self.key is not None:
            key = self.key.cache[row[self.key.index]]
            if key == NULL and not self._key_optional:
                return None
        found = [*map(getitem, self._caches, self._pick(row))]
        if key == NULL and found == self._blank:
            return None
        if self._attributes:
            texts = filter(None, [cache[row[index]] for index, cache in self._attributes])
            found.insert(self._after_fields, ",".join(texts))
        if self.each is not None:
            return self._build_each(self.each, key, found, row)
        return (None if key == NULL else key[1:-1]), self._template % (key, *found)

    def _build_each(self, each: EachPlan, key: str, found: list[str], row: Sequence[Any]) -> tuple[str, str] | None:
        split = self._after_fields + bool(self._attributes)
        fields = self._fields % tuple(found[:split])
        links = self._links % tuple(found[split:])
        start = fields[:-1] + ("," if len(fields) > 2 else "")
        items = []
        for header, label, slot in each.columns:
            value = slot.cache[row[slot.index]]
            if value == NULL or (each.skip_zero and value in _ZEROS):
                continue
            own = f"{encode(each.name)}:{encode(label)},{encode(each.value)}:{value}"
            items.append(f"[{key[:-1]}-{encode(header)[1:]},{start}{own}}},{links}]")
        return (key[1:-1], f"{encode(self.name)}:[{','.join(items)}]") if items else None


def _picker(indexes: Sequence[int]) -> Any:
    if len(indexes) == 1:
        only = indexes[0]
        return lambda row: (row[only],)
    return itemgetter(*indexes) if indexes else lambda _: ()


def _escape(text: str) -> str:
    return text.replace("%", "%%")


def _literal(name: str) -> str:
    return _escape(encode(name))


def value_error(problem: InvalidValueError, column: str, text: str) -> dict[str, Any]:
    """Return an error of one value as it is kept with the row: code, message, cure, facts, column, value."""
    return {
        "code": problem.code,
        "message": problem.message,
        "cure": problem.cure,
        "facts": {name: str(fact) for name, fact in problem.facts.items()},
        "column": column,
        "value": text,
    }
