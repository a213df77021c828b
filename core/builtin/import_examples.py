"""Example rows of a dry run under the columns of their file, as they were read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from core.imports.mapping import keeps_rest
from core.registry.fields import Label
from core.registry.formats import screen_format
from core.web.pages import cell

if TYPE_CHECKING:
    from core.imports.batches import Importer
    from core.imports.profiles import Profile
    from core.imports.staging import StageSummary
    from core.registry.fields import Field
    from core.web.pages import Cell

MOST_COLUMNS = 14
BRANCH = "branch"
"""Name under which an example keeps the branch its row names."""
_BRANCH, _REST = Label("Branch", "机构"), Label("Further column", "其他列")


class Examples:
    """Shows example rows and the columns of their file.

    Args:
        importer: Knows the models.
        profile: What the columns mean.
        summary: What reading the file found.
        rows: Examples by kind of row, with their values by record and field.
        locale: Language of the reader.
    """

    def __init__(
        self,
        importer: Importer,
        profile: Profile,
        summary: StageSummary,
        rows: Mapping[str, Sequence[Mapping[str, Any]]],
        locale: str,
    ) -> None:
        self.rows, self._locale = rows, locale
        self._fields: dict[str, Field] = {}
        self._keeps_rest = keeps_rest(profile)
        for record in profile.records:
            model = importer.suite.registry.get(record.model.id)
            for field in (*model.fields.values(), *model.declaration.virtual):
                self._fields[f"{record.name}.{field.name}"] = field
        sheet = next((each for each in summary.sheets if not each.skipped), None)
        self._fed = {
            header: sheet.mapped.get(header, []) if sheet else [] for header in (sheet.headers if sheet else ())
        }
        self._fed.update({header: [BRANCH] for header in self._fed if header in profile.branch.column})

    def columns(self) -> list[dict[str, Any]]:
        """Return every column of the file with what it feeds and the first value read from it."""
        every = [each["values"] for rows in self.rows.values() for each in rows]
        found = []
        for header, fed in self._fed.items():
            first = next((self._shown(name, said[name]) for said in every for name in fed if name in said), "")
            found.append({"header": header, "target": self._target(fed), "sample": first[:20], "warning": None})
        return found

    def _target(self, fed: Sequence[str]) -> str | None:
        labels = {name: field.label.of(self._locale) for name, field in self._fields.items()}
        labels[BRANCH] = _BRANCH.of(self._locale)
        known = list(dict.fromkeys(labels[name] for name in fed if name in labels)) or fed
        return " / ".join(known[:2]) or (_REST.of(self._locale) if self._keeps_rest else None)

    def table(self, kind: str, line: str) -> tuple[list[str | tuple[str, str]], list[tuple[int, None, list[Cell]]]]:
        """Return heads and rows of a table of examples.

        Args:
            kind: ``new`` or ``same``.
            line: Head of the column of line numbers.
        """
        rows = self.rows.get(kind, ())
        names = {name for row in rows for name in row["values"]}
        shown: dict[str, str] = {}
        for header, fed in self._fed.items():
            name = next((each for each in fed if each in names), None)
            if name is not None:
                shown.setdefault(name, header)
        shown = dict(list((shown or {name: name for name in sorted(names)}).items())[:MOST_COLUMNS])
        heads = [(header, "money" if self._is_money(name) else "text") for name, header in shown.items()]
        return [line, *heads], [
            (
                row["line"],
                None,
                [cell(str(row["line"])), *(self._cell(name, row["values"].get(name)) for name in shown)],
            )
            for row in rows
        ]

    def _is_money(self, name: str) -> bool:
        return name in self._fields and self._fields[name].kind == "money"

    def _cell(self, name: str, value: Any) -> Cell:
        if self._is_money(name):
            return cell(None if value is None else Decimal(value) / 100, "money")
        return cell(None if value is None else self._shown(name, value))

    def _shown(self, name: str, value: Any) -> str:
        return shown_value(self._fields.get(name), value, self._locale)


def shown_value(field: Field | None, value: Any, locale: str) -> str:
    """Return a value as it is staged or noted, for people; nothing gives an empty text."""
    if value is None:
        return ""
    if field is not None and field.kind == "money":
        return f"{Decimal(value) / 100:,.2f}"
    if field is not None and field.kind in {"choice", "boolean"}:
        return str(screen_format(field.kind, field, locale)(value))
    return str(value)[:80]
