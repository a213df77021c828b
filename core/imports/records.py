"""Read one record of a row by compiled slots, at C speed."""

from __future__ import annotations

import marshal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from operator import getitem, itemgetter
from typing import Any

from core.errors import InvalidValueError
from core.imports.caches import Cache
from core.imports.catalogue import Reader
from core.imports.expressions import Slot
from core.imports.profiles import Record

_ZEROS = frozenset({0, "0", "0.0", "0.00"})
MARSHAL = 2
"""Version of the format of staged records: it knows no references, so equal values give equal bytes."""

Built = tuple[int, bytes, str | None, list[Any] | int, Sequence[str | None]]
"""A staged record: its shape's number, its digest, its key, the values of its fields, the keys of its links.

Where another record of the row says all that it says, the place of that one stands for the values.
"""


@dataclass(frozen=True, eq=False)
class Shape:
    """What the values of a staged record mean: the record's name, the names of its fields and of its links.

    ``derived`` names what the model's reader made of the fields; its values stand behind those of the fields.
    """

    record: str
    fields: tuple[str, ...]
    links: tuple[str, ...]
    derived: tuple[str, ...] = ()

    @cached_property
    def places(self) -> Mapping[str, int]:
        """Field or derived name -> place of its value."""
        return {name: place for place, name in enumerate((*self.fields, *self.derived))}

    def picker(self, names: Sequence[str]) -> Callable[[Sequence[Any]], list[Any]]:
        """Return a function that takes the values of these names out of those of a record; none where it has none."""
        pick = itemgetter(*[self.places.get(name, -1) for name in names], -1)
        return lambda values: [*pick((*values, None))][:-1]


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
        fields: Field -> slot.
        links: Link -> slot of the key that is looked up.
        each: Unpivoting, or none.
    """

    record: Record
    key: Slot | None
    condition: tuple[int, Cache[bool]] | bool
    fields: Mapping[str, Slot]
    links: Mapping[str, Slot]
    each: EachPlan | None


class RecordPlan:
    """Reads one record out of extended rows.

    Args:
        draft: The bound record.
        main: Whether rows are counted by this record: its key is never empty.
        attributes: Position, header and reader of each column kept as an attribute.
        clear: Whether an empty cell clears an attribute; else it says nothing.
    """

    def __init__(
        self,
        draft: RecordDraft,
        *,
        main: bool,
        attributes: Sequence[tuple[int, str, Cache[str | None]]],
        clear: bool,
    ) -> None:
        self.name = draft.record.name
        self.types = {name: target.type for name, target in draft.record.model.fields.items()}
        self.key = draft.key
        self.main = main
        self.slots = dict(draft.fields)
        self.links = dict(draft.links)
        self.each = draft.each
        self.number = 0
        self.model = draft.record.model.id
        self._named_by = draft.record.model.named_by
        self._key_optional = draft.record.key_optional
        self._condition = draft.condition
        self._attributes = tuple(attributes)
        self._clear = clear
        self._blank: list[Any] | None = None
        self._covers: list[tuple[RecordPlan, list[tuple[int, int | None]]]] = []
        reader = draft.record.model.reader
        self._reading = _Reading(reader, tuple(self.slots)) if reader else None
        ordered = [*self.slots.values(), *self.links.values()]
        self._caches = [slot.cache for slot in ordered]
        self._pick = _picker([slot.index for slot in ordered])
        self._salt = blake2b(repr(self.shape).encode(), digest_size=16).digest()

    @property
    def shape(self) -> Shape:
        """What the values of the record mean."""
        extra = ("attributes",) if self._attributes else ()
        each = (self.each.name, self.each.value) if self.each else ()
        derived = self._reading.derived if self._reading else ()
        return Shape(self.name, (*self.slots, *extra, *each), tuple(self.links), derived)

    def learn_blank(self, row: Sequence[Any]) -> None:
        """Remember what an empty row gives: a keyless record that gives the same is left out.

        A record with a required field is never left out: its empty row is an error.
        """
        if (self.key is None or self._key_optional) and not self.main:
            with suppress(InvalidValueError):
                self._blank = [*map(getitem, self._caches, self._pick(row))]

    def learn_covering(self, earlier: Sequence[RecordPlan]) -> None:
        """Remember which records before this one may say all that it says: holder and insured are mostly one person."""
        name = self._named_by
        if name not in self.slots or self.links or self._attributes or self.each is not None:
            return
        names = (name, *(other for other in self.slots if other != name))
        places = [[*self.slots].index(each) for each in names]
        for plan in earlier:
            if plan.model == self.model and name in plan.slots and plan.each is None:
                theirs = [[*plan.slots].index(each) if each in plan.slots else None for each in names]
                self._covers.append((plan, list(zip(places, theirs, strict=True))))

    def _covered_by(self, values: Sequence[Any], records: Sequence[Built]) -> int | None:
        """Return the place of a record of the row that has the same name and says nothing else."""
        for plan, pairs in self._covers:
            for at, (number, _, _, said, _) in enumerate(records):
                if number == plan.number and not isinstance(said, int) and _says_all(said, values, pairs):
                    return at
        return None

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

    def check_reading(self, row: Sequence[Any]) -> None:
        """Let the model's reader look at the row.

        Raises:
            InvalidValueError: Values that are right by themselves contradict each other.
        """
        if self._reading is not None and self.applies(row):
            self._reading.add_to([*map(getitem, self._caches, self._pick(row))])

    def build(self, row: Sequence[Any], into: list[Built]) -> str | None:
        """Add the record, or the several of an unpivoted one, to ``into`` where the row holds it.

        Returns:
            The record's key; none where there is no record or it has no key.

        Raises:
            InvalidValueError: A value of the row is wrong.
        """
        if self._condition is not True and not self.applies(row):
            return None
        key: str | None = None
        if self.key is not None:
            key = self.key.cache[row[self.key.index]]
            if key is None and not self._key_optional:
                return None
        found = [*map(getitem, self._caches, self._pick(row))]
        if key is None and found == self._blank:
            return None
        fields = len(self.slots)
        values, links = found[:fields], found[fields:]
        if self._attributes:
            values.append(self._read_attributes(row))
        if self.each is not None:
            return self._build_each(self.each, key, values, links, row, into)
        if self._covers and key is None and (at := self._covered_by(values, into)) is not None:
            into.append((self.number, self._salt, None, at, ()))
            return None
        digest = self._digest(values, links)
        if self._reading is not None:
            self._reading.add_to(values)
        into.append((self.number, digest, key, values, links))
        return key

    def _digest(self, values: list[Any], links: list[Any]) -> bytes:
        return blake2b(self._salt + marshal.dumps((values, links), MARSHAL), digest_size=16).digest()

    def _read_attributes(self, row: Sequence[Any]) -> dict[str, str | None]:
        read = ((name, cache[row[index]]) for index, name, cache in self._attributes)
        return {name: text for name, text in read if text is not None or self._clear}

    def _build_each(
        self,
        each: EachPlan,
        key: str | None,
        values: list[Any],
        links: list[Any],
        row: Sequence[Any],
        into: list[Built],
    ) -> str | None:
        before = len(into)
        for header, label, slot in each.columns:
            value = slot.cache[row[slot.index]]
            if value is not None and not (each.skip_zero and value in _ZEROS):
                own = [*values, label, value]
                digest = self._digest(own, links)
                if self._reading is not None:
                    self._reading.add_to(own)
                into.append((self.number, digest, None if key is None else f"{key}-{header}", own, links))
        return key if len(into) > before else None


def _says_all(said: Sequence[Any], values: Sequence[Any], pairs: Sequence[tuple[int, int | None]]) -> bool:
    """Whether a record says all the values of another one, the first of which is not missing."""
    own, their = pairs[0]
    if their is None or values[own] is None or values[own] != said[their]:
        return False
    return all(values[own] is None or (their is not None and values[own] == said[their]) for own, their in pairs)


class _Reading:
    """What a model's reader makes of the fields that a sheet has.

    Args:
        reader: The reader.
        fields: Names of the fields, in the order of their values.

    ``derived`` names the results that are no fields of the sheet; they are added behind all other values.
    """

    def __init__(self, reader: Reader, fields: Sequence[str]) -> None:
        self._read = reader.read
        self._takes = [fields.index(name) if name in fields else None for name in reader.takes]
        self._gives = [fields.index(name) if name in fields else None for name in reader.gives]
        self.derived = tuple(name for name in reader.gives if name not in fields)

    def add_to(self, values: list[Any]) -> None:
        """Replace fields that the reader gives anew, and add what it derives.

        Raises:
            InvalidValueError: The reader refuses the values.
        """
        results = self._read(*[None if at is None else values[at] for at in self._takes])
        for at, result in zip(self._gives, results, strict=True):
            if at is None:
                values.append(result)
            else:
                values[at] = result


def _picker(indexes: Sequence[int]) -> Any:
    if len(indexes) == 1:
        only = indexes[0]
        return lambda row: (row[only],)
    return itemgetter(*indexes) if indexes else lambda _: ()


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
