"""Everything the page of one customer shows, read by one statement per kind of fact, inside the reader's branches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import Date, String, bindparam, func, literal, null, or_, select, union, union_all

from core.api import ImportBatch, ImportChange, NotFoundError, ScopedSession
from plugins.crm_customers.class_settings import thresholds_on
from plugins.crm_customers.classification import Day
from plugins.crm_customers.models import (
    AccountManager,
    Address,
    Claim,
    ClassHistory,
    ContactPoint,
    Customer,
    CustomerIdentity,
    CustomerMark,
    CustomerSource,
    Endorsement,
    InsuredItem,
    Policy,
    PolicyTerm,
    Receivable,
    Vehicle,
    foreign_relations,
)

Rows = Sequence[Any]
MOST_CHANGES = 200
"""Changes of values read for the page; older ones stay in the list of changes of their batch."""

_ID: Any = bindparam("customer")
_OWN_POLICIES = select(Policy.id).where(Policy.holder_id == _ID)
_INSURED = (
    select(InsuredItem.vehicle_id)
    .join(PolicyTerm, PolicyTerm.id == InsuredItem.term_id)
    .join(Policy, Policy.id == PolicyTerm.policy_id)
    .where(or_(Policy.holder_id == _ID, Policy.insured_id == _ID))
)
# A union: for "owned or insured" PostgreSQL goes through all vehicles.
_THEIR_VEHICLES = Vehicle.id.in_(union(select(Vehicle.id).where(Vehicle.owner_id == _ID), _INSURED))
_VEHICLE_COUNT = select(func.count(Vehicle.id)).where(_THEIR_VEHICLES).scalar_subquery()
_HEAD = (
    select(
        Customer.id,
        Customer.number,
        Customer.kind,
        Customer.name,
        Customer.class_code,
        Customer.class_since,
        Customer.good,
        Customer.important,
        Customer.blacklist_candidate,
        Customer.link_code,
        Customer.township,
        Customer.next_expiry,
        Customer.first_insured_on,
        Customer.premium_12m,
        Customer.receivable,
        Customer.lost_to,
        Customer.sex,
        Customer.birth_on,
        Customer.occupation,
        Customer.income,
        Customer.industry_code,
        Customer.ownership_code,
        Customer.origin,
        Customer.channel,
        Customer.credit,
        Customer.swept_on,
        Customer.intention_on,
        Customer.merged_into_id,
        Customer.manager_id,
        AccountManager.name.label("manager"),
        AccountManager.code.label("manager_code"),
        _VEHICLE_COUNT.label("vehicles"),
    )
    .outerjoin(AccountManager, AccountManager.id == Customer.manager_id)
    .where(Customer.id == _ID)
)
_HEAD_IN_BRANCHES = _HEAD.add_columns(foreign_relations(_ID).scalar_subquery().label("shared_with"))
"""With the number of branches outside the reader's that also have to do with the customer; it says nothing of which."""
_REACH: Any = union_all(
    *(
        select(
            literal(place).label("place"),
            table.id,
            kind.label("kind"),
            shown.label("masked"),
            table.since,
            table.until,
            table.source,
            table.batch_id,
            table.batch_row,
            valid.label("valid"),
            problem.label("problem"),
            more.label("extension"),
        ).where(table.customer_id == _ID)
        for place, table, kind, shown, valid, problem, more in (
            (
                "identity",
                CustomerIdentity,
                CustomerIdentity.kind,
                CustomerIdentity.masked,
                CustomerIdentity.valid,
                CustomerIdentity.problem,
                literal(None, String),
            ),
            (
                "contact",
                ContactPoint,
                ContactPoint.kind,
                ContactPoint.masked,
                ContactPoint.id.is_not(None),
                literal(None, String),
                ContactPoint.extension,
            ),
            ("address", Address, literal(None, String), Address.text, Address.complete, Address.county, Address.street),
        )
    )
)
_TERMS = (
    select(
        Policy.id,
        Policy.policy_no,
        Policy.line,
        Policy.product,
        Policy.state,
        Policy.cancelled_on,
        Policy.holder_id,
        Policy.signed_on,
        Policy.is_renewal,
        Policy.sum_insured,
        Policy.channel,
        Policy.intermediary_name,
        Policy.source,
        Policy.batch_id,
        PolicyTerm.id.label("term_id"),
        PolicyTerm.start_on,
        PolicyTerm.end_on,
        PolicyTerm.premium,
        InsuredItem.vehicle_id,
        InsuredItem.description,
        Vehicle.plate,
        Vehicle.model,
    )
    .outerjoin(PolicyTerm, PolicyTerm.policy_id == Policy.id)
    .outerjoin(InsuredItem, InsuredItem.term_id == PolicyTerm.id)
    .outerjoin(Vehicle, Vehicle.id == InsuredItem.vehicle_id)
    .where(or_(Policy.holder_id == _ID, Policy.insured_id == _ID))
    .order_by(Policy.id, PolicyTerm.start_on, PolicyTerm.id, InsuredItem.id)
)
_ENDORSEMENTS = select(
    Endorsement.id,
    Endorsement.policy_id,
    Endorsement.endorsement_no,
    Endorsement.kind,
    Endorsement.effective_on,
    Endorsement.premium_change,
    Endorsement.reason,
).where(Endorsement.policy_id.in_(_OWN_POLICIES))
_CLAIMS = select(
    Claim.id,
    Claim.policy_id,
    Claim.claim_no,
    Claim.loss_on,
    Claim.cause,
    Claim.paid,
    Claim.outstanding,
    Claim.state,
    Claim.closed_at,
    Claim.vehicle_id,
).where(Claim.policy_id.in_(_OWN_POLICIES))
_RECEIVABLES = select(
    Receivable.id,
    Receivable.policy_id,
    Receivable.installment,
    Receivable.due_on,
    Receivable.amount_due,
    Receivable.amount_paid,
    Receivable.paid_on,
).where(Receivable.policy_id.in_(_OWN_POLICIES))
_BIOGRAPHY: Any = union_all(
    select(
        literal("class").label("what"),
        ClassHistory.class_code.label("value"),
        ClassHistory.previous.label("before"),
        ClassHistory.since,
        null().cast(Date).label("until"),
        literal(None, String).label("source"),
        literal(None, String).label("reason"),
        ClassHistory.id.label("row"),
    ).where(ClassHistory.customer_id == _ID),
    select(
        CustomerMark.kind,
        CustomerMark.value,
        literal(None, String),
        CustomerMark.since,
        CustomerMark.until,
        CustomerMark.source,
        CustomerMark.reason,
        CustomerMark.id,
    ).where(CustomerMark.customer_id == _ID),
).order_by("since", "row")
_SOURCES = (
    select(
        CustomerSource.id,
        CustomerSource.source,
        CustomerSource.source_key,
        CustomerSource.delivered,
        CustomerSource.delivered_at,
        CustomerSource.batch_id,
        CustomerSource.batch_row,
        ImportBatch.file_name,
    )
    .outerjoin(ImportBatch, ImportBatch.id == CustomerSource.batch_id)
    .where(CustomerSource.customer_id == _ID)
    .order_by(CustomerSource.delivered_at.desc(), CustomerSource.id.desc())
)
_CHANGES = (
    select(
        ImportChange.id,
        ImportChange.batch_id,
        ImportChange.batch_row,
        ImportChange.field,
        ImportChange.old,
        ImportChange.new,
        ImportChange.undone,
        ImportBatch.created_at,
        ImportBatch.file_name,
        ImportBatch.source,
    )
    .join(ImportBatch, ImportBatch.id == ImportChange.batch_id)
    .where(ImportChange.model == Customer.__model__.id, ImportChange.row_id == _ID)
    .order_by(ImportChange.id.desc())
    .limit(MOST_CHANGES)
)
_VEHICLES = (
    select(
        Vehicle.id,
        Vehicle.plate,
        Vehicle.vin,
        Vehicle.make,
        Vehicle.model,
        Vehicle.first_registered_on,
        Vehicle.usage,
        Vehicle.owner_id,
    )
    .where(_THEIR_VEHICLES)
    .order_by(Vehicle.id)
)


