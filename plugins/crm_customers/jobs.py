"""Background work of crm_customers: classification after imports and every night."""

from __future__ import annotations

from core.api import JobContext, today_here
from plugins.crm_customers.classify import classify_all, classify_changed


def classify_changed_customers(context: JobContext) -> dict[str, object]:
    """Classify the customers whose facts changed since the last run; runs after every import."""
    return classify_changed(context.suite.database, today_here()).as_dict()


def classify_all_customers(context: JobContext) -> dict[str, object]:
    """Classify everybody: figures that move with time alone need it once a day."""
    return classify_all(context.suite.database, today_here(), progress=context.progress).as_dict()
