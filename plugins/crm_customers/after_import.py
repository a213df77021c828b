"""What follows an import: dates of policies, registered vehicles, candidates for the review, classification."""

from __future__ import annotations

from sqlalchemy import text

from core.api import AfterImport, ScopedSession, enqueue, system_actor, today_here
from plugins.crm_customers.vehicle_states import link_registry, refresh_states

REGISTRY = "crm_customers.registry_vehicle"
COVERING = frozenset({"crm_customers.policy", "crm_customers.policy_term", "crm_customers.vehicle"})
CLASSIFY = "crm_customers.classify_changed"
FIND_DUPLICATES = "crm_customers.find_duplicates"

_POLICY_DATES = """
UPDATE crm_customers_policy
SET start_on = COALESCE(start_on, dates.first_day), end_on = COALESCE(end_on, dates.last_day)
FROM (SELECT t.policy_id AS policy_id, MIN(t.start_on) AS first_day, MAX(t.end_on) AS last_day
    FROM crm_customers_policy_term t JOIN crm_customers_policy p ON p.id = t.policy_id
    WHERE t.batch_id = :batch AND (p.start_on IS NULL OR p.end_on IS NULL) GROUP BY t.policy_id) AS dates
WHERE dates.policy_id = crm_customers_policy.id
"""


_TOUCHED = {
    "crm_customers.policy": "SELECT holder_id FROM crm_customers_policy WHERE batch_id = :batch",
    "crm_customers.policy_term": "SELECT p.holder_id FROM crm_customers_policy_term f "
    "JOIN crm_customers_policy p ON p.id = f.policy_id WHERE f.batch_id = :batch",
    "crm_customers.endorsement": "SELECT p.holder_id FROM crm_customers_endorsement f "
    "JOIN crm_customers_policy p ON p.id = f.policy_id WHERE f.batch_id = :batch",
    "crm_customers.claim": "SELECT p.holder_id FROM crm_customers_claim f "
    "JOIN crm_customers_policy p ON p.id = f.policy_id WHERE f.batch_id = :batch",
    "crm_customers.receivable": "SELECT p.holder_id FROM crm_customers_receivable f "
    "JOIN crm_customers_policy p ON p.id = f.policy_id WHERE f.batch_id = :batch",
    "crm_customers.customer": "SELECT customer_id FROM crm_customers_customer_source WHERE batch_id = :batch",
}
"""Per model of a batch the customers whose class may change with it."""


def steps() -> list[AfterImport]:
    """Return the steps in their order; classification comes last."""
    return [
        AfterImport("crm_customers.policy_dates", fill_policy_dates, 10),
        AfterImport("crm_customers.registry", link_registered_vehicles, 20),
        AfterImport("crm_customers.duplicates", queue_candidates, 30),
        AfterImport("crm_customers.classify", queue_classification, 90),
    ]


def fill_policy_dates(session: ScopedSession, touched: frozenset[str], batch_id: int) -> None:
    """Give policies without own dates, which got terms by the batch, the first and last day of these."""
    if "crm_customers.policy_term" in touched:
        session.connection().execute(text(_POLICY_DATES), {"batch": batch_id})


def link_registered_vehicles(session: ScopedSession, touched: frozenset[str], batch_id: int) -> None:
    """Link registered vehicles to insured ones and renew how they are insured (CU-06)."""
    del batch_id  # a policy of this batch may insure a vehicle registered by any other
    if REGISTRY in touched or touched & COVERING:
        link_registry(session.connection())
        refresh_states(session.connection(), today_here())


def queue_candidates(session: ScopedSession, touched: frozenset[str], batch_id: int) -> None:
    """Queue the search for customers that may be one; it takes long for large batches and needs no lock meanwhile."""
    if any(model.startswith("crm_customers.") for model in touched):
        _queue(session, FIND_DUPLICATES, batch_id, f"{FIND_DUPLICATES}:{batch_id}")


def queue_classification(session: ScopedSession, touched: frozenset[str], batch_id: int) -> None:
    """Mark the customers whose facts the batch wrote, and queue their classification."""
    selects = [sql for model, sql in _TOUCHED.items() if model in touched]
    if selects:
        _classify_anew(session, selects, batch_id)


def before_undo(session: ScopedSession, batch_id: int) -> None:
    """Have the customers whose facts an undo takes back classified anew."""
    _classify_anew(session, list(_TOUCHED.values()), batch_id)


def _classify_anew(session: ScopedSession, selects: list[str], batch_id: int) -> None:
    due = f"INSERT INTO crm_customers_class_due (customer_id) {' UNION '.join(selects)}"
    session.connection().execute(text(due), {"batch": batch_id})
    # a job that waits already may be done before this transaction ends; one that finds nothing takes milliseconds
    _queue(session, CLASSIFY, batch_id, None)


def _queue(session: ScopedSession, job: str, batch_id: int, key: str | None) -> None:
    actor = session.actor or system_actor("import")
    enqueue(session, job, {"batch": batch_id}, key=key, actor=actor, branch_id=None)
