"""Bind the records of a profile to the header of one sheet: which are there, and from which columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from core.errors import ImportFileError
from core.imports.caches import Cache
from core.imports.conversions import Cell, cell_text
from core.imports.expressions import Compiler, Slot
from core.imports.headers import Columns, Header
from core.imports.profiles import Expression, Profile, Record
from core.imports.records import EachPlan, RecordDraft, RecordPlan
from core.values.text import clean_text


class Binder:
    """Finds the columns of every record; a record whose key or columns are not in the file is left out.

    Args:
        profile: What the columns mean.
        header: Header of the sheet.
        zone: IANA time zone of the file's clock times.

    Raises:
        ImportFileError: ``wrong_profile`` where a column the profile needs is missing.
    """

    def __init__(self, profile: Profile, header: Header, zone: str) -> None:
        self.profile = profile
        self.columns = Columns(header)
        self.compiler = Compiler(profile, self.columns, zone)
        self._require()
        drafts = [draft for record in profile.records if (draft := self._draft(record)) is not None]
        self.branch = self._branch()
        rest = self.columns.unused()
        self.records = [self._finish(draft, rest) for draft in drafts]
        self.unmapped = [header.names[at] for at in self.columns.unused()]

    def _require(self) -> None:
        groups = self.profile.headers()
        for wanted in self.profile.file.required:
            group = next((aliases for aliases in groups if wanted in aliases), ())
            if self.columns.find((wanted, *group), use=False) is None:
                raise self._missing(f"column {wanted}", group or (wanted,))

    def _draft(self, record: Record) -> RecordDraft | None:
        main = record.name == self.profile.main
        key = self._key(record, main=main)
        if record.key is not None and key is None and not record.key_optional:
            return None
        fields = self._fields(record, main=main)
        if key is None and not any(slot.columns for slot in fields.values()):
            if main:
                raise self._missing(f"every column of {record.name}", _headers(record.fields.values()))
            return None
        condition = True if record.when is None else self.compiler.condition(record.when)
        draft = RecordDraft(record, key, condition, fields, self._links(record), self._each(record))
        if record.attributes != "rest":
            self._named(record.attributes)
        return draft

    def _fields(self, record: Record, *, main: bool) -> dict[str, Slot]:
        found: dict[str, Slot] = {}
        for name, expression in record.fields.items():
            target = record.model.fields[name]
            slot = self.compiler.value(expression, target)
            if slot is not None:
                needed = (main and target.required) or name in record.required_fields
                found[name] = self.compiler.needed(slot) if needed and slot.columns else slot
        return found

    def _key(self, record: Record, *, main: bool) -> Slot | None:
        if record.key is None:
            return None
        slot = self.compiler.key(record.key)
        if not main or record.key_optional:
            return slot
        if slot is None:
            raise self._missing(f"the key of {record.name}", _headers(record.key))
        return self.compiler.needed(slot)

    def _links(self, record: Record) -> dict[str, Slot]:
        found: dict[str, Slot] = {}
        for name, link in record.links.items():
            if link.record is not None:
                continue
            slot = self.compiler.key(link.key)
            if slot is not None:
                found[name] = self.compiler.needed(slot) if link.required else slot
            elif link.required:
                raise self._missing(f"the link {record.name}.{name}", _headers(link.key))
        return found

    def _each(self, record: Record) -> EachPlan | None:
        each = record.each
        if each is None:
            return None
        found = []
        for name in each.columns:
            slot = self.compiler.value(Expression(sources=((name,),)), record.model.fields[each.value])
            if slot is not None:
                label = self.profile.maps[each.map].get(name, name) if each.map else name
                found.append((name, label, slot))
        return EachPlan(each.name, each.value, tuple(found), each.skip_zero)

    def _branch(self) -> tuple[int, Cache[str | None]] | None:
        rule = self.profile.branch
        index = self.columns.find(rule.column)
        if index is None:
            return None

        def read(cell: Cell) -> str | None:
            text = clean_text(cell_text(cell))
            return None if text is None else rule.map.get(text, text)

        return index, Cache(read)

    def _named(self, names: Sequence[str]) -> list[int]:
        found = [self.columns.find((name,)) for name in names]
        return [index for index in found if index is not None]

    def _finish(self, draft: RecordDraft, rest: Sequence[int]) -> RecordPlan:
        kept = draft.record.attributes
        indexes = list(rest) if kept == "rest" else self._named(kept)
        self.columns.used.update(indexes)
        attributes = [(index, self.columns.header.names[index], Cache(_attribute)) for index in indexes]
        main, clear = draft.record.name == self.profile.main, self.profile.file.empty == "clear"
        return RecordPlan(draft, main=main, attributes=attributes, clear=clear)

    def _missing(self, what: str, wanted: Sequence[str]) -> ImportFileError:
        return ImportFileError(
            "wrong_profile",
            "The file does not fit profile {profile}: {what} is missing.",
            "Choose another profile, or name the column {wanted}. The file has: {found}.",
            profile=self.profile.id,
            what=what,
            wanted=" / ".join(wanted),
            found=", ".join(filter(None, self.columns.header.names)),
        )


def _headers(expressions: Iterable[Expression]) -> list[str]:
    return [alias for expression in expressions for aliases in expression.sources for alias in aliases]


def _attribute(cell: Cell) -> str | None:
    return clean_text(cell_text(cell))