class Place(NamedTuple):
    """An address; ``text`` is in clear and is masked where it is shown."""

    id: int
    text: str
    county: str | None
    street: str | None
    complete: bool
    since: date | None
    until: date | None
    source: str
    batch_id: int | None
    batch_row: int | None


@dataclass(frozen=True)
class CustomerFacts:
    """What is known of a customer inside the reader's branches; rows of the statements above.

    Args:
        customer: The head row.
        day: The as-of day with the limits of the class rules.
        shared_with: Branches outside the reader's that also have to do with the customer.
    """

    customer: Any
    day: Day
    shared_with: int
    reach: Rows
    terms: Rows
    endorsements: Rows
    claims: Rows
    receivables: Rows
    biography: Rows
    sources: Rows

    @property
    def numbers(self) -> list[Any]:
        """Documents and contact points."""
        return [row for row in self.reach if row.place != "address"]

    @property
    def addresses(self) -> list[Place]:
        """Addresses, the present and newest first."""
        places = [
            Place(
                row.id,
                row.masked,
                row.problem,
                row.extension,
                row.valid,
                row.since,
                row.until,
                row.source,
                row.batch_id,
                row.batch_row,
            )
            for row in self.reach
            if row.place == "address"
        ]
        newest = sorted(places, key=lambda place: (place.since or date.min, place.id), reverse=True)
        return sorted(newest, key=lambda place: place.until is not None)

    @property
    def stages(self) -> list[Any]:
        """Class changes in order of their days."""
        return [row for row in self.biography if row.what == "class"]

    @property
    def marks(self) -> list[Any]:
        """Marks in force on the as-of day."""
        day = self.day.as_of
        marks = (row for row in self.biography if row.what != "class")
        return [row for row in marks if row.since <= day and (row.until is None or row.until >= day)]


def read_facts(session: ScopedSession, customer_id: int, as_of: date) -> CustomerFacts:
    """Read the facts of a customer with nine statements, whatever their number.

    Args:
        session: Session of the reader; its row rules decide what is seen.
        customer_id: The customer.
        as_of: The day of the figures.

    Raises:
        NotFoundError: There is no such customer, or not for this reader: both look the same.
    """
    key = {"customer": customer_id}
    actor = session.actor
    if actor is None or actor.sees_all_branches:
        heads = session.rows(_HEAD, key)
    else:
        heads = session.rows(_HEAD_IN_BRANCHES, {**key, "mine": sorted(actor.branch_ids)})
    if not heads:
        raise NotFoundError("unknown_record", "There is no such record.", "Go back to the list.")
    day = Day(as_of, thresholds_on(session, as_of))
    parts = (_REACH, _TERMS, _ENDORSEMENTS, _CLAIMS, _RECEIVABLES, _BIOGRAPHY, _SOURCES)
    found = [session.rows(part, key) for part in parts]
    return CustomerFacts(heads[0], day, getattr(heads[0], "shared_with", 0), *found)


def read_changes(session: ScopedSession, customer_id: int) -> Rows:
    """Return the values that imports changed on a customer, newest first."""
    return session.rows(_CHANGES, {"customer": customer_id})


def read_vehicles(session: ScopedSession, customer_id: int) -> Rows:
    """Return the vehicles that a customer owns or insures."""
    return session.rows(_VEHICLES, {"customer": customer_id})
