"""Settings stored in the database: which place says what, who said it, and which value a branch inherits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from core.db.session import ScopedSession
from core.plugin.epochs import Epochs, Watch
from core.security.models import Branch, Setting
from core.security.permissions import ACCESS_EPOCH


@dataclass(frozen=True)
class StoredValue:
    """What one place says of a setting.

    Args:
        value: As stored.
        branch_id: The branch; none for the whole installation.
        by: Who set it.
        at: When.
    """

    value: Any
    branch_id: int | None
    by: str
    at: datetime


class SettingValues:
    """All stored settings of plugins, kept until one changes anywhere.

    Args:
        epochs: Say when one changed.
    """

    def __init__(self, epochs: Epochs) -> None:
        self._watch = Watch(epochs, ACCESS_EPOCH, self._read)
        self._values: dict[str, dict[int | None, StoredValue]] = {}
        self._parents: dict[int, int | None] = {}

    def places(self, key: str) -> dict[int | None, StoredValue]:
        """Return what each place says of a setting, by branch.

        Args:
            key: ``<plugin>.<name>``.
        """
        self._watch.refresh()
        return self._values.get(key, {})

    def inherited(self, key: str, branch_id: int | None) -> list[StoredValue]:
        """Return what holds for a branch, the nearest first: its own value, those above it, the installation's."""
        places = self.places(key)
        return [places[place] for place in self._upwards(branch_id) if place in places] if places else []

    def forget(self) -> None:
        """Read again at the next question."""
        self._watch.forget()

    def _upwards(self, branch_id: int | None) -> list[int | None]:
        found: list[int | None] = []
        while branch_id is not None and branch_id not in found:
            found.append(branch_id)
            branch_id = self._parents.get(branch_id)
        return [*found, None]

    def _read(self, session: ScopedSession) -> None:
        values: dict[str, dict[int | None, StoredValue]] = {}
        query = select(Setting).where(Setting.changed_by != "")
        for row in session.scalars(query):
            stored = StoredValue(row.value, row.branch_id, row.changed_by, row.changed_at)
            values.setdefault(row.name, {})[row.branch_id] = stored
        self._parents = {row.id: row.parent_id for row in session.execute(select(Branch.id, Branch.parent_id))}
        self._values = values
