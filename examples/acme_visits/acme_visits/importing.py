"""Import of visits: which customer a visit is about stands in the file."""

from __future__ import annotations

from typing import Any, ClassVar

from core.api import ImportTarget


class VisitTarget(ImportTarget):
    """Writes visits of a file."""

    model_id: ClassVar[str] = "acme_visits.visit"
    links: ClassVar[tuple[str, ...]] = ("customer",)
    defaults: ClassVar[dict[str, Any]] = {"text": "", "done": False, "purpose": "courtesy"}
