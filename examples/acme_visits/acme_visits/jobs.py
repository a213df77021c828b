"""Background work: forgetting old visits."""

from __future__ import annotations

from datetime import timedelta

from core.api import JobContext, setting, today_here

from acme_visits.services import forget_before


def forget_old(context: JobContext) -> dict[str, int]:
    """Delete the visits that were dealt with and due longer ago than the setting says; doing it twice does no harm."""
    days = int(setting(context.suite, "acme_visits", "keep_days"))
    with context.suite.database.write(context.actor) as session:
        return {"forgotten": forget_before(session, today_here() - timedelta(days=days))}
