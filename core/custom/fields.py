"""The custom fields of the installation, kept in memory until one changes anywhere."""

from __future__ import annotations

from sqlalchemy import select

from core.custom.models import LONGEST_VALUE, CustomField
from core.db.session import ScopedSession
from core.plugin.epochs import Epochs, Watch
from core.registry.added_fields import Added
from core.registry.fields import Field, Label, choices
from core.security.models import Branch
from core.security.permissions import ACCESS_EPOCH

PREFIX = "custom_"
"""Begins the names of custom fields in filters, files and the interface."""
KINDS = {
    "text": Label("Text", "文本"),
    "number": Label("Number", "数字"),
    "amount": Label("Amount", "金额"),
    "date": Label("Date", "日期"),
    "yes_no": Label("Yes or no", "是否"),
    "choice": Label("Choice", "选项"),
}
FIELD_KINDS = {"number": "decimal", "amount": "money", "yes_no": "boolean"}
"""Kinds of the registry, where they are called otherwise."""
MASK = "all"
"""No mask of this name exists, so that the whole value is hidden."""


class CustomFields:
    """Answers which custom fields exist for a model in a branch.

    Args:
        epochs: Say when one changed.
    """

    def __init__(self, epochs: Epochs) -> None:
        self._watch = Watch(epochs, ACCESS_EPOCH, self._read)
        self._fields: dict[str, tuple[Added, ...]] = {}
        self._parents: dict[int, int | None] = {}

    def of(self, model_id: str, branch_id: int | None) -> tuple[Added, ...]:
        """Return the fields of a model for who works in a branch; none asks for those of all branches."""
        self._watch.refresh()
        found = self._fields.get(model_id, ())
        if branch_id is None or not found:
            return found
        above = self._upwards(branch_id)
        return tuple(added for added in found if added.branch_id is None or added.branch_id in above)

    def forget(self) -> None:
        """Read again at the next question."""
        self._watch.forget()

    def _upwards(self, branch_id: int | None) -> set[int]:
        found: set[int] = set()
        while branch_id is not None and branch_id not in found:
            found.add(branch_id)
            branch_id = self._parents.get(branch_id)
        return found

    def _read(self, session: ScopedSession) -> None:
        fields: dict[str, tuple[Added, ...]] = {}
        # Lists keep what they built for these very objects: those that did not change stay the same.
        known = {added.id: added for kept in self._fields.values() for added in kept}
        rows = select(CustomField).where(CustomField.removed.is_(False)).order_by(CustomField.id)
        for row in session.scalars(rows):
            added = added_of(row)
            same = known.get(row.id)
            fields[row.model] = (*fields.get(row.model, ()), same if same is not None and same == added else added)
        self._fields = fields
        self._parents = {row.id: row.parent_id for row in session.execute(select(Branch.id, Branch.parent_id))}


def added_of(row: CustomField) -> Added:
    """Return the declaration of a stored field."""
    kind = FIELD_KINDS.get(row.kind, row.kind)
    field = Field(
        Label(row.label_en, row.label_zh),
        kind,
        options=choices(*((code, en, zh) for code, en, zh in row.options)),
        data_class="C2" if row.personal else "C1",
        mask=MASK if row.personal else "",
        name=f"{PREFIX}{row.code}",
        required=row.required,
        max_length=LONGEST_VALUE if kind == "text" else None,
    )
    return Added(row.id, row.model, row.branch_id, field)
